"""The texts that somebody further on may read in a text: the same with its escapes undone and its letters folded. Pure.

Every step replaces pieces where they stand, so what is read in one part of a text never depends on another part. That is why
nothing is parsed here: a text that is JSON but for one character would otherwise hide what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

_ROUNDS: Final = 4
"""Layers: a URL in a parameter of a URL, in JSON, in a string of JSON."""
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([/\\\"'nrtbf]))")
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}
_RANGES: Final = (
    (0x00A0, 0x3400), (0xA640, 0xAC00), (0xFB00, 0x10000), (0x10780, 0x107C0), (0x1CCD6, 0x1CCFA), (0x1D400, 0x1D800),
    (0x1F100, 0x1F1F0),
)  # fmt: skip
"""Where characters stand that a resolver folds to ASCII (UTS 46, which begins with NFKC)."""
_DOTS: Final = "\u3002\uff0e\uff61"
"""Taken for a dot between labels (RFC 3490, section 3.1)."""
_UNSEEN: Final = "\u00ad\u034f\u180b\u180c\u180d\u200b\u2060\u2064\ufeff"
"""Left out of a name by UTS 46. Joiners are not among them: to some resolvers they make another name."""


def readings(text: str) -> Iterator[str]:
    """The text itself, folded, and with one layer of escapes after the other undone. Each at most once."""
    yield text
    if not text.isascii() and (plain := folded(text)) != text:
        yield plain
        text = plain
    for _ in range(_ROUNDS):
        plain = folded(_undone(text))
        if plain == text:
            return
        yield plain
        text = plain


def folded(text: str) -> str:
    """The text in which every character that a resolver takes for ASCII is ASCII. Character by character: linear."""
    return text if text.isascii() else text.translate(_folds())


def _undone(text: str) -> str:
    if "%" in text:
        text = unquote(text)
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return unescape(text) if "&" in text else text


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code is None:
        return _CONTROLS.get(match[3], match[3])
    char = chr(int(code, 16))
    # Half of a pair is no character.
    return char if not "\ud800" <= char <= "\udfff" else " "


@cache
def _folds() -> dict[int, str]:
    found = dict.fromkeys(map(ord, _UNSEEN), "") | dict.fromkeys(map(ord, _DOTS), ".")
    for first, last in _RANGES:
        for code in range(first, last):
            plain = normalize("NFKC", chr(code))
            # Not to a blank: two words would become one argument and a name would end where it does not.
            if code not in found and plain != chr(code) and plain.isascii() and plain.strip() == plain:
                found[code] = plain
    return found
