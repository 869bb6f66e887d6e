"""Commands that run something else by way of an option: git's aliases and pagers, tar's actions, rsync's remote shell."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Word

_HARMLESS_KEYS: Final = re.compile(
    r"user\.(name|email|useconfigonly)|color\..*|column\..*|advice\..*|core\.(quotepath|autocrlf|eol|safecrlf|filemode|abbrev|ignorecase|longpaths"
    r"|preloadindex|commentchar|precomposeunicode)|diff\.(renames|renamelimit|context|algorithm|noprefix|mnemonicprefix|colormoved|wserrorhighlight)"
    r"|log\..*|merge\.(conflictstyle|renames|ff)|pull\.(rebase|ff)|push\.(default|followtags|autosetupremote)|rebase\.(autosquash|autostash|updaterefs)"
    r"|init\.defaultbranch|gc\.auto|protocol\.version|commit\.(gpgsign|verbose|cleanup)|tag\.(gpgsign|sort)|grep\..*|status\..*|fetch\.prune"
    r"|branch\.sort|stash\..*|blame\..*|pack\..*|feature\..*|index\..*|format\.(pretty|signoff)|i18n\..*|versionsort\..*|submodule\.recurse",
    re.IGNORECASE,
)
_RUNS_TEXT_KEYS: Final = re.compile(
    r"core\.(pager|editor|sshcommand|fsmonitor|askpass)|pager\..*|sequence\.editor|diff\.external|credential\..*helper",
    re.IGNORECASE,
)
_HARMLESS_VALUES: Final = frozenset({"", "cat", "true", ":", "false", "less", "less -FRX"})
_MADE: Final = Doubt(Undecided.EVAL, "an option makes it run something that is worked out at run time")


@dataclass(frozen=True, slots=True)
class Carried:
    via: str
    texts: tuple[str, ...] = ()
    """Given to a shell."""
    commands: tuple[tuple[Word, ...], ...] = ()
    doubts: tuple[Doubt, ...] = ()


def carried(name: str, words: Sequence[Word]) -> Carried | None:
    """What a command runs besides. None: nothing."""
    reader = _READERS.get(name)
    found = None if reader is None else reader(words)
    return found if found is not None and (found.texts or found.commands or found.doubts) else None


def _options(name: str, words: Sequence[Word], pattern: str, why: str) -> Carried:
    """Options whose value is text that is run: `--opt=text`, `--opt text`, `-otext`."""
    texts: list[str] = []
    doubts: list[Doubt] = []
    for number, word in enumerate(words[1:], start=1):
        found = re.fullmatch(pattern, word.text, re.DOTALL)
        if found is None:
            continue
        value: str | None = found[1]
        if value is None:
            behind = words[number + 1] if number + 1 < len(words) else None
            value = behind.text if behind is not None and behind.is_known else None
        elif not word.is_known:
            value = None
        if value is None:
            doubts.append(_MADE)
        else:
            texts.append(value)
            doubts.append(Doubt(Undecided.EVAL, f"{why}: {value}"[:200]))
    return Carried(via=name, texts=tuple(texts), doubts=tuple(doubts))


def _git(words: Sequence[Word]) -> Carried:
    texts: list[str] = []
    doubts: list[Doubt] = []
    commands: list[tuple[Word, ...]] = []
    at = 1
    while at < len(words):
        word = words[at]
        if word.may_split:
            doubts.append(_MADE)
            return Carried(via="git", doubts=tuple(doubts))
        if word.text in {"-c", "--config-env"} or word.text.startswith(("--config-env=", "--exec-path=")):
            given = words[at + 1] if word.text == "-c" and at + 1 < len(words) else None
            _setting(given, texts, doubts)
            at += 2 if word.text in {"-c", "--config-env"} else 1
        elif word.text in {"-C", "--git-dir", "--work-tree", "--namespace", "--super-prefix"}:
            at += 2
        elif word.text.startswith("-"):
            at += 1
        else:
            break
    rest = words[at:]
    sub = rest[0].text if rest else ""
    if sub == "bisect" and len(rest) > 2 and rest[1].text == "run":
        commands.append(tuple(rest[2:]))
    elif sub == "submodule" and "foreach" in [word.text for word in rest[:4]]:
        where = [word.text for word in rest].index("foreach") + 1
        inner = [word for word in rest[where:] if word.text not in {"--recursive", "-q", "--quiet"}]
        _joined(inner, texts, doubts)
    found = [_options("git", rest, one, "git runs it") for one in _git_patterns(sub)]
    for one in found:
        texts += one.texts
        doubts += one.doubts if sub not in {"rebase", "filter-branch"} else [each for each in one.doubts if each is _MADE]
    return Carried(via=f"git {sub}".strip(), texts=tuple(texts), commands=tuple(commands), doubts=tuple(doubts))


def _git_patterns(sub: str) -> list[str]:
    match sub:
        case "rebase":
            return [r"--exec(?:=(.*))?", r"-x(.+)?"]
        case "filter-branch":
            return [r"--(?:tree|index|env|msg|parent|commit|tag-name|setup|subdirectory)-?(?:filter)?(?:=(.*))?"]
        case "difftool" | "mergetool":
            return [r"--extcmd(?:=(.*))?", r"-x(.+)?"]
        case "clone" | "fetch" | "pull" | "ls-remote" | "fetch-pack":
            return [r"--upload-pack(?:=(.*))?", r"--exec(?:=(.*))?", *([r"-u(.+)?"] if sub == "clone" else []), r"(ext::.*)"]
        case "push" | "send-pack":
            return [r"--receive-pack(?:=(.*))?", r"--exec(?:=(.*))?", r"(ext::.*)"]
        case "archive":
            return [r"--exec(?:=(.*))?"]
        case "grep":
            return [r"--open-files-in-pager(?:=(.*))", r"-O(.+)"]
        case _:
            return []


def _setting(given: Word | None, texts: list[str], doubts: list[Doubt]) -> None:
    if given is None or not given.is_known:
        doubts.append(_MADE)
        return
    key, _, value = given.text.partition("=")
    if _HARMLESS_KEYS.fullmatch(key) or (_RUNS_TEXT_KEYS.fullmatch(key) and value in _HARMLESS_VALUES):
        return
    if key.lower().startswith("alias.") and not value.startswith("!"):
        texts.append(f"git {value}")
    elif value:
        texts.append(value.removeprefix("!"))
    doubts.append(Doubt(Undecided.EVAL, f"a setting decides what git runs: {key}"[:200]))


def _joined(words: Sequence[Word], texts: list[str], doubts: list[Doubt]) -> None:
    if any(not word.is_known or word.may_split for word in words):
        doubts.append(_MADE)
    elif words:
        texts.append(" ".join(word.text for word in words))


def _tar(words: Sequence[Word]) -> Carried:
    found = [
        _options("tar", words, r"--checkpoint-action=(?:exec=)(.*)", "tar runs it"),
        _options(
            "tar",
            words,
            r"--(?:to-command|use-compress-program|use-c\w*|info-script|new-volume-script|rsh-command|to-c\w*)(?:=(.*))?",
            "tar runs it",
        ),
        _options("tar", words, r"-[a-zA-Z]*[IF](.+)?", "tar runs it"),
    ]
    harmless = {"gzip", "pigz", "zstd", "xz", "bzip2", "lz4", "pigz -9", "zstd -19", "zstd -T0", "xz -T0", "gzip -9"}
    texts = [text for one in found for text in one.texts if text not in harmless]
    doubts = [doubt for one in found for doubt in one.doubts if doubt is _MADE or doubt.why.partition(": ")[2] not in harmless]
    return Carried(via="tar", texts=tuple(texts), doubts=tuple(doubts))


def _editor(words: Sequence[Word]) -> Carried:
    risky = [word for word in words[1:] if not word.is_known or re.match(r"\+|-c$|-S|--cmd|-s$|-u|-W", word.text)]
    texts = [found[1] for word in words[1:] if (found := re.match(r"\+?:?(?:sil\w*!?\s+)?!(.+)", word.text, re.DOTALL))]
    doubts = (Doubt(Undecided.CODE, "an editor is given commands of its own"),) if risky else ()
    return Carried(via=words[0].text, texts=tuple(texts), doubts=doubts)


def _make(words: Sequence[Word]) -> Carried:
    odd = [
        word.text
        for word in words[1:]
        if re.match(r"SHELL\s*:?=|\.SHELLFLAGS|MAKEFLAGS=|--eval|-E|-f-$|-f$|--file=-", word.text)
    ]
    odd = [text for text in odd if text != "-f"]
    piped = any(one.text == "-f" and other.text in {"-", "/dev/stdin"} for one, other in itertools.pairwise(words))
    if odd or piped or any(word.may_split for word in words[1:]):
        return Carried(via="make", doubts=(Doubt(Undecided.EVAL, "an option decides what make runs"),))
    return Carried(via="make")


def _tmux(words: Sequence[Word]) -> Carried:
    texts = [word.text for word in words[1:] if word.is_known and (" " in word.text or word is words[-1])]
    return Carried(via=words[0].text, texts=tuple(texts), doubts=(Doubt(Undecided.EVAL, "a terminal runs what it is given"),))


def _every_text(words: Sequence[Word]) -> Carried:
    """Operands that are texts for a shell: `hyperfine 'a' 'b'`."""
    texts = [word.text for word in words[1:] if word.is_known and not word.text.startswith("-")]
    doubts = (_MADE,) if any(not word.is_known for word in words[1:]) else ()
    return Carried(via=words[0].text, texts=tuple(texts), doubts=doubts)


_READERS: Final[dict[str, Callable[[Sequence[Word]], Carried]]] = {
    "git": _git,
    "tar": _tar,
    "gtar": _tar,
    "bsdtar": _tar,
    "rsync": lambda words: _options("rsync", words, r"(?:-[a-zA-Z]*e|--rsh|--rsync-path)(?:=?(.+))?", "rsync runs it"),
    "scp": lambda words: _options("scp", words, r"-[a-zA-Z46]*S(.+)?|-o(?:ProxyCommand=?.*|.*Command.*)", "scp runs it"),
    "sort": lambda words: _options("sort", words, r"--compress-p\w*(?:-program)?(?:=(.*))?", "sort runs it"),
    "split": lambda words: _options("split", words, r"--filter(?:=(.*))?", "split runs it"),
    "zip": lambda words: _options("zip", words, r"(?:-TT|--unzip-command)(?:=?(.+))?", "zip runs it"),
    "man": lambda words: _options("man", words, r"(?:-[a-zA-Z]*[PH]|--pager|--html)(?:=?(.+))?", "man runs it"),
    "vim": _editor,
    "vi": _editor,
    "nvim": _editor,
    "view": _editor,
    "ex": _editor,
    "emacs": _editor,
    "make": _make,
    "gmake": _make,
    "tmux": _tmux,
    "screen": _tmux,
    "hyperfine": _every_text,
    "concurrently": _every_text,
    "at": lambda words: Carried(via="at", doubts=(Doubt(Undecided.EVAL, "its input is run later"),)),
    "batch": lambda words: Carried(via="batch", doubts=(Doubt(Undecided.EVAL, "its input is run later"),)),
    "nodemon": lambda words: _options("nodemon", words, r"(?:-x|--exec)(?:=(.+))?", "nodemon runs it"),
    "nix-shell": lambda words: _options("nix-shell", words, r"--(?:run|command)(?:=(.+))?", "nix-shell runs it"),
}
