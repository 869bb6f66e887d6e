"""How much longer than its bytes a text can become before it is cut into tokens. Pure.

Tokenizers may normalise what they are given first (NFKC, as the one did that the vendor has published). Nearly every text stays
as it is or becomes shorter. A few letters become many: U+FDFA is three bytes, and eighteen letters of 33 bytes afterwards.

Source: Unicode Standard Annex 15.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

_FORM: Final = "NFKC"
_ESCAPE: Final = 6
"""Bytes of `\\uXXXX`."""


def swelling(data: bytes) -> int:
    """How many bytes a JSON text lacks of what its texts can become. 0 for nearly all. What is no UTF-8 is not read further."""
    is_plain = data.isascii()
    if is_plain and b"\\u" not in data:
        return 0
    longer = 0
    if not is_plain:
        text = data.decode("utf-8", "replace")
        if not unicodedata.is_normalized(_FORM, text):
            longer = max(0, len(unicodedata.normalize(_FORM, text).encode()) - len(data))
    return longer + sum(_LONGER[found.group()[2:].lower()] for found in _SWELLING.finditer(data))


def _swelling_escapes() -> Mapping[bytes, int]:
    """By the code in an escape: the bytes beyond those of the escape. A pair of escapes is as long as anything it becomes."""
    found: dict[bytes, int] = {}
    for code in range(0x80, 0x10000):
        if 0xD800 <= code < 0xE000:
            continue
        more = len(unicodedata.normalize(_FORM, chr(code)).encode()) - _ESCAPE
        if more > 0:
            found[b"%04x" % code] = more
    return found


_LONGER: Final = _swelling_escapes()
_SWELLING: Final = re.compile(rb"\\u(?:" + b"|".join(_LONGER) + b")", re.IGNORECASE)
