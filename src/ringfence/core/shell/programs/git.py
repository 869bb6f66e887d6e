"""What git runs besides: aliases, pagers, editors, `rebase --exec`, `bisect run`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Word
from ringfence.core.shell.programs.text_options import MADE_BY_OPTION, Carried, text_options

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


def git_carries(words: Sequence[Word]) -> Carried:
    texts: list[str] = []
    doubts: list[Doubt] = []
    commands: list[tuple[Word, ...]] = []
    at = 1
    while at < len(words):
        word = words[at]
        if word.may_split:
            doubts.append(MADE_BY_OPTION)
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
    found = [text_options("git", rest, one, "git runs it") for one in _git_patterns(sub)]
    for one in found:
        texts += one.texts
        doubts += (
            one.doubts if sub not in {"rebase", "filter-branch"} else [each for each in one.doubts if each is MADE_BY_OPTION]
        )
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
        doubts.append(MADE_BY_OPTION)
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
        doubts.append(MADE_BY_OPTION)
    elif words:
        texts.append(" ".join(word.text for word in words))
