"""Days and times as people write them: `3 March 2027`, `03.03.2027`, `tomorrow`, `next Monday`, `14:30`. Pure.

Relative words count from the day on which they were said (UTC). Where two people could read two days (`03/04/2027`, `next
Friday` said on a Monday) there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVar

from ringfence.core.flow.times.clock import at_digits, clock_of, digits_of
from ringfence.core.model.identifiers import Millis

_T = TypeVar("_T")
MOST_DAYS: Final = 2_000
_MONTHS: Final = {
    name: place
    for place, names in enumerate(
        (
            "january jan januar j\u00e4nner janvier enero", "february feb februar f\u00e9vrier fevrier febrero",
            "march mar m\u00e4rz mrz mars marzo", "april apr avril abril", "may mai mayo", "june jun juni juin junio",
            "july jul juli juillet julio", "august aug ao\u00fbt aout agosto", "september sep sept septembre septiembre",
            "october oct oktober okt octobre octubre", "november nov novembre noviembre",
            "december dec dezember dez d\u00e9cembre decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS: Final = {
    name: place
    for place, names in enumerate(
        (
            "monday mon montag lundi lunes", "tuesday tue tues dienstag mardi martes",
            "wednesday wed mittwoch mercredi mi\u00e9rcoles miercoles", "thursday thu thurs donnerstag jeudi jueves",
            "friday fri freitag vendredi viernes", "saturday sat samstag sonnabend samedi s\u00e1bado sabado",
            "sunday sun sonntag dimanche domingo",
        )
    )
    for name in names.split()
}  # fmt: skip
_NEAR: Final = {
    "today": 0, "heute": 0, "aujourd'hui": 0, "hoy": 0, "tonight": 0, "tomorrow": 1, "morgen": 1, "demain": 1, "ma\u00f1ana": 1,
    "yesterday": -1, "gestern": -1, "hier": -1, "ayer": -1, "day after tomorrow": 2, "\u00fcbermorgen": 2, "uebermorgen": 2,
    "apr\u00e8s-demain": 2, "pasado ma\u00f1ana": 2, "day before yesterday": -2, "vorgestern": -2, "avant-hier": -2,
    "anteayer": -2,
}  # fmt: skip
_NEAR_WORDS: Final = frozenset(re.split(r"[^\w]", name)[-1] for name in _NEAR)
_NEXT: Final = "next|n\u00e4chste[rnsm]?|kommende[rnsm]?|coming|pr\u00f3ximo|pr\u00f3xima"
_LAST: Final = "last|past|previous|letzte[rnsm]?|vergangene[rnsm]?|vorige[rnsm]?|\u00faltimo|\u00faltima"
_THIS: Final = "this|diese[rnsm]?|este|esta|current|laufende[rnsm]?"
_M: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_W: Final = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
_ISO: Final = re.compile(r"(?<![\w.-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_DOTTED: Final = re.compile(r"(?<![\w.-])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})?(?![\w-])")
_SLASHED: Final = re.compile(r"(?<![\w./-])(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?![\w/-])")
_COMPACT: Final = re.compile(r"(?<![\w./-])(\d{4})/(\d{1,2})/(\d{1,2})(?![\w/-])")
_DAY_MONTH: Final = re.compile(
    rf"(?<![\w.])(\d{{1,2}})(?:st|nd|rd|th|\.|er|\u00ba)?(?: of| de)? ({_M})\b\.?(?:,? (?:de )?(\d{{4}}))?"
)
_MONTH_DAY: Final = re.compile(rf"\b({_M})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?(?!\w|[.:]\d)(?:,? (\d{{4}}))?(?!\w)")
_MONTH: Final = re.compile(rf"\b({_M})\b\.? (?:de )?(\d{{4}})(?!\w)")
_SPOKEN_YEAR: Final = re.compile(rf"\b({_M}),? 20 (\d\d)(?![\w]|[.,:]\d)")
_NUMERIC_MONTH: Final = re.compile(r"(?<![\w./-])(?:(0?[1-9]|1[0-2])/(\d{4})|(\d{4})[-./](0[1-9]|1[0-2]))(?![\w/-]|\.\d)")
_BARE_MONTH: Final = re.compile(rf"(?:\b({_NEXT}|{_LAST}|{_THIS}|in|for|during|im|f\u00fcr|en|de|since|of) )({_M})\b(?!\.? \d)")
_WEEKDAY: Final = re.compile(rf"(?:\b({_NEXT}|{_LAST}|{_THIS}) )?\b({_W})\b(?: (prochain|dernier|que viene|pr\u00f3ximo))?")
_NEAR_WORD: Final = re.compile(rf"(?<!\w)({'|'.join(sorted(_NEAR, key=len, reverse=True))})(?!\w)")
_UNITS: Final = {
    "day": 1, "days": 1, "tag": 1, "tage": 1, "tagen": 1, "jour": 1, "jours": 1, "d\u00eda": 1, "d\u00edas": 1, "week": 7,
    "weeks": 7,
    "woche": 7, "wochen": 7, "semaine": 7, "semaines": 7, "semana": 7, "semanas": 7,
}  # fmt: skip
_U: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_MONTHLY: Final = "month|months|monat|monaten|mois|mes|meses"
_AHEAD: Final = re.compile(
    rf"\b(?:in|dans|dentro de|within|en) (?:the next )?(\d{{1,4}}|a|an|one|einer|einem) ({_U}|{_MONTHLY})\b"
)
_AFTER: Final = re.compile(rf"(?<!\w)(\d{{1,4}}|a|one) ({_U}|{_MONTHLY}) (from now|from today|ago|later)\b")
_BEHIND: Final = re.compile(rf"\b(?:vor|il y a|hace) (\d{{1,4}}|einer|einem|un|una|une) ({_U}|{_MONTHLY})\b")
_SPAN: Final = re.compile(
    rf"\b({_NEXT}|{_LAST}|{_THIS}) (\d{{1,3}} )?"
    r"(week|woche|month|monat|quarter|quartal|year|jahr|days|tage|semana|mes|a\u00f1o)\b"
)
_QUARTER: Final = re.compile(r"\bq([1-4])[ /-]?(\d{4})\b|\b(\d{4})[ -]?q([1-4])\b")
_YEAR: Final = re.compile(r"(?<![\w.,/-])(20\d\d|19\d\d)(?![\w/]|[.,-]\w)")
_END: Final = re.compile(
    r"\b(end of (?:the |this )?(?:month|week|year)|(?:month|year)[- ]end|monatsende|ende des monats|jahresende|fin de mes"
    r"|fin du mois|fin de a\u00f1o|fin de l'ann\u00e9e|last day of (?:the |this )?(?:month|year)"
    r"|letzte[rnm]? tag (?:des|dieses) (?:monats|jahres)|dernier jour (?:du mois|de ce mois|de l'ann\u00e9e)"
    r"|\u00faltimo d\u00eda (?:del|de este) (?:mes|a\u00f1o))\b"
)
_RANGE: Final = re.compile(rf"\b({_M})\b\.? \d{{1,2}} ?(?:-|\u2013|to) ?(\d{{1,2}})(?!\w|[.:]\d)(?:,? (\d{{4}}))?")
_RANGED: Final = re.compile(rf"(?<![\w.])(\d{{1,2}})\.? ?(?:-|\u2013|to|bis) ?\d{{1,2}}\.? ({_M})\b\.?(?: (\d{{4}}))?")
_DAY_ONLY: Final = re.compile(rf"\b(?:on|by|until|for|from) the (\d{{1,2}})(?:st|nd|rd|th)\b(?! (?:of )?(?:{_M})\b)(?! of)")
_TODAY: Final = re.compile(
    r"(?:(?<!\w)(?:today is|today's date is|today:|heute ist|wir haben heute|nous sommes|on est|hoy es|estamos a)"
    rf"|(?:\A|[.!?;:,(] ?)it(?: is|'s)(?: now| today)?) (?:the |der |den |le |el )?(?:({_W})\b,? )?(?:the |der |den |le |el )?"
)
_STATING: Final = frozenset({"today", "heute", "sommes", "est", "hoy", "estamos", "it"})
_WORD: Final = re.compile(r"[^\W\d_]+")
_FULL: Final = ((_DAY_MONTH, 3, 2, 1), (_MONTH_DAY, 3, 1, 2), (_ISO, 1, 2, 3), (_DOTTED, 3, 2, 1))


@dataclass(frozen=True, slots=True)
class Period:
    """From the first to the last day, both within."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days, periods and times of day that a text names, and on which day it was said."""

    said: date
    days: frozenset[date]
    periods: frozenset[Period]
    times: frozenset[time]
    months: frozenset[tuple[int, int]]
    """Year and month, of those in figures alone: they may also be part of an id."""
    spans: frozenset[int]
    """Seconds between two times of a span: `9 to 11 am`."""


