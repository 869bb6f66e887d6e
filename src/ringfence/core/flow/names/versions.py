"""Versions that people spell apart or say: `5 . 9 . 1`, `four point two`. Pure."""

from __future__ import annotations

import re
from typing import Final

_JOINT: Final = r" (?:\.|point|punkt|punto|dot) "
_APART: Final = re.compile(rf"(?<![\w.,])v?(\d{{1,6}}(?:{_JOINT}\d{{1,6}}){{1,4}})(?!\w|[.,-]\w|{_JOINT}\d)")
_BETWEEN: Final = re.compile(_JOINT)
_MOST: Final = 200


def versions_in(text: str) -> frozenset[str]:
    """Versions of a folded text with its numbers in digits, each with plain dots. Those
    that are written so are left to a search.
    """
    found: set[str] = set()
    for place, match in enumerate(_APART.finditer(text)):
        if place >= _MOST:
            break
        found.add(_BETWEEN.sub(".", match[1]))
    return frozenset(found)
