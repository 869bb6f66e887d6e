"""Calls that differ only in a counter, a time or a version, with the same results."""

from __future__ import annotations

from ringfence.core.guards.repetition import KEPT, Repetition, repeated
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.guards import Repeats
from ringfence.core.model.identifiers import Millis


def alike(known: Repetition, deed: Deed, at: Millis, rule: Repeats) -> Repetition:
    """After one more deed. A result that was not seen before is progress, however alike the calls are."""
    if deed.kind is not DeedKind.TOOL or deed.waits:
        return known
    return repeated(known, f"{deed.what}:{deed.likeness[:KEPT]}:{deed.result[:KEPT]}", at, rule.spacing_ms)
