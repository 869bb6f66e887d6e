"""How often something known has come in a row: the memory and the pace that several guards share.

The count forgets one every `spacing`, so what comes no faster never adds up; anything new takes it back to nothing, and so does
a rest of that length. Time is *calm time*: the clock without the time in which a model was answering. A loop that waits for
nothing but slow models is as fast as one of quick ones; a run that sleeps between two looks is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.model.identifiers import Millis

MEMORY: Final = 32
"""Different keys that are remembered, so the longest round that is found."""
KEPT: Final = 16
"""Characters kept of a digest."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What was seen, oldest first, and how far it went on without anything new."""

    seen: tuple[str, ...] = ()
    until: Millis = 0
    """In calm time. Each known key moves it on by the spacing; a new one takes it back to now."""


def repeated(known: Repetition, key: str, at: Millis, spacing_ms: int) -> Repetition:
    """With one more key, at a moment of calm time."""
    if key in known.seen:
        seen = (*(one for one in known.seen if one != key), key)
        return Repetition(seen, max(known.until, at) + spacing_ms)
    return Repetition((*known.seen[-(MEMORY - 1) :], key), at)


def rested(known: Repetition) -> Repetition:
    """After a rest: what is known stays known, and the row is over."""
    return Repetition(known.seen)


def count_of(known: Repetition, at: Millis, spacing_ms: int) -> int:
    """How many in a row were known."""
    return -(-max(0, known.until - at) // spacing_ms)
