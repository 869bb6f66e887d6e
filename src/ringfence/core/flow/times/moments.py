"""Days, periods, times and durations as a call gives them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from ringfence.core.definitions.wording import word_set
from ringfence.core.flow.numerals.numbers import TIME_UNITS, Number, read_number
from ringfence.core.flow.times.days import Calendar, Period

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.0{1,9})?(Z|[+-]\d{2}:?\d{2})?")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_MONTH: Final = re.compile(r"(\d{4})[-./](0[1-9]|1[0-2])|(0?[1-9]|1[0-2])[/.](\d{4})")
_QUARTER: Final = re.compile(r"(\d{4})-?Q([1-4])|Q([1-4])[ /-]?(\d{4})")
_ISO_DURATION: Final = re.compile(r"P(?:(\d{1,5})W|(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?)")
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?([A-Za-z\u00e4\u00ed]{1,10})")
_ENDS: Final = word_set("until till to end before expiry expires stop bis max due deadline")
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Moment:
    """What a value of a call says of time: a day, a time of day, or both."""

    day: date | None = None
    time: time | None = None


def moment_of(value: str) -> Moment | None:
    """A value that is a day, a moment or a time of day in the notation of ISO 8601; None for anything else."""
    try:
        if _DAY.fullmatch(value):
            return Moment(day=date.fromisoformat(value))
        if (found := _MOMENT.fullmatch(value)) is not None:
            return Moment(date.fromisoformat(found[1]), time.fromisoformat(found[2]))
        if _TIME.fullmatch(value):
            return Moment(time=time.fromisoformat(value))
    except ValueError:
        return None
    return None


def says_moment(said: Calendar, moment: Moment, seconds: frozenset[int], name: tuple[str, ...]) -> bool:
    """Whether people named this day and time.

    Words without a zone speak of the time on the clock: the zone of the value is not compared. A moment may lie a duration
    that they named after one that they named (an end of a meeting), and begin or end a period that they named.
    """
    if moment.day is None:
        return moment.time is not None and _has_time(said, moment.time, seconds)
    named = _has_day(said, moment.day, name)
    if moment.time is None:
        return named
    if moment.time in (time(0), time(23, 59), time(23, 59, 59)) and named:
        return True
    return named and _has_time(said, moment.time, seconds)


def _has_day(said: Calendar, day: date, name: tuple[str, ...]) -> bool:
    if day in said.days:
        return True
    ends = bool(_ENDS & set(name))
    return any(
        day in (period.first, period.last) or (ends and day.toordinal() - 1 == period.last.toordinal())
        for period in said.periods
    )


def _has_time(said: Calendar, at: time, seconds: frozenset[int]) -> bool:
    if at in said.times:
        return True
    clock = datetime.combine(said.said, at)
    starts = sorted(said.times)[:_MOST]
    return any((clock - datetime.combine(said.said, start)).total_seconds() in seconds for start in starts)


def says_period(said: Calendar, value: str) -> bool:
    """Whether a value is a month (`2027-03`, `2027.03`, `03/2027`) or quarter (`2027-Q1`) that people
    named, as one or by a day in it.
    """
    if (found := _MONTH.fullmatch(value)) is not None:
        year, month = int(found[1] or found[4]), int(found[2] or found[3])
        return (year, month) in said.months or any(_is_month(period, year, month) for period in said.periods)
    if (found := _QUARTER.fullmatch(value)) is not None:
        year, quarter = int(found[1] or found[4]), int(found[2] or found[3])
        return any(
            period.first.year == year
            and period.first.month == quarter * 3 - 2
            and (period.last - period.first).days in range(88, 93)
            for period in said.periods
        )
    return False


def _is_month(period: Period, year: int, month: int) -> bool:
    return (period.first.year, period.first.month) == (year, month) == (period.last.year, period.last.month) and (
        period.first.day == 1
    )


def says_part(said: Calendar, value: int, name: tuple[str, ...]) -> bool:
    """Whether a number is the year, the month or the day of what people named, where the argument's name says which."""
    days = [*said.days, *(day for period in said.periods for day in (period.first, period.last))]
    if "year" in name:
        return any(day.year == value for day in days)
    if "month" in name:
        return any(day.month == value for day in days)
    return "day" in name and any(day.day == value for day in said.days)


def seconds_of(value: str) -> Decimal | None:
    """The length of a duration: `2h`, `30 minutes`, `PT2H`; None for anything else."""
    if (found := _ISO_DURATION.fullmatch(value)) is not None and len(value) > 2 and value[-1] != "T":
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return Decimal(weeks * 604_800 + days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
    if (found := _DURATION.fullmatch(value)) is not None and (unit := _unit(found[2])) and (count := read_number(found[1])):
        return count * unit
    return None


def _unit(word: str) -> int:
    # `m` is minutes here; in prose it may be metres or millions, so it is no unit there.
    return 60 if word == "m" else 604_800 if word == "w" else TIME_UNITS.get(word.lower(), 0)


def durations_of(numbers: tuple[Number, ...]) -> frozenset[int]:
    """Seconds of every duration among numbers."""
    return frozenset(int(number.value * number.seconds) for number in numbers if number.seconds)
