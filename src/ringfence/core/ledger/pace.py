"""How fast one meter is used, and when its cap ends if that goes on. Pure values: `now` is an argument.

What was used is kept by the minute for the last ten. The pace is what they hold over the time that they span, so one large
answer counts as much as many small ones and an idle hour before does not count at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.model.identifiers import Millis

MINUTE: Final = 60_000
MINUTES: Final = 10
"""How far back a pace looks."""
LEAST: Final = 5 * MINUTE
"""Less than this says nothing about what comes."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Use by the minute. Immutable: `noted` gives a new one."""

    minutes: tuple[tuple[int, int], ...] = ()
    """The number of a minute since the epoch, and what was used in it, oldest first."""
    since: Millis | None = None
    """When it was first looked at."""


def noted(pace: Pace, amount: int, now: Millis) -> Pace:
    """The pace with one more use. A clock that went back counts for the newest minute that is known."""
    minute = now // MINUTE
    kept = pace.minutes
    if kept and kept[-1][0] >= minute:
        kept = (*kept[:-1], (kept[-1][0], kept[-1][1] + amount))
    else:
        kept = (*(part for part in kept if part[0] > minute - MINUTES), (minute, amount))
    return Pace(kept, now if pace.since is None else pace.since)


def ends_in(pace: Pace, left: int, now: Millis) -> Millis | None:
    """In how many milliseconds `left` is used up at this pace. None: not at all, or nothing can be said yet."""
    if pace.since is None or left < 0:
        return None
    first = now // MINUTE - MINUTES + 1
    used = sum(amount for minute, amount in pace.minutes if minute >= first)
    spanned = now - max(pace.since, first * MINUTE)
    if used <= 0 or spanned < LEAST:
        return None
    return left * spanned // used
