"""A command in one canonical spelling, which permission lists are held against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.values import quoted

SYSTEM_FOLDERS: Final = (
    "/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/sbin",
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
    "/snap/bin",
)
"""Where a command is the one that its bare name means."""


def joined_words(words: Iterable[str]) -> str:
    """Words joined by one blank."""
    return " ".join(quoted(word) for word in words)


def bare(name: str) -> str:
    """A command's name without the folders of the system; any other path stays."""
    folder, slash, last = name.rpartition("/")
    return last if slash and folder in SYSTEM_FOLDERS else name


def spellings(words: Sequence[str], via: Sequence[str], raw: str) -> tuple[str, ...]:
    """Other texts of the same command for the strict side: without its path, without quotes, behind its wrappers, as
    it was written."""
    if not words:
        return (raw,) if raw else ()
    last = words[0].rpartition("/")[2]
    texts = [joined_words([last, *words[1:]]), " ".join([last, *words[1:]]), " ".join(words)]
    if via:
        texts.append(" ".join([*via, *words]))
        texts.extend(" ".join([wrapper, *words]) for wrapper in via)
    if raw:
        texts.append(raw)
    return tuple(dict.fromkeys(texts))


def written(words: Sequence[Word]) -> str:
    """The text of a command: its words, patterns as they are written."""
    return joined_words(word.text for word in words)
