"""Paths of a shell's words, as far as text alone says."""

from __future__ import annotations

import posixpath

from ringfence.core.shell.command import Word

_NOWHERE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/stdin"})
PIPE = "/dev/fd/63"
"""What stands where a process substitution is."""


def path_of(text: str, place: str | None) -> str | None:
    """Absolute, with `.` and `..` taken out as `cd` does it. None: nobody knows."""
    if text.startswith("/"):
        return tidy(text)
    return None if place is None else tidy(f"{place}/{text}")


def tidy(path: str) -> str:
    # Two slashes at the beginning mean the same as one here.
    return "/" + posixpath.normpath(path).lstrip("/")


def is_nowhere(word: Word) -> bool:
    return word.is_known and not word.is_pattern and (word.text in _NOWHERE or is_pipe(word.text))


def is_pipe(path: str) -> bool:
    return path.startswith(("/dev/fd/", "/proc/self/fd/")) or path == "/dev/stdin"
