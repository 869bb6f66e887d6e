"""Git's own words of a command: which of its commands it is, and in which folder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from typing import Final

from ringfence.core.commands.paths import absolute

_VALUED: Final = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--exec-path", "--super-prefix"}
)
"""Options of git itself with a value behind them."""


def command_at(words: Sequence[str]) -> int | None:
    """Where the name of git's command stands; None: it is not git, or there is none."""
    if not words or posixpath.basename(words[0]) != "git":
        return None
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _VALUED else 1
    return at if at < len(words) else None


def folder_of(before: Sequence[str], cwd: str | None) -> str | None:
    """Where it works, by what stands before its command; None: nobody knows, or with another repository or settings."""
    folder = cwd
    rest = iter(before)
    for word in rest:
        if word == "-C":
            folder = absolute(next(rest), folder) if folder is not None else None
        elif word.startswith(("-c", "--")) and not word.startswith("--no-pager"):
            return None
    return None if folder is None or "?" in folder else folder


def is_one(word: str, options: Iterable[str]) -> bool:
    """Whether it is one of these options, as git understands it: cut short too."""
    return any(word == option or (len(word) > 2 and option.startswith(word)) for option in options)
