"""Whether a moment lies in a freeze window. Local time is arithmetic here: whoever read the zone gave its offsets."""

from __future__ import annotations

from bisect import bisect_right

from ringfence.core.model.identifiers import Millis
from ringfence.core.model.limits import Freeze

MINUTE_MS = 60_000
WEEK_MINUTES = 7 * 24 * 60
_EPOCH_MINUTES = 3 * 24 * 60
"""1970-01-01 was a Thursday."""


def is_frozen(freeze: Freeze, now: Millis) -> bool:
    """Whether the window is closed now: its first minute is in it, its last moment is not."""
    if freeze.dated is not None:
        return freeze.dated[0] <= now < freeze.dated[1]
    if freeze.weekly is None:
        return True  # fail closed: a window without times is no reason to let anything through
    start, end = freeze.weekly
    minute = minute_of_week(freeze, now)
    return start <= minute < end if start < end else minute >= start or minute < end


def minute_of_week(freeze: Freeze, now: Millis) -> int:
    """Of the local week, which begins on Monday."""
    place = max(0, bisect_right(freeze.offsets, now, key=lambda known: known[0]) - 1)
    return ((now + freeze.offsets[place][1]) // MINUTE_MS + _EPOCH_MINUTES) % WEEK_MINUTES
