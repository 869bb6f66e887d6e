"""Characters that a model reads and a person does not see, in the amounts that carry a message.

Narrower than what quarantines a definition (`core.definitions.suspicion`): results are other people's texts, in which single
joiners, byte order marks, soft hyphens and colours are ordinary.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule, hidden

_TAG = r"\xf3\xa0[\x80\x81][\x80-\xbf]"
"""U+E0000 to U+E007F."""
_FLAG = r"\xf0\x9f\x8f\xb4(?:\xf3\xa0\x81[\xa1-\xba]){3,6}\xf3\xa0\x81\xbf"
"""A black flag with a region: the one honest use of tag characters (UTS 51, section 2.8)."""
_NOTHING = r"(?:\xe2\x80[\x8b-\x8f]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf|\xc2\xad|\xe1\xa0\x8e)"
"""No width: U+200B to U+200F, U+2060 to U+2064, U+FEFF, U+00AD, U+180E."""
_BLANK = (
    r"(?:\xe2\x81[\xa5\xaa-\xaf]|\xcd\x8f|\xe1\x9e[\xb4\xb5]|\xf0\x9d\x85[\xb3-\xba]|\xef\xbf[\xb9-\xbb]|\xe1\x85[\x9f\xa0]|\xe3\x85\xa4"
    r"|\xef\xbe\xa0)"
)
"""Rarer: U+2065, U+206A to U+206F, U+034F, U+17B4, U+17B5, U+1D173 to U+1D17A, U+FFF9 to U+FFFB; the fillers U+115F, U+1160,
U+3164, U+FFA0. Apart, since one pattern of both costs as much as all rules."""
_SELECTOR = r"(?:\xef\xb8[\x80-\x8f]|\xf3\xa0(?:[\x84-\x86][\x80-\xbf]|\x87[\x80-\xaf]))"
"""U+FE00 to U+FE0F and U+E0100 to U+E01EF: an honest text has one after a character, a message has one for each byte."""

HIDDEN_RULES: Final[tuple[Rule, ...]] = (
    hidden("hidden_tags", rf"(?:{_TAG})+", _FLAG),
    hidden("hidden_bidi", r"\xe2\x80[\xad\xae]|(?:\xe2\x80\xab|\xe2\x81\xa7)[\x20-\x7e]{2,200}(?:\xe2\x80\xac|\xe2\x81\xa9)"),
    hidden("hidden_zero_width", rf"{_NOTHING}{{8,}}|(?:[A-Za-z]{_NOTHING}{{1,3}}){{4,}}"),
    hidden("hidden_zero_width", rf"{_BLANK}{{8,}}|(?:[A-Za-z]{_BLANK}{{1,3}}){{4,}}"),
    hidden("hidden_selectors", rf"{_SELECTOR}{{3,}}"),
    hidden("hidden_terminal", r"\x1b\[(?:0;)?8m"),
)
