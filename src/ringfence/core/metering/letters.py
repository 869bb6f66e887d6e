"""How much longer than its bytes a text can become before it is cut into tokens. Pure.

Tokenizers may normalise what they are given first (NFKC, as the one did that the vendor has published). Nearly every text stays
as it is or becomes shorter. A few letters become many: U+FDFA is three bytes, and eighteen letters of 33 bytes afterwards.

Source: Unicode Standard Annex 15.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

_FORM: Final = "NFKC"
_ESCAPE: Final = 6
"""Bytes of `\\uXXXX`."""
HARMLESS: Final = (
    (0xC0, 0x13E), (0x14A, 0x1C3), (0x386, 0x482), (0x48A, 0x52F), (0x5D0, 0x5EA), (0x620, 0x64A), (0xE01, 0xE32),
    (0x2010, 0x2032), (0x20A0, 0x20CF), (0x2190, 0x222B), (0x2460, 0x247C), (0x2500, 0x27BF), (0x3001, 0x3029),
    (0x3041, 0x3096), (0x30A0, 0x30FE), (0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0xFE00, 0xFE0F), (0xFF01, 0xFF9D),
    (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF),
)  # fmt: skip
"""Letters and signs of common texts, from and to: none of them is a mark, and none becomes longer."""
_STARTS: Final = [start for start, _ in HARMLESS]
_ENDS: Final = [-1, *(end for _, end in HARMLESS)]
_PLAIN: Final = bytes(range(0x80))


def swelling(data: bytes) -> int:
    """How many bytes a JSON text lacks of what its texts can become. 0 for nearly all. What is no UTF-8 is not read further."""
    longer = 0
    if not data.isascii() and _may_grow(data.translate(None, _PLAIN).decode("utf-8", "replace")):
        text = data.decode("utf-8", "replace")
        longer = max(0, len(unicodedata.normalize(_FORM, text).encode()) - len(data))
    if b"\\u" in data:
        longer += sum(_LONGER[found.group()[2:].lower()] for found in _SWELLING.finditer(data))
    return longer


def _may_grow(text: str) -> bool:
    """Whether there is a letter that may become longer, or a mark that may have one before it do so."""
    return any(ord(each) > _ENDS[bisect_right(_STARTS, ord(each))] for each in set(text))


def _swelling_escapes() -> Mapping[bytes, int]:
    """By the code in an escape: the bytes beyond those of the escape. A pair of escapes is as long as anything it becomes."""
    found: dict[bytes, int] = {}
    for code in range(0x80, 0x10000):
        if 0xD800 <= code < 0xE000 or 0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xD800:
            continue
        more = len(unicodedata.normalize(_FORM, chr(code)).encode()) - _ESCAPE
        if more > 0:
            found[b"%04x" % code] = more
    return found


_LONGER: Final = _swelling_escapes()
_SWELLING: Final = re.compile(rb"\\u(?:" + b"|".join(_LONGER) + b")", re.IGNORECASE)
