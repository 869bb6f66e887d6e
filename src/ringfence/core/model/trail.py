"""What a run did last, so far as it tells whether the run repeats itself."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.identifiers import Millis


@dataclass(frozen=True, slots=True)
class Trail:
    """The run's last different calls with their results, and how far it has gone without a new one."""

    seen: tuple[tuple[str, str], ...] = ()
    """Digests of a call and of its result, oldest first, each pair once."""
    at: Millis = 0
    stale_until: Millis = 0
    """Every call that brought nothing new moves this on by the spacing, as in a rate; a new pair takes it back to now."""
