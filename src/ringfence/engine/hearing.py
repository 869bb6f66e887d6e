"""What each run was given last, for saying where a value comes from. In memory and bounded: what is forgotten says nothing.

Nothing of a result is copied or parsed here: that happens when somebody asks, at a call that needs it (`core.flow`).
"""

from __future__ import annotations

from collections import OrderedDict, deque

from ringfence.core.model.identifiers import Millis, RunId
from ringfence.core.model.provenance import Heard

MOST_OF_RUN = 512 * 1024
"""Bytes of results, as they came, that are kept for one run."""
MOST_RESULTS = 200
"""Results that are kept for one run."""
MOST_OF_ALL = 64 * 1024 * 1024
"""Bytes that are kept for all runs together. The runs that were heard of least lately are forgotten first."""
KEPT_MS = 12 * 3600 * 1000


class _Run:
    __slots__ = ("at", "heard", "size")

    def __init__(self) -> None:
        self.heard: deque[tuple[int, Heard]] = deque()
        self.size = 0
        self.at: Millis = 0


class Hearing:
    """The last results of every run."""

    def __init__(self) -> None:
        self._runs: OrderedDict[RunId, _Run] = OrderedDict()
        self._size = 0

    def of(self, run: RunId) -> tuple[Heard, ...]:
        """Oldest first."""
        known = self._runs.get(run)
        return tuple(heard for _, heard in known.heard) if known is not None else ()

    def note(self, run: RunId, heard: Heard, size: int) -> None:
        """A run is about to be given a result of so many bytes. One larger than is kept of a run is not kept at all."""
        if size > MOST_OF_RUN:
            return
        known = self._runs.setdefault(run, _Run())
        self._runs.move_to_end(run)
        known.heard.append((size, heard))
        known.size += size
        known.at = heard.at
        self._size += size
        while known.size > MOST_OF_RUN or len(known.heard) > MOST_RESULTS:
            dropped, _ = known.heard.popleft()
            known.size -= dropped
            self._size -= dropped
        while self._size > MOST_OF_ALL or next(iter(self._runs.values())).at + KEPT_MS < heard.at:
            oldest = next(iter(self._runs))
            self._size -= self._runs.pop(oldest).size

    def forget(self, run: RunId) -> None:
        """The run has ended."""
        known = self._runs.pop(run, None)
        if known is not None:
            self._size -= known.size
