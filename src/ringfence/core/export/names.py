"""Names of files, as the laxest file system takes them.

What git stores as two names may be one file where it is checked out: file systems fold case, HFS+ drops characters that cannot
be seen, NTFS cuts trailing dots and spaces, knows streams behind a colon, and gives short names (`git~1`). All of it is folded
here, so that a name cannot pass as another.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST_PATH: Final = 1024
"""Bytes."""
LONGEST_NAME: Final = 255
DEEPEST: Final = 64
_REPOSITORY: Final = re.compile(r"\.git|git~[0-9]+")
_SELECTORS: Final = range(0xFE00, 0xFE10)
"""Variation selectors, which cannot be seen either."""


def folded(name: str) -> str:
    """One component of a path as the laxest file system knows it."""
    seen = "".join(char for char in name if unicodedata.category(char) != "Cf" and ord(char) not in _SELECTORS)
    plain = unicodedata.normalize("NFKC", seen).casefold()
    return plain.partition(":")[0].rstrip(" .") or plain


def components(path: str) -> tuple[str, ...]:
    """Folded, in order."""
    return tuple(folded(part) for part in path.split("/"))


def fault_in(raw: bytes) -> str:
    """Why a path may not leave, whatever it holds; empty: it may."""
    if len(raw) > LONGEST_PATH:
        return f"a path of {len(raw)} bytes"
    try:
        path = raw.decode()
    except UnicodeDecodeError:
        return "a path that is no UTF-8"
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in path):
        return "a path with control characters"
    if "\\" in path:
        return "a path with a backslash"
    parts = path.split("/")
    if len(parts) > DEEPEST:
        return f"a path of {len(parts)} folders"
    for part in parts:
        if part in ("", ".", ".."):
            return "a path that is not plain"
        if len(part.encode()) > LONGEST_NAME:
            return "a name that is too long"
        if _REPOSITORY.fullmatch(folded(part)):
            return "a path into a `.git`"
    return ""