def calendar_of(text: str, at: Millis) -> Calendar:
    """What a folded text with its numbers in digits says of days and times."""
    words = frozenset(_WORD.findall(text))
    if " 20 " in text:
        text = _SPOKEN_YEAR.sub(r"\1 20\2", text)
    said = (_stated(text) if not words.isdisjoint(_STATING) else None) or day_of(at)
    clock = clock_of(text)
    days = frozenset(_bounded(_days(text, said, words)))
    periods = frozenset(_bounded(_periods(text, said, words)))
    months = {(int(one[2] or one[3]), int(one[1] or one[4])) for one in _bounded(_NUMERIC_MONTH.finditer(text))}
    return Calendar(said, days, periods, clock.times, frozenset(months), clock.spans)


def _stated(text: str) -> date | None:
    """The day that the text says it is, if it says so of one."""
    found: set[date] = set()
    for match in _bounded(_TODAY.finditer(text)):
        for pattern, year, month, day in _FULL:
            if (one := pattern.match(text, match.end())) is not None and one[year]:
                named = one[month]
                for made in _made(one[year], _MONTHS.get(named, named), one[day]):
                    if match[1] is None or _WEEKDAYS[match[1]] == made.weekday():
                        found.add(made)
                break
    return found.pop() if len(found) == 1 else None


