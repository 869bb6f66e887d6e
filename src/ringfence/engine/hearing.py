"""What each run was given last, for saying where a value comes from. In memory and bounded: what is forgotten says nothing.

Nothing of a result is copied or parsed here: that happens when somebody asks, at a call that needs it (`core.flow`).
"""

from __future__ import annotations

from collections import OrderedDict

from ringfence.core.flow.sources.answers import is_parsed
from ringfence.core.model.identifiers import Millis, RunId
from ringfence.core.model.provenance import Heard

MOST_OF_RUN = 512 * 1024
"""Bytes of results, as they came, that are kept for one run."""
MOST_RESULTS = 200
"""Results that are kept for one run."""
MOST_OF_ALL = 64 * 1024 * 1024
"""Bytes that are kept for all runs together. The runs that were heard of least lately are forgotten first."""
KEPT_MS = 12 * 3600 * 1000
_MOST_FORGOTTEN = 20_000
"""Runs of which is known that a listing of theirs was forgotten."""


class _Run:
    __slots__ = ("at", "heard", "size", "sizes", "told", "told_size")

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.sizes: list[int] = []
        self.size = 0
        self.told = 0
        """Results that may derive something, and their bytes: they stay where others can go."""
        self.told_size = 0
        self.at: Millis = 0

    def add(self, size: int, heard: Heard) -> None:
        self.heard.append(heard)
        self.sizes.append(size)
        self._count(size, heard, 1)

    def drop(self) -> tuple[int, Heard]:
        """The oldest that only says where a value was seen, unless what derives takes more than half of the room."""
        first = 0
        if self.told_size <= MOST_OF_RUN // 2 and self.told <= MOST_RESULTS // 2:
            first = next((place for place, heard in enumerate(self.heard) if not _derives(heard)), 0)
        size, heard = self.sizes.pop(first), self.heard.pop(first)
        self._count(size, heard, -1)
        return size, heard

    def _count(self, size: int, heard: Heard, sign: int) -> None:
        self.size += sign * size
        if _derives(heard):
            self.told += sign
            self.told_size += sign * size


def _derives(heard: Heard) -> bool:
    return heard.records is not None or heard.lookup is not None


class Hearing:
    """The last results of every run."""

    def __init__(self, since: Millis = 0) -> None:
        self._since = since
        """Runs that are older may have been given what a process before this one has forgotten."""
        self._runs: OrderedDict[RunId, _Run] = OrderedDict()
        self._forgotten: OrderedDict[RunId, None] = OrderedDict()
        self._size = 0

    def of(self, run: RunId) -> tuple[Heard, ...]:
        """Oldest first."""
        known = self._runs.get(run)
        return tuple(known.heard) if known is not None else ()

    def unread(self, run: RunId) -> int:
        """Bytes of the results that may derive something and that nobody has looked into yet."""
        known = self._runs.get(run)
        if known is None or not known.told:
            return 0
        return sum(
            size for size, heard in zip(known.sizes, known.heard, strict=True) if _derives(heard) and not is_parsed(heard)
        )

    def has_forgotten(self, run: RunId, opened_at: Millis) -> bool:
        """Whether records that the run was given are no longer here: then nobody can say that a name is only one record's."""
        return run in self._forgotten or opened_at < self._since

    def note(self, run: RunId, heard: Heard, size: int) -> None:
        """A run is about to be given a result of so many bytes. One larger than is kept of a run is not kept at all."""
        if size > MOST_OF_RUN:
            self._note_forgotten(run, heard)
            return
        known = self._runs.setdefault(run, _Run())
        self._runs.move_to_end(run)
        known.add(size, heard)
        known.at = heard.at
        self._size += size
        while known.size > MOST_OF_RUN or len(known.heard) > MOST_RESULTS:
            dropped, lost = known.drop()
            self._note_forgotten(run, lost)
            self._size -= dropped
        while self._size > MOST_OF_ALL or next(iter(self._runs.values())).at + KEPT_MS < heard.at:
            oldest = next(iter(self._runs))
            gone = self._runs.pop(oldest)
            self._size -= gone.size
            for lost in gone.heard:
                self._note_forgotten(oldest, lost)

    def _note_forgotten(self, run: RunId, lost: Heard) -> None:
        if lost.records is not None and run not in self._forgotten:
            self._forgotten[run] = None
            while len(self._forgotten) > _MOST_FORGOTTEN:
                self._forgotten.popitem(last=False)

    def forget(self, run: RunId) -> None:
        """The run has ended."""
        self._forgotten.pop(run, None)
        known = self._runs.pop(run, None)
        if known is not None:
            self._size -= known.size
