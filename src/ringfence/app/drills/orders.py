"""In which order the steps of a record are played: an attack strikes at once, or when the run has done all its work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.app.drills.case import Turn

TOLD: Final = "told"
AT_ONCE: Final = "at_once"
AFTER: Final = "after"


def orders(turns: Sequence[Turn]) -> dict[str, tuple[Turn, ...]]:
    """The orders that differ, by name. Where something happens besides calls, only the order that is told makes sense."""
    told = tuple(turns)
    found = {TOLD: told}
    if any(turn.step.event in ("kill", "listing") for turn in turns):
        return found
    harm = [turn for turn in told if turn.step.harmful]
    injected = next((index for index, turn in enumerate(told) if turn.step.injected), None)
    first = told[: injected + 1] if injected is not None else ()
    at_once = (*first, *(turn for turn in harm if turn not in first), *(t for t in told if t not in first and t not in harm))
    after = (*(turn for turn in told if not turn.step.harmful), *harm)
    for name, order in ((AT_ONCE, at_once), (AFTER, after)):
        if order not in found.values():
            found[name] = order
    return found
