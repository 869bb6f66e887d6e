"""Card numbers and IBANs: which digits are one. Pure.

A check takes a text and where a candidate begins and ends in it; it answers where the number really ends, or -1.
"""

from __future__ import annotations

from typing import Final

_CARD_GROUPS: Final = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3)})
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_IBAN_COUNTRIES: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
"""By length: of the registry of ISO 13616."""
_IBAN_LENGTHS: Final = {country: length for length, countries in _IBAN_COUNTRIES.items() for country in countries.split()}
_LETTERS_AS_NUMBERS: Final = {chr(65 + place): str(10 + place) for place in range(26)}
_PART_OF_MORE: Final = frozenset(b"_.-/@+")
"""Beside a sign of these, a number is a piece of something longer: a UUID, a path, a version, an amount."""


def card(text: bytes, start: int, end: int) -> int:
    """Luhn (ISO/IEC 7812-1, annex B), a beginning that issuers use, its lengths, and digits in one piece or as on a card."""
    written = text[start:end].decode("latin-1")
    groups = written.replace("-", " ").split(" ")
    digits = "".join(groups)
    if len(groups) > 1 and (tuple(map(len, groups)) not in _CARD_GROUPS or (" " in written and "-" in written)):
        return -1
    if not _is_issued(digits) or len(set(digits)) < 2 or not stands_alone(text, start, end):
        return -1
    return end if _luhn(digits) else -1


def iban(text: bytes, start: int, end: int) -> int:
    """The length of its country, and the remainder of 97 (ISO 7064). Written in one piece, or in groups of four."""
    length = _IBAN_LENGTHS.get(text[start : start + 2].decode("latin-1"), 0)
    number, place = "", start
    while place < end and len(number) < length:
        sign = chr(text[place])
        if sign not in " -":
            number += sign
        elif len(number) % 4:
            return -1
        place += 1
    if len(number) < length or not length or not stands_alone(text, start, place):
        return -1
    turned = "".join(_LETTERS_AS_NUMBERS.get(sign, sign) for sign in number[4:] + number[:4])
    return place if int(turned) % 97 == 1 else -1


def stands_alone(text: bytes, start: int, end: int) -> bool:
    """Whether it is a word by itself, and no piece of an identifier, an address or a larger number."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or before in (b"#", b"$") or after.isalnum():
        return False
    return not (_joins(before, text[start - 2 : start - 1]) or _joins(after, text[end + 1 : end + 2]))


def _joins(sign: bytes, beyond: bytes) -> bool:
    return sign != b"" and sign[0] in _PART_OF_MORE and beyond.isalnum()


def _is_issued(digits: str) -> bool:
    two, three, four, size = int(digits[:2]), int(digits[:3]), int(digits[:4]), len(digits)
    if digits[0] == "4":
        return size in (16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return size == 16
    if two in (34, 37):
        return size == 15
    if 300 <= three <= 305 or two in (36, 38, 39):
        return size == 14
    return size in (16, 19) and (3528 <= four <= 3589 or four == 6011 or 644 <= three <= 659 or two == 62)


def _luhn(digits: str) -> bool:
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0
