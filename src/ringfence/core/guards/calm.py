"""Calm time: how much of the clock had no model answering."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.deed import Deed, DeedKind
from ringfence.core.model.identifiers import Millis


@dataclass(frozen=True, slots=True)
class Calm:
    """What models have taken of the time so far."""

    busy: Millis = 0
    until: Millis = 0
    """The latest moment that is accounted for. It never goes back, whatever the clock does."""

    @property
    def now(self) -> Millis:
        """That moment in calm time."""
        return self.until - self.busy


def calmed(calm: Calm, deed: Deed) -> Calm:
    """After one more deed. Answers under way at the same time count once; what ended out of turn counts as calm."""
    until = max(calm.until, deed.ended)
    if deed.kind is not DeedKind.MODEL:
        return Calm(calm.busy, until)
    return Calm(calm.busy + until - min(until, max(calm.until, deed.began)), until)
