"""Store and AuditLog on one SQLite file, for one gateway process.

The state lies in memory (`core.records.state`), the truth on disk. `record` checks and applies a unit with no await in
between, so the event loop itself makes decisions atomic; the writer's thread makes them durable in groups; a receipt says how
far it has come.

While nothing can be written (`is_degraded`):

- ordinary units are turned away, reads answer from what was committed, queries go on;
- a unit with a stop is *owed*: its stop holds in memory at once and is kept in the emergency slot, which makes its receipt
  durable; when the database can be written again the whole unit is written first, and then the slot is emptied;
- units that were on their way are told that they are lost, and leave the state in memory; those with a stop become owed.

INVARIANT: `_unjournaled` and `_undurable` hold, in order of `number`, all units that the writer has and has not confirmed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from ringfence.adapters.stores.mirrored import MirroredState
from ringfence.adapters.stores.sqlite.batch import Tree
from ringfence.adapters.stores.sqlite.disk import Disk, RealDisk
from ringfence.adapters.stores.sqlite.emergency import force, kept_entry, stops_of
from ringfence.adapters.stores.sqlite.journal import Journal
from ringfence.adapters.stores.sqlite.opening import Opened, open_files
from ringfence.adapters.stores.sqlite.pending import Pending, Stage
from ringfence.adapters.stores.sqlite.reader import LogReader
from ringfence.adapters.stores.sqlite.rows import rows, touched
from ringfence.adapters.stores.sqlite.slot import SLOT_NAME, EmergencySlot
from ringfence.adapters.stores.sqlite.tokens import Ask, DropBodies, SaveStops
from ringfence.adapters.stores.sqlite.writer import Timed, Writer, untimed
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.stop import Stop
from ringfence.core.records.leaves import Salt, has_stop, leaves_of, unsalted
from ringfence.core.records.state import State, apply
from ringfence.core.records.unit import AddStop, Conflict, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditQuery, Head, Record, check_stretch

QUEUE_UNITS = 8192
QUEUE_BYTES = 64 * 1024 * 1024
"""Of leaves. What waits for the writer is bounded by both; beyond them units are turned away, but never a stop."""
OWED_UNITS = 500
"""Units with a stop kept for later while nothing can be written. Beyond, a stop still holds in memory."""
DROP_STEP = 512
"""Bodies dropped in one transaction."""
PROBE_S = 1.0
"""How often writing is tried again after a failed write."""


async def open_store(
    directory: Path,
    *,
    disk: Disk | None = None,
    probe_s: float = PROBE_S,
    on_change: Callable[[str], None] | None = None,
    salt: Salt = unsalted,
    timed: Timed = untimed,
) -> SqliteStore:
    """Open the store in a state directory, which has to exist and be locked (`lock.StateLock`).

    `salt` gives each entry the salt of its body's digest. `on_change` is called in the event loop with `is_degraded()` whenever
    that changes. `timed` is told in the writer's thread what it waited for the disk. Stops found in the emergency slot are in
    force when this returns.

    Raises: ConfigError, IntegrityError, UnavailableError.
    """
    disk = disk or RealDisk()
    slot = EmergencySlot(directory / SLOT_NAME, disk)
    opened, kept = await asyncio.to_thread(_open, directory, slot)
    store = SqliteStore(opened, slot, disk, probe_s=probe_s, on_change=on_change, salt=salt, timed=timed)
    store.take_up(kept)
    return store


def _open(directory: Path, slot: EmergencySlot) -> tuple[Opened, tuple[Stop, ...]]:
    kept = slot.open()
    try:
        return open_files(directory), kept
    except BaseException:
        slot.close()
        raise


class SqliteStore(MirroredState):
    """Implements `ports.store.Store` and `ports.audit.AuditLog`. Opened by `open_store`; used from one event loop."""

    def __init__(
        self,
        opened: Opened,
        slot: EmergencySlot,
        disk: Disk,
        *,
        probe_s: float,
        on_change: Callable[[str], None] | None,
        salt: Salt,
        timed: Timed = untimed,
    ) -> None:
        super().__init__(opened.state)
        self._reader = LogReader(opened.reader)
        self._tree = opened.tree
        self._next_seq = opened.tree.size
        self._next_number = 1
        self._queued_bytes = 0
        self._unjournaled: deque[Pending] = deque()
        self._undurable: deque[Pending] = deque()
        self._owed: list[Pending] = []
        self._degraded = ""
        self._ended = False
        self._on_change = on_change
        self._salt = salt
        self._writer = Writer(Journal(opened, disk), slot, probe_s=probe_s, timed=timed)
        self._writer.start(asyncio.get_running_loop(), self)

    # --- Store ---

    async def record(self, unit: Unit) -> Pending | Conflict:
        state = self._readable()
        if self._degraded:
            return self._owe(unit)
        is_full = len(self._unjournaled) >= QUEUE_UNITS or self._queued_bytes >= QUEUE_BYTES
        if is_full and not has_stop(unit):
            raise UnavailableError("too many units wait for the disk")
        leaves = leaves_of(unit, self._next_seq, self._salt)
        keys = touched(state, unit)
        if (conflict := apply(state, unit)) is not None:
            return conflict
        pending = Pending(unit, self._next_seq, leaves, keys, rows(state, keys), self._want_sync, self._writer.hurry_soon)
        self._enqueue(pending)
        return pending

    def is_degraded(self) -> str:
        return self._degraded

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._reader.close()
        self._writer.put(Ask.CLOSE)
        error = await asyncio.to_thread(self._writer.join)
        if error:
            raise UnavailableError(f"not everything may be durable: {error}")

    # --- AuditLog ---

    async def query(self, query: AuditQuery) -> tuple[Record, ...]:
        return await self._reader.query(query)

    async def record_at(self, seq: int) -> Record | None:
        return await self._reader.record_at(seq)

    async def head(self) -> Head:
        self._readable()
        return Head(self._tree.size, self._tree.edge)

    async def durable_size(self) -> int:
        self._readable()
        if self._degraded:
            raise UnavailableError(self._degraded)
        size = self._tree.size
        pending = Pending(Unit(()), self._next_seq, (), [], [], self._want_sync, self._writer.hurry)
        self._enqueue(pending)
        await pending.durable()
        return size

    def leaves(self, start: int, end: int) -> AsyncIterator[Record]:
        return self._reader.leaves(start, end)

    async def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        self._readable()
        check_stretch(level, start, count, self._tree.size)
        return await self._reader.hashes(level, start, count)

    async def drop_bodies(self, before: Millis, most: int) -> int:
        self._readable()
        heard: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def done(dropped: int, why_not: str) -> None:
            if heard.done():
                return
            if why_not:
                heard.set_exception(UnavailableError(why_not))
            else:
                heard.set_result(dropped)

        self._writer.put(DropBodies(before, max(0, min(most, DROP_STEP)), done))
        return await heard

    async def put_checkpoint(self, note: str, size: int) -> None:
        """Returns when the note and every entry that it speaks of are durable, so it may then be shown to anybody."""
        self._readable()
        if self._degraded:
            raise UnavailableError(self._degraded)
        if size > self._tree.size:
            raise UnavailableError(f"the log has {self._tree.size} entries, the checkpoint speaks of {size}")
        pending = Pending(Unit(()), self._next_seq, (), [], [], self._want_sync, self._writer.hurry_soon)
        pending.notes = ((size, note),)
        self._enqueue(pending)
        await pending.durable()

    async def checkpoint(self) -> str | None:
        return await self._reader.checkpoint()

    # --- handing over to the writer ---

    def take_up(self, kept: Sequence[Stop]) -> None:
        """Put stops that the emergency slot kept over a restart into force, the log and the tables, then empty the slot."""
        for stop in kept:
            if stop.id not in self._state.stops:
                unit = Unit((kept_entry(stop),), (AddStop(stop),))
                keys = touched(self._state, unit)
                force(self._state, unit)
                leaves = leaves_of(unit, self._next_seq, self._salt)
                self._enqueue(
                    Pending(
                        unit, self._next_seq, leaves, keys, rows(self._state, keys), self._want_sync, self._writer.hurry_soon
                    )
                )
        if kept:
            self._writer.put(Ask.CLEAR_SLOT)

    def _enqueue(self, pending: Pending) -> None:
        pending.number = self._next_number
        self._next_number += 1
        self._next_seq += len(pending.leaves)
        self._queued_bytes += sum(map(len, pending.leaves))
        self._unjournaled.append(pending)
        self._writer.put_later(pending)

    def _want_sync(self, pending: Pending) -> None:
        self._writer.want(pending.number)

    def _owe(self, unit: Unit) -> Pending | Conflict:
        if not has_stop(unit):
            raise UnavailableError(self._degraded)
        leaves = leaves_of(unit, self._next_seq, self._salt)
        keys = touched(self._state, unit)
        if (conflict := apply(self._state, unit)) is not None:
            return conflict
        pending = Pending(unit, self._next_seq, leaves, keys, [], self._want_sync, self._writer.hurry_soon)
        if self._ended or len(self._owed) >= OWED_UNITS:
            why = "the writer has stopped" if self._ended else "too many wait for the disk already"
            pending.fail(f"the stop holds, but only until a restart: {why}")
            return pending
        self._next_seq += len(leaves)
        self._owed.append(pending)
        self._save_owed([pending])
        return pending

    def _save_owed(self, waiting: Sequence[Pending]) -> None:
        self._writer.put(SaveStops([stop for pending in self._owed for stop in stops_of(pending.unit)], waiting))

    # --- what the writer tells (writer.Events) ---

    def on_progress(self, committed: int, synced: int, tree: Tree) -> None:
        self._tree = tree
        unjournaled, undurable = self._unjournaled, self._undurable
        while unjournaled and unjournaled[0].number <= committed:
            pending = unjournaled.popleft()
            self._queued_bytes -= sum(map(len, pending.leaves))
            undurable.append(pending)
            if pending.number > synced:
                pending.advance(Stage.JOURNALED)
        while undurable and undurable[0].number <= synced:
            undurable.popleft().advance(Stage.DURABLE)

    def on_broken(self, why: str, for_good: bool) -> None:
        lost = [*(self._undurable if for_good else ()), *self._unjournaled]
        if for_good:
            self._undurable.clear()
        self._unjournaled.clear()
        self._queued_bytes = 0
        newly_owed = [pending for pending in lost if has_stop(pending.unit)]
        self._owed.extend(newly_owed)
        for pending in lost:
            if not has_stop(pending.unit):
                pending.fail(why)
        self._writer.put(Ask.READ_BACK)
        if newly_owed:
            self._save_owed(newly_owed)
        self._change(why)

    def on_read_back(self, state: State, size: int) -> None:
        self._state = state
        self._next_seq = size
        for pending in self._owed:
            self._place(pending)
            force(state, pending.unit)
            self._next_seq += len(pending.leaves)

    def on_stops_saved(self, waiting: Sequence[Pending], why_not: str) -> None:
        for pending in waiting:
            if why_not:
                pending.fail(f"the stop holds, but only until a restart: {why_not}")
            else:
                pending.advance(Stage.DURABLE)

    def on_writable(self) -> None:
        owed, self._owed = self._owed, []
        self._next_seq = self._tree.size
        for pending in owed:
            self._place(pending)
            pending.rows = rows(self._state, pending.keys)
            self._enqueue(pending)
        self._writer.put(Ask.CLEAR_SLOT)
        self._change("")

    def on_ended(self) -> None:
        self._ended = True
        why = "the store is closed" if self._closed else "the writer has stopped"
        for pending in (*self._undurable, *self._unjournaled, *self._owed):
            pending.fail(why)
        self._undurable.clear()
        self._unjournaled.clear()
        if not self._closed:
            self._change(why)

    def _place(self, pending: Pending) -> None:
        pending.first_seq = self._next_seq
        pending.leaves = leaves_of(pending.unit, self._next_seq, self._salt)

    def _change(self, degraded: str) -> None:
        if degraded != self._degraded:
            self._degraded = degraded
            if self._on_change is not None:
                self._on_change(degraded)
