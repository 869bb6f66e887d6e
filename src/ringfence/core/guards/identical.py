"""The same call with the same result, again and again: A A A, A B A B, and longer rounds."""

from __future__ import annotations

from ringfence.core.guards.repetition import KEPT, Repetition, repeated
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.guards import Repeats
from ringfence.core.model.identifiers import Millis


def identical(known: Repetition, deed: Deed, at: Millis, rule: Repeats) -> Repetition:
    """After one more deed. What waits by its nature does not count; models and handing over have guards of their own."""
    if deed.kind is not DeedKind.TOOL or deed.waits:
        return known
    return repeated(known, f"{deed.what}:{deed.call[:KEPT]}:{deed.result[:KEPT]}", at, rule.spacing_ms)
