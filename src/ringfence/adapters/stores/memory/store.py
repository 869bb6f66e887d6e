"""Store and AuditLog in memory: `core.records.state`, a list of leaves and the edge of the tree. Nothing survives the process.

For tests, for `assess`, and as the plain statement of what every store must do. Receipts resolve at once, so nothing that
rests on durability may be promised on top of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from ringfence.adapters.stores.memory.search import matches
from ringfence.adapters.stores.mirrored import MirroredState
from ringfence.core.audit.stem import entry_hash, has_body, stem_of
from ringfence.core.audit.tiles import WIDTH
from ringfence.core.audit.tree import append, merkle_root
from ringfence.core.model.identifiers import Millis
from ringfence.core.records.entry import Entry
from ringfence.core.records.leaves import leaves_of
from ringfence.core.records.state import State, apply
from ringfence.core.records.unit import Conflict, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditQuery, Head, Record, check_stretch

PAGE_LIMIT = 1000
"""Records in one answer, as the port says."""


class Accepted:
    """The receipt of a unit that is as safe as it will ever be."""

    def __init__(self, first_seq: int) -> None:
        self._first_seq = first_seq

    @property
    def first_seq(self) -> int:
        return self._first_seq

    async def journaled(self) -> None: ...

    async def durable(self) -> None: ...


class MemoryStore(MirroredState):
    """Implements `ports.store.Store` and `ports.audit.AuditLog`."""

    def __init__(self) -> None:
        super().__init__(State())
        self._log: list[tuple[Entry, Record]] = []
        self._edge: tuple[bytes, ...] = ()
        self._checkpoint: str | None = None

    async def record(self, unit: Unit) -> Accepted | Conflict:
        state = self._readable()
        first_seq = len(self._log)
        leaves = leaves_of(unit, first_seq)
        if (conflict := apply(state, unit)) is not None:
            return conflict
        for entry, leaf in zip(unit.entries, leaves, strict=True):
            self._edge = append(len(self._log), self._edge, entry_hash(leaf))
            self._log.append((entry, Record(len(self._log), leaf)))
        return Accepted(first_seq)

    def is_degraded(self) -> str:
        return ""

    async def close(self) -> None:
        self._closed = True

    async def query(self, query: AuditQuery) -> tuple[Record, ...]:
        self._readable()
        log = self._log if query.oldest_first else reversed(self._log)
        found = [record for entry, record in log if matches(query, entry, record)]
        return tuple(found[: max(0, min(query.limit, PAGE_LIMIT))])

    async def record_at(self, seq: int) -> Record | None:
        self._readable()
        return self._log[seq][1] if 0 <= seq < len(self._log) else None

    async def head(self) -> Head:
        self._readable()
        return Head(len(self._log), self._edge)

    async def durable_size(self) -> int:
        self._readable()
        return len(self._log)

    async def leaves(self, start: int, end: int) -> AsyncIterator[Record]:
        self._readable()
        for _, record in self._log[max(start, 0) : max(end, 0)]:
            yield record

    async def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        self._readable()
        check_stretch(level, start, count, len(self._log))
        span = WIDTH**level
        leaves = [entry_hash(record.leaf) for _, record in self._log[start * span : (start + count) * span]]
        return [merkle_root(leaves[at : at + span]) for at in range(0, len(leaves), span)]

    async def drop_bodies(self, before: Millis, most: int) -> int:
        self._readable()
        dropped = 0
        for place, (entry, record) in enumerate(self._log):
            if entry.at >= before or dropped >= most:
                break
            if has_body(record.leaf):
                self._log[place] = (entry, Record(record.seq, stem_of(record.leaf)))
                dropped += 1
        return dropped

    async def put_checkpoint(self, note: str, size: int) -> None:
        self._readable()
        if size > len(self._log):
            raise UnavailableError(f"the log has {len(self._log)} entries, the checkpoint speaks of {size}")
        self._checkpoint = note

    async def checkpoint(self) -> str | None:
        self._readable()
        return self._checkpoint
