"""Numbers of two parts, and parts of a whole: `one and a half hours`, `3 euros and fifty cents`, `two thirds of it`. Pure.

What such a phrase is made of is taken away: `three euros fifty` are neither 3 nor 50.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from ringfence.core.flow.numerals.numbers import CURRENCIES, MOST_NUMBERS, TIME_UNITS, Number

_U: Final = "|".join(sorted((unit for unit in TIME_UNITS if len(unit) > 2), key=len, reverse=True))
_MORE: Final = {
    "and a half": "0.5", "und eine halbe": "0.5", "und ein halber": "0.5", "et demie": "0.5", "et demi": "0.5",
    "y media": "0.5",
    "y medio": "0.5", "and a quarter": "0.25", "et quart": "0.25", "y cuarto": "0.25", "and three quarters": "0.75",
}  # fmt: skip
_M: Final = "|".join(_MORE)
_MORE_UNITS: Final = re.compile(rf"[ -](?:({_M}) ({_U})|({_U}) ({_M})(?! (?:past|to)))(?!\w)")
_AFTER_UNIT: Final = re.compile(rf" ({_M})(?!\w)")
_OF_UNITS: Final = (
    (re.compile(rf"(?<!\w)(anderthalb|(?:ein|zwei|drei|vier|f\u00fcnf)einhalb) ({_U})(?!\w)"), ""),
    (re.compile(rf"(?<!\w)(?:ein(?:e[nrm]?)? )?halbe[nrm]? ({_U})(?!\w)"), "0.5"),
    (re.compile(rf"(?<!\w)half[ -](?:an? )?({_U})(?!\w)"), "0.5"),
    (re.compile(rf"(?<!\w)demi-({_U})(?!\w)|(?<!\w)medi[oa] ({_U})(?!\w)"), "0.5"),
    (re.compile(rf"(?<!\w)three[- ]quarters of an? ({_U})(?!\w)|(?<!\w)dreiviertel ?({_U})(?!\w)"), "0.75"),
    (re.compile(rf"(?<!\w)trois quarts d['\u2019]({_U})(?!\w)|(?<!\w)tres cuartos de ({_U})(?!\w)"), "0.75"),
    (re.compile(rf"(?<!\w)quarter (?:of an? )?({_U})(?!\w)|(?<!\w)viertel ?({_U})(?!\w)"), "0.25"),
    (re.compile(rf"(?<!\w)un quart d['\u2019]({_U})(?!\w)|(?<!\w)un cuarto de ({_U})(?!\w)"), "0.25"),
)
_HALVES: Final = {
    "anderthalb": "1.5", "eineinhalb": "1.5", "zweieinhalb": "2.5", "dreieinhalb": "3.5", "viereinhalb": "4.5",
    "f\u00fcnfeinhalb": "5.5",
}  # fmt: skip
_NO_TIME: Final = rf"(?! (?:an? |ein(?:er|es) |une? )?(?:{_U})\b)(?!\w)"
_SHARES: Final = tuple(
    (re.compile(rf"(?<![\w-])(?:{pattern}){_NO_TIME}"), Decimal(over) / Decimal(under))
    for pattern, over, under in (
        (r"half of|by half|half(?= (?:the|its|their|this|my|our) )|(?:die|zur) h\u00e4lfte|la moiti\u00e9|la mitad", 1, 2),
        (r"(?:a|one)[ -]quarter of|ein viertel|un quart de|una cuarta parte|un cuarto de", 1, 4),
        (r"three[ -]quarters(?: of)?|drei viertel|trois quarts(?: de)?|tres cuartos(?: de)?|tres cuartas partes", 3, 4),
        (r"(?:a|one)[ -]third of|ein drittel|un tiers de|un tercio de|una tercera parte", 1, 3),
        (r"two[ -]thirds(?: of)?|zwei drittel|deux tiers(?: de)?|dos tercios(?: de)?", 2, 3),
        (r"(?:a|one)[ -]fifth of|ein f\u00fcnftel|un cinqui\u00e8me de|una quinta parte", 1, 5),
        (r"(?:a|one)[ -]tenth of|ein zehntel|un dixi\u00e8me de|una d\u00e9cima parte", 1, 10),
    )
)
_HINTS: Final = (
    "half", "halb", "h\u00e4lfte", "quart", "viertel", "demi", "medi", "moiti\u00e9", "mitad", "third",
    "drittel", "tiers", "terci",
    "tercer", "fifth", "f\u00fcnftel", "cinqui\u00e8me", "quinta", "tenth", "zehntel", "dixi\u00e8me", "d\u00e9cima",
    "cuart",
)  # fmt: skip
"""One of these is in everything that the patterns above find."""
_PLACES: Final = (Decimal(1), Decimal("0.1"), Decimal("0.01"))
_C: Final = "|".join(re.escape(word) for word in sorted(CURRENCIES, key=len, reverse=True))
_BETWEEN: Final = re.compile(rf"(?: ?(?:{_C}))?(?: ?(?:and|und|et|y|con)| ?,)? ")
_CENTS: Final = re.compile(r" ?(?:cents?|ct|pence|centimes?|c[e\u00e9]ntimos?|rappen)(?!\w)")
_ALONE: Final = re.compile(
    r"(?=\Z|[.,;!?)](?!\d)| (?:an|to|for|from|f\u00fcr|von|auf|\u00e0|a|al|pour|para|por|bitte|please|by|on)(?!\w))"
)
_WORDED: Final = re.compile(rf" ?(?:{_C}) ")


def with_parts(low: str, numbers: tuple[Number, ...]) -> tuple[Number, ...]:
    """The numbers of a folded text, those of two parts made one, and with the shares that it names."""
    found = [*_paid(low, numbers)]
    if any(hint in low for hint in _HINTS):  # most words name no part of anything, and looking for one takes long
        found = [*found, *_timed(low, numbers), *_shares(low)][:MOST_NUMBERS]
    if not found:
        return numbers
    made: list[Number] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        # The `half hours` of `one and a half hours` is none.
        if not made or one.start >= made[-1].end or (one.start, one.end) == (made[-1].start, made[-1].end):
            made.append(one)
    spans = sorted((one.start, one.end) for one in made)
    starts = [start for start, _ in spans]

    def is_part(one: Number) -> bool:
        place = bisect_left(starts, one.start + 1) - 1
        return place >= 0 and one.start < spans[place][1]

    return (*(one for one in numbers if not is_part(one)), *made)


def _paid(low: str, numbers: tuple[Number, ...]) -> Iterator[Number]:
    by_place = {one.start: one for one in numbers}
    for one in numbers:
        if not one.money or one.value != one.value.to_integral_value() or (between := _BETWEEN.match(low, one.end)) is None:
            continue
        minor = by_place.get(between.end())
        if minor is None or not 0 < minor.value < 100 or minor.value != minor.value.to_integral_value():
            continue
        if (cents := _CENTS.match(low, minor.end)) is not None:
            end = cents.end()
        elif minor.value >= 10 and _is_alone(one, minor) and _WORDED.fullmatch(between[0]) and _ALONE.match(low, minor.end):
            end = minor.end
        else:
            continue
        yield Number(one.value + minor.value / 100, one.start, end, money=one.money)


def _is_alone(one: Number, minor: Number) -> bool:
    """Whether nothing is counted by it but, at most, the same money."""
    return minor.money in ("", one.money) and not (minor.seconds or minor.percent or minor.pieces)


def _timed(low: str, numbers: tuple[Number, ...]) -> Iterator[Number]:
    for one in numbers:
        if (found := _MORE_UNITS.match(low, one.end)) is not None:
            more, unit = found[1] or found[4], found[2] or found[3]
            yield Number(one.value + Decimal(_MORE[more]), one.start, found.end(), seconds=TIME_UNITS[unit])
        elif one.seconds and (found := _AFTER_UNIT.match(low, one.end)) is not None:
            yield replace(one, value=one.value + Decimal(_MORE[found[1]]), end=found.end())
    for pattern, value in _OF_UNITS:
        for found in pattern.finditer(low):
            unit = next(part for part in reversed(found.groups()) if part)
            yield Number(Decimal(value or _HALVES[found[1]]), found.start(), found.end(), seconds=TIME_UNITS[unit])


def _shares(low: str) -> Iterator[Number]:
    for pattern, part in _SHARES:
        for found in pattern.finditer(low):
            whole = part * 100
            # A third has no end: as people round it.
            for value in {whole.quantize(place, ROUND_HALF_UP).normalize() for place in _PLACES}:
                if whole != whole.to_integral_value() or value == whole:
                    yield Number(value, found.start(), found.end(), percent=True, share=True)
