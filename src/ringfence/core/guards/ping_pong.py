"""Work that runs of one tree hand to and fro: the same tasks, the same results, and in the end nobody is done."""

from __future__ import annotations

from ringfence.core.guards.repetition import KEPT, Repetition, repeated
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.guards import Repeats
from ringfence.core.model.identifiers import Millis


def ping_pong(known: Repetition, deed: Deed, at: Millis, rule: Repeats) -> Repetition:
    """After one more deed of any run of the tree.

    Tasks and results that differ in counters alone are the same: "check answer 7" hands over no more than "check answer 6".
    """
    if deed.kind is not DeedKind.HANDOVER or deed.failed:
        return known
    return repeated(known, f"{deed.what}:{deed.likeness[:KEPT]}", at, rule.spacing_ms)