def day_of(at: Millis) -> date:
    """The day of a moment, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).date()


def _bounded(found: Iterator[_T]) -> Iterator[_T]:
    for place, one in enumerate(found):
        if place >= MOST_DAYS:
            return
        yield one


def _days(text: str, said: date, words: frozenset[str]) -> Iterator[date]:
    places = digits_of(text)
    for found in (*at_digits(_ISO, text, places), *at_digits(_COMPACT, text, places)):
        yield from _made(found[1], found[2], found[3])
    for found in at_digits(_DOTTED, text, places):
        yield from _dated(found[3], found[2], found[1], said)
    for found in at_digits(_SLASHED, text, places):
        one, other = int(found[1]), int(found[2])
        if one > 12 or one == other:
            yield from _made(found[3], other, one)
        elif other > 12:
            yield from _made(found[3], one, other)
    for found in at_digits(_DAY_MONTH, text, places):
        yield from _dated(found[3], _MONTHS[found[2]], found[1], said)
    if not words.isdisjoint(_MONTHS):
        for found in (*_MONTH_DAY.finditer(text), *_RANGE.finditer(text)):
            yield from _dated(found[3], _MONTHS[found[1]], found[2], said)
    for found in at_digits(_RANGED, text, places):
        yield from _dated(found[3], _MONTHS[found[2]], found[1], said)
    for found in _DAY_ONLY.finditer(text):
        months = said.year * 12 + said.month - (1 if int(found[1]) >= said.day else 0)
        yield from _made(months // 12, months % 12 + 1, found[1])
    near = _NEAR_WORD.finditer(text) if not words.isdisjoint(_NEAR_WORDS) else ()
    for found in near:
        yield said + timedelta(_NEAR[found[1]])
    if not words.isdisjoint(_WEEKDAYS):
        for found in _WEEKDAY.finditer(text):
            yield from _weekday(found[1] or found[3] or "", _WEEKDAYS[found[2]], said)
    for pattern, sign in ((_AHEAD, 1), (_AFTER, 0), (_BEHIND, -1)):
        for found in pattern.finditer(text):
            count = int(found[1]) if found[1].isdigit() else 1
            way = sign or (-1 if found[3] == "ago" else 1)
            yield from _moved(said, way * count, found[2])
    for found in _END.finditer(text):
        if "week" in found[1]:
            yield said + timedelta(6 - said.weekday())
            yield said + timedelta(4 - said.weekday())
        elif any(year in found[1] for year in ("year", "jahr", "ann", "a\u00f1o")):
            yield date(said.year, 12, 31)
        else:
            yield _month(said.year, said.month).last


def _made(year: str | int, month: str | int, day: str | int) -> Iterator[date]:
    try:
        yield date(int(year), int(month), int(day))
    except ValueError:
        return


def _dated(year: str | None, month: str | int, day: str, said: date) -> Iterator[date]:
    """Without a year it is this year's, or the next one's where that has long passed."""
    if year:
        yield from _made(year, month, day)
        return
    for here in _made(said.year, month, day):
        yield here
        if here < said:
            yield from _made(said.year + 1, month, day)


def _weekday(which: str, weekday: int, said: date) -> Iterator[date]:
    coming = said + timedelta((weekday - said.weekday() - 1) % 7 + 1)
    if re.fullmatch(_LAST + "|dernier", which):
        yield said - timedelta((said.weekday() - weekday - 1) % 7 + 1)
    elif re.fullmatch(_NEXT + "|prochain|que viene", which):
        # Of this week or of the next one: only where both are the same day.
        if coming.isocalendar()[:2] != said.isocalendar()[:2]:
            yield coming
    elif not which and weekday == said.weekday():
        yield said
        yield coming
    else:
        yield coming


def _moved(said: date, count: int, unit: str) -> Iterator[date]:
    try:
        if unit in _UNITS:
            yield said + timedelta(count * _UNITS[unit])
            return
        months = said.year * 12 + said.month - 1 + count
        last = _month(months // 12, months % 12 + 1).last
        yield last.replace(day=min(said.day, last.day))
    except (ValueError, OverflowError):
        return


def _periods(text: str, said: date, words: frozenset[str]) -> Iterator[Period]:
    has_month = not words.isdisjoint(_MONTHS)
    for found in _MONTH.finditer(text) if has_month else ():
        if 1 <= int(found[2]) < 9999:
            yield _month(int(found[2]), _MONTHS[found[1]])
    for found in _BARE_MONTH.finditer(text) if has_month else ():
        month = _MONTHS[found[2]]
        yield _month(said.year, month)
        if month > said.month and re.fullmatch(_LAST, found[1]):
            yield _month(said.year - 1, month)
        if month < said.month and re.fullmatch(_NEXT, found[1]):
            yield _month(said.year + 1, month)
    for found in _QUARTER.finditer(text):
        year, quarter = int(found[2] or found[3]), int(found[1] or found[4])
        if 1 <= year < 9999:
            yield _quarter(year, quarter)
    for found in _YEAR.finditer(text):
        yield Period(date(int(found[1]), 1, 1), date(int(found[1]), 12, 31))
    for found in _SPAN.finditer(text):
        way = 1 if re.fullmatch(_NEXT, found[1]) else -1 if re.fullmatch(_LAST, found[1]) else 0
        yield from _span(way, found[2], found[3], said)


def _span(way: int, count: str | None, unit: str, said: date) -> Iterator[Period]:
    if unit in ("days", "tage"):
        if count and way:
            far = said + timedelta(way * int(count))
            yield Period(min(far, said), max(far, said))
    elif count:
        return
    elif unit in ("week", "woche", "semana"):
        monday = said - timedelta(said.weekday()) + timedelta(7 * way)
        yield Period(monday, monday + timedelta(6))
        yield Period(monday, monday + timedelta(4))
    elif unit in ("quarter", "quartal"):
        place = said.year * 4 + (said.month - 1) // 3 + way
        yield _quarter(place // 4, place % 4 + 1)
    elif unit in ("year", "jahr", "a\u00f1o"):
        yield Period(date(said.year + way, 1, 1), date(said.year + way, 12, 31))
    else:
        place = said.year * 12 + said.month - 1 + way
        yield _month(place // 12, place % 12 + 1)


def _month(year: int, month: int) -> Period:
    first = date(year, month, 1)
    after = date(year + month // 12, month % 12 + 1, 1) if year < 9999 else date(year, month, 28) + timedelta(1)
    return Period(first, after - timedelta(1))


def _quarter(year: int, quarter: int) -> Period:
    return Period(_month(year, quarter * 3 - 2).first, _month(year, quarter * 3).last)
