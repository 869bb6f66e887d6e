"""Commands that run something else by way of an option: tar's actions, rsync's remote shell, an editor's commands."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Word
from ringfence.core.shell.programs.git import git_carries
from ringfence.core.shell.programs.text_options import MADE_BY_OPTION, Carried, text_options


def _tar(words: Sequence[Word]) -> Carried:
    found = [
        text_options("tar", words, r"--checkpoint-action=(?:exec=)(.*)", "tar runs it"),
        text_options(
            "tar",
            words,
            r"--(?:to-command|use-compress-program|use-c\w*|info-script|new-volume-script|rsh-command|to-c\w*)(?:=(.*))?",
            "tar runs it",
        ),
        text_options("tar", words, r"-[a-zA-Z]*[IF](.+)?", "tar runs it"),
    ]
    harmless = {"gzip", "pigz", "zstd", "xz", "bzip2", "lz4", "pigz -9", "zstd -19", "zstd -T0", "xz -T0", "gzip -9"}
    texts = [text for one in found for text in one.texts if text not in harmless]
    doubts = [
        doubt
        for one in found
        for doubt in one.doubts
        if doubt is MADE_BY_OPTION or doubt.why.partition(": ")[2] not in harmless
    ]
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
    doubts = (MADE_BY_OPTION,) if any(not word.is_known for word in words[1:]) else ()
    return Carried(via=words[0].text, texts=tuple(texts), doubts=doubts)


_READERS: Final[dict[str, Callable[[Sequence[Word]], Carried]]] = {
    "git": git_carries,
    "tar": _tar,
    "gtar": _tar,
    "bsdtar": _tar,
    "rsync": lambda words: text_options("rsync", words, r"(?:-[a-zA-Z]*e|--rsh|--rsync-path)(?:=?(.+))?", "rsync runs it"),
    "scp": lambda words: text_options("scp", words, r"-[a-zA-Z46]*S(.+)?|-o(?:ProxyCommand=?.*|.*Command.*)", "scp runs it"),
    "sort": lambda words: text_options("sort", words, r"--compress-p\w*(?:-program)?(?:=(.*))?", "sort runs it"),
    "split": lambda words: text_options("split", words, r"--filter(?:=(.*))?", "split runs it"),
    "zip": lambda words: text_options("zip", words, r"(?:-TT|--unzip-command)(?:=?(.+))?", "zip runs it"),
    "man": lambda words: text_options("man", words, r"(?:-[a-zA-Z]*[PH]|--pager|--html)(?:=?(.+))?", "man runs it"),
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
    "nodemon": lambda words: text_options("nodemon", words, r"(?:-x|--exec)(?:=(.+))?", "nodemon runs it"),
    "nix-shell": lambda words: text_options("nix-shell", words, r"--(?:run|command)(?:=(.+))?", "nix-shell runs it"),
}


def carried(name: str, words: Sequence[Word]) -> Carried | None:
    """What a command runs besides. None: nothing."""
    reader = _READERS.get(name)
    found = None if reader is None else reader(words)
    return found if found is not None and (found.texts or found.commands or found.doubts) else None
