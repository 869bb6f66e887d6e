"""A model that is given what it was given before and answers what it answered before."""

from __future__ import annotations

from ringfence.core.guards.repetition import KEPT, Repetition, repeated
from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.guards import Repeats
from ringfence.core.model.identifiers import Millis


def no_progress(known: Repetition, deed: Deed, at: Millis, rule: Repeats) -> Repetition:
    """After one more deed.

    Both have to be known: the same answer to another question is work (a batch of documents, all of them "yes"), and another
    answer to the same question is too (one prompt, sampled several times). A request that failed is the business of `failing`.
    """
    if deed.kind is not DeedKind.MODEL or deed.failed or deed.waits:
        return known
    return repeated(known, f"{deed.likeness[:KEPT]}:{deed.result[:KEPT]}", at, rule.spacing_ms)
