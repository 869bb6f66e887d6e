"""Times of day as people say them: `14:30`, `half past two in the afternoon`, `halb drei`, `de 9 h à 11 h`. Pure.

An hour that may be of the morning or of the afternoon is that of the morning, unless a word beside it says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import time
from itertools import islice
from typing import Final

MOST_TIMES: Final = 500
_DIGITS: Final = re.compile(r"\d+")
_UTC: Final = r" ?(?:\(|utc|gmt|cet|cest|z\b)"
_BEHIND: Final = (
    rf"(?=\Z|[)!?;]|[.,](?!\d)|{_UTC}| ?[-\u2013] ?\d| (?:in the (?:morning|afternoon|evening)|at night|on|today"
    r"|tomorrow|tonight|next|this|until|till|to|and|for|with|sharp|please|heute|morgen|fr\u00fch|bis|und|mit|f\u00fcr|nachmittags?|vormittags?"
    r"|abends?|de la|del?|du|y|hasta|ma\u00f1ana|hoy|con|para|mon|tue|wed|thu|fri|sat|sun)(?!\d))"
)
_MARKED: Final = re.compile(
    r"(?<![\w.:,/])(\d{1,2})(?:[:.](\d{2})(?::(\d{2}))?)? ?(a\.m\.?|p\.m\.?|am|pm|uhr|o'clock|o\u2019clock|h(?=\W|\Z))(?!\w)"
    r"(?: ([0-5]\d)(?![\w%]|[.,:]\d| ?(?:min|euro|eur)))?"
)
_COLON: Final = re.compile(r"(?<![\w.:,/])(\d{1,2})(?::| ?h ?)([0-5]\d)(?::([0-5]\d))?(?![\w:]| ?(?:min|uhr|[ap]\.?m))")
_FRENCH: Final = re.compile(
    r"(?<!\w)(\d{1,2}) ?(?:heures?|h)(?: (et demie|et quart|moins le quart|[0-5]\d))?(?!\w| ?(?:min|et demie|et quart|moins))"
)
_CUES: Final = re.compile(r"(?<!\w)(?:\u00e0|de|d\u00e8s|vers|et|jusqu['\u2019]\u00e0|entre|a las|las|from|at|by|until|to) \Z")
_PAST: Final = re.compile(
    r"(?<!\w)(?:(half past|quarter past|quarter to|a quarter past|a quarter to|halb|viertel nach|viertel vor) (\d{1,2})"
    r"|(?:at |it's )?(\d{1,2})(?: minutes)? past (\d{1,2})|at (5|10|20|25) to (\d{1,2})"
    r"|las? (\d{1,2}) (y media|y cuarto|menos cuarto))(?![\w:%]|[.,]\d)"
)
_MINUTES: Final = {
    "half past": 30, "quarter past": 15, "a quarter past": 15, "quarter to": -15, "a quarter to": -15, "halb": -30,
    "viertel nach": 15, "viertel vor": -15, "y media": 30, "y cuarto": 15, "menos cuarto": -15, "et demie": 30,
    "et quart": 15, "moins le quart": -15,
}  # fmt: skip
_BARE: Final = re.compile(rf"(?<!\w)(?:at|um|gegen|a las) (\d{{1,2}}){_BEHIND}")
_RANGE: Final = re.compile(
    r"(?<!\w)(?:from|between|von|zwischen|entre las|de las|desde las) (\d{1,2})"
    rf" (?:to|and|until|till|bis|und|y las|a las|hasta las) (\d{{1,2}}){_BEHIND}"
)
_FIRST: Final = re.compile(
    r"(?<![\w.:,/-])(\d{1,2})(?:[:.](\d{2}))? ?(?:-|\u2013|to|until|till|and|bis|und|\u00e0|a|et|y)(?: las)? ?\Z"
)
_TO: Final = re.compile(
    r"(?:h|uhr)?,? ?(?:-|\u2013|to|until|till|and|bis|und|\u00e0|a|et|y|hasta|jusqu['\u2019]\u00e0)(?: las| la)? ?(?:um )?"
)
_NAMED: Final = re.compile(r"(?<!\w)(?:noon|midday|midnight|mittag|mitternacht|midi|minuit|mediod\u00eda|medianoche)(?!\w)")
_MIDNIGHT: Final = frozenset({"midnight", "mitternacht", "minuit", "medianoche"})
_AFTER: Final = re.compile(
    rf"(?:{_UTC} ?\)?)?,? ?(?:(?:in the |this )?(?:(morning)|(afternoon|evening))(?!\w)"
    r"|tomorrow (?:(morning)|(afternoon|evening))(?!\w)"
    r"|(?:(a\.?m\.?|vormittags?"
    r"|morgens|fr\u00fch|du matin|de la ma\u00f1ana)|(p\.?m\.?|nachmittags?|abends?|am nachmittag|am abend"
    r"|de l['\u2019]apr\u00e8s-midi|du soir|de la tarde|de la noche))(?!\w))"
)
_AHEAD: Final = re.compile(
    r"(?<!\w)(?:(morning|vormittag|fr\u00fch|matin)|(afternoon|evening|nachmittag|abend|apr\u00e8s-midi|soir))"
    r",? ?(?:at |from |um |von |gegen |\u00e0 |de )?\Z"
)
_WIDEST: Final = 24


@dataclass(frozen=True, slots=True)
class Clock:
    """The times of day that a text names, and the lengths in seconds of the spans between two of them."""

    times: frozenset[time]
    spans: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Hit:
    start: int
    end: int
    hour: int
    minute: int
    second: int = 0
    half: str = ""
    """`am`, `pm`, or empty where no word says."""

    def at(self) -> time | None:
        hour = self.hour
        if self.half == "pm" and 1 <= hour < 12:
            hour += 12
        elif self.half == "am" and hour == 12:
            hour = 0
        minutes = hour * 60 + self.minute
        return time(minutes // 60, minutes % 60, self.second) if 0 <= minutes < 1440 and self.second < 60 else None


def clock_of(text: str) -> Clock:
    """What a folded text with its numbers in digits says of times of day. At most 500 of them."""
    hits = _outermost(list(islice(_hits(text), MOST_TIMES)))
    hits = _outermost([*hits, *_openings(text, hits)])
    hits = [_halved(text, hit) for hit in hits]
    spans: set[int] = set()
    for place in range(len(hits) - 1, 0, -1):
        ahead, hit = hits[place - 1], hits[place]
        if _TO.fullmatch(text, ahead.end, hit.start) is None:
            continue
        ahead = hits[place - 1] = _agreeing(ahead, hit)
        begin, end = ahead.at(), hit.at()
        if begin is not None and end is not None and (length := _seconds(end) - _seconds(begin)) > 0:
            spans.add(length)
    return Clock(frozenset(at for hit in hits if (at := hit.at()) is not None), frozenset(spans))


def digits_of(text: str) -> tuple[int, ...]:
    """Where runs of digits begin."""
    return tuple(found.start() for found in _DIGITS.finditer(text))


def at_digits(pattern: re.Pattern[str], text: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
    """Every match of a pattern that begins with a digit: looking at the digits alone spares most of the time."""
    end = 0
    for place in places:
        if place >= end and (found := pattern.match(text, place)) is not None:
            end = found.end()
            yield found


def _hits(text: str) -> Iterator[_Hit]:
    places = digits_of(text)
    for found in _NAMED.finditer(text):
        yield _Hit(found.start(), found.end(), 0 if found[0] in _MIDNIGHT else 12, 0, half="named")
    for found in at_digits(_MARKED, text, places):
        mark = found[4].replace(".", "")
        if mark != "h" or _CUES.search(text, max(0, found.start() - _WIDEST), found.start()) is not None:
            half = mark if mark in ("am", "pm") and 1 <= int(found[1]) <= 12 else ""
            end = found.end() if found[5] and not found[2] and not half else found.end(4)
            minute = found[2] or (found[5] if end == found.end() else None) or 0
            yield _Hit(found.start(), end, int(found[1]), int(minute), int(found[3] or 0), half)
    for found in at_digits(_COLON, text, places):
        yield _Hit(found.start(), found.end(), int(found[1]), int(found[2]), int(found[3] or 0))
    for found in at_digits(_FRENCH, text, places):
        if _CUES.search(text, max(0, found.start() - _WIDEST), found.start()) is not None:
            minute = found[2] or "0"
            yield _Hit(found.start(), found.end(), int(found[1]), _MINUTES.get(minute) or int(minute))
    for found in _PAST.finditer(text):
        hour = int(found[2] or found[4] or found[6] or found[7])
        minute = _MINUTES.get(found[1] or found[8] or "", 0) or int(found[3] or 0) - int(found[5] or 0)
        if 1 <= hour <= 24:
            yield _Hit(found.start(), found.end(), hour, minute)
    for found in _BARE.finditer(text):
        yield _Hit(found.start(1), found.end(1), int(found[1]), 0)
    for found in _RANGE.finditer(text):
        yield _Hit(found.start(1), found.end(1), int(found[1]), 0)
        yield _Hit(found.start(2), found.end(2), int(found[2]), 0)


def _openings(text: str, hits: list[_Hit]) -> Iterator[_Hit]:
    """The 2 of `2 to 4 pm`."""
    for hit in hits:
        if (found := _FIRST.search(text, max(0, hit.start - _WIDEST), hit.start)) is not None:
            yield _Hit(found.start(), found.end(2) if found[2] else found.end(1), int(found[1]), int(found[2] or 0))


def _outermost(hits: list[_Hit]) -> list[_Hit]:
    """In order, without those that begin within another: `halb 3 uhr` is no `3 uhr`."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _halved(text: str, hit: _Hit) -> _Hit:
    """With the half of the day that stands behind or before it."""
    if hit.half or not 1 <= hit.hour <= 12:
        return hit
    if (found := _AFTER.match(text, hit.end)) is None:
        found = _AHEAD.search(text, max(0, hit.start - _WIDEST), hit.start)
        return replace(hit, half="am" if found[1] else "pm") if found is not None else hit
    return replace(hit, half="am" if found[1] or found[3] or found[5] else "pm")


def _agreeing(ahead: _Hit, hit: _Hit) -> _Hit:
    """With the half of the day that is said of what it lasts to, where it comes before that."""
    if ahead.half or hit.half not in ("am", "pm"):
        return ahead
    moved = replace(ahead, half=hit.half)
    begin, end = moved.at(), hit.at()
    return moved if begin is not None and end is not None and begin < end else ahead


def _seconds(at: time) -> int:
    return at.hour * 3_600 + at.minute * 60 + at.second
