"""Digits of a text that say which one, and never how much: of days, years, accounts, cards and telephones. Pure.

An amount that only stands in the number of somebody's account is nobody's amount.
"""

from __future__ import annotations

import re
from typing import Final

_MONTHS: Final = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|okt|nov|dec|dez|j\u00e4n|m\u00e4r|mrz|mai|f\u00e9v|avr|juin|juil|ao\u00fb|d\u00e9c"
    "|ene|abr|ago|dic"
)
_PATTERNS: Final = (
    re.compile(r"(?<!\d)\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)|(?<!\d)\d{1,2}[-/.]\d{1,2}[-/.]\d{4}(?!\d)"),
    re.compile(
        rf"(?<![\w.,])(?:\d{{1,2}}(?:st|nd|rd|th|\.|er|\u00ba)?(?: of| de)? )?\b(?:{_MONTHS})[a-z\u00e4\u00e9\u00fb]{{0,9}}\.?"
        r"(?: (?:[12]?\d|3[01])(?:st|nd|rd|th)?(?![\w.,]\d|\d))?(?:,? (?:de )?(?:19|20)\d\d(?!\d))?",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:in|since|until|during|year|fy|im|jahr|en|seit|a\u00f1o) (?:19|20)\d\d(?![\w]|[.,]\d)", re.IGNORECASE),
    re.compile(r"(?<![\w-])[A-Za-z]{2}\d{2}(?: (?=[A-Za-z]{0,3}\d)[A-Za-z0-9]{4}){2,7}(?: [A-Za-z0-9]{1,3}(?!\w))?"),
    re.compile(r"(?<!\w)(?:\+|00?)\d[\d ()/\u2013-]{5,22}\d"),
    re.compile(r"(?<![\w.,])\d{4}(?:[ -]\d{4}){2,4}(?:[ -]\d{1,3})?(?!\w)"),
    re.compile(r"(?<![\w.,])\d{1,8}(?:-\d{1,8}){2,6}(?![\w-])"),
)
_MOST: Final = 5_000


def naming_digits(text: str) -> frozenset[int]:
    """Where a number begins that names: places in the text. At most 5,000 spans of each kind."""
    found: set[int] = set()
    for pattern in _PATTERNS:
        for count, match in enumerate(pattern.finditer(text)):
            if count >= _MOST:
                break
            found.update(range(match.start(), match.end()))
    return frozenset(found)
