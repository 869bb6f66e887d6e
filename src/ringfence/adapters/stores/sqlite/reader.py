"""Reading the log, on a thread and a connection of its own, never on the event loop.

An answer comes back as one JSON text from one step of SQLite, for the reason given in `sql`. Entries that are not in the
searchable columns yet (a few hundred at most, more only while nothing can be written) are read from their leaves, so a query
sees everything that is journaled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import apsw
import msgspec

from ringfence.adapters.stores.sqlite import sql
from ringfence.adapters.stores.sqlite.search import conditions, page
from ringfence.adapters.stores.sqlite.tiles import subtree_hashes
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditQuery, Record

Answer = TypeVar("Answer")

PAGE_LIMIT = 1000
"""Records in one answer, as the port says."""
STRETCH = 256
"""Leaves read at once while walking the log: at most 15 MB."""
WAITING = 64
"""Reads that may wait for the thread; one more is turned away."""
DEADLINE_S = 10.0
"""A text search over a long log is stopped after this."""
LOOK_EVERY = 200_000
"""Steps of SQLite's machine between two looks at the clock: some milliseconds."""


class LogReader:
    """The AuditLog's reads."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit-reader")
        self._waiting = 0
        self._closed = False
        self._deadline = 0.0
        db.set_progress_handler(lambda: time.monotonic() > self._deadline, LOOK_EVERY)

    async def query(self, query: AuditQuery) -> tuple[Record, ...]:
        return await self._read(lambda: self._query(query))

    async def record_at(self, seq: int) -> Record | None:
        if not 0 <= seq < 1 << 63:
            return None
        found = await self._read(lambda: self._stretch(seq, seq + 1))
        return found[0] if found else None

    async def leaves(self, start: int, end: int) -> AsyncIterator[Record]:
        at = max(start, 0)
        end = min(end, 1 << 62)
        while at < end:
            upto = min(at + STRETCH, end)
            records = await self._read(lambda at=at, upto=upto: self._stretch(at, upto))
            for record in records:
                yield record
            if len(records) < upto - at:
                return
            at = upto

    async def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        return await self._read(lambda: subtree_hashes(self._db, level, start, count))

    async def checkpoint(self) -> str | None:
        return await self._read(lambda: self._db.execute(sql.CHECKPOINT).get)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._db.interrupt()
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
            self._thread.shutdown(wait=True)

    async def _read(self, work: Callable[[], Answer]) -> Answer:
        if self._closed:
            raise UnavailableError("the store is closed")
        if self._waiting >= WAITING:
            raise UnavailableError("too many reads of the log are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, work)
        except apsw.InterruptError as error:
            raise UnavailableError(
                f"reading the log took longer than {DEADLINE_S:.0f} s", remedy="narrow it: an agent, a run, a time window"
            ) from error
        except apsw.Error as error:
            raise UnavailableError(f"cannot read the log: {error}") from error
        finally:
            self._waiting -= 1

    def _timed(self, work: Callable[[], Answer]) -> Answer:
        self._deadline = time.monotonic() + DEADLINE_S
        return work()

    def _query(self, query: AuditQuery) -> tuple[Record, ...]:
        limit = max(0, min(query.limit, PAGE_LIMIT))
        indexed: int = self._db.execute(sql.INDEXED).get
        # Entries never change, so a fold between these reads only moves some of them to where they are not looked for twice.
        parts = [(True, None, indexed), (False, indexed, None)]
        found: list[Record] = []
        for folded, lowest, below in parts if query.oldest_first else reversed(parts):
            if len(found) < limit:
                where, bindings = conditions(query, folded=folded, lowest=lowest, below=below)
                found += self._records(
                    page(where, folded=folded, ascending=query.oldest_first), (*bindings, limit - len(found))
                )
        return tuple(found)

    def _stretch(self, start: int, end: int) -> list[Record]:
        return self._records(page("e.seq >= ? and e.seq < ?", folded=False, ascending=True), (start, end, STRETCH))

    def _records(self, statement: str, bindings: tuple[object, ...]) -> list[Record]:
        found = msgspec.json.decode(self._db.execute(statement, bindings).get, type=list[tuple[int, str]])
        return [Record(seq, leaf.encode()) for seq, leaf in found]
