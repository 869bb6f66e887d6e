"""What models cost in this minute, against the median of the past ones. Integers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.model.guards import Burning
from ringfence.core.model.identifiers import Millis

MINUTE: Final = 60_000
MOST_MINUTES: Final = 60
"""Minutes that cost anything and are remembered."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent in each minute that cost anything, oldest first: number of the minute, micro-units."""

    minutes: tuple[tuple[int, int], ...] = ()


def burned(known: Spending, micro: int, at: Millis) -> Spending:
    """After something was spent. A clock that goes back adds to the latest minute."""
    if micro <= 0:
        return known
    minute = max(at // MINUTE, known.minutes[-1][0] if known.minutes else 0)
    if known.minutes and known.minutes[-1][0] == minute:
        return Spending((*known.minutes[:-1], (minute, known.minutes[-1][1] + micro)))
    return Spending((*known.minutes[-MOST_MINUTES:], (minute, micro)))


def burn(known: Spending, rule: Burning) -> int:
    """How many times the median of the past minutes the last one has cost, rounded down. 0: nothing to speak of."""
    past = sorted(micro for _, micro in known.minutes[:-1])
    if len(past) < rule.minutes or known.minutes[-1][1] < rule.floor_micro:
        return 0
    return known.minutes[-1][1] // past[len(past) // 2]
