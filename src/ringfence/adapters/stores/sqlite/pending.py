"""A unit on its way to the disk, and the receipt that its caller holds. Lives in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import IntEnum

from ringfence.adapters.stores.sqlite.rows import Key, Row
from ringfence.core.records.unit import Unit
from ringfence.errors import UnavailableError


class Stage(IntEnum):
    """How far a unit has come."""

    QUEUED = 0
    JOURNALED = 1
    DURABLE = 2


class Pending:
    """Implements `ports.store.Receipt`. The writer reads `leaves`, `rows`, `notes` and `number`; the loop does the rest."""

    __slots__ = (
        "_error",
        "_hurry",
        "_stage",
        "_waiters",
        "_want_sync",
        "first_seq",
        "keys",
        "leaves",
        "notes",
        "number",
        "rows",
        "unit",
    )

    def __init__(
        self,
        unit: Unit,
        first_seq: int,
        leaves: tuple[bytes, ...],
        keys: list[Key],
        rows: list[Row],
        want_sync: Callable[[Pending], None],
        hurry: Callable[[], None],
    ) -> None:
        self.unit = unit
        self.first_seq = first_seq
        self.leaves = leaves
        self.keys = keys
        self.rows = rows
        self.notes: tuple[tuple[int, str], ...] = ()
        self.number = 0
        """Order of acceptance, never used twice; places in the log are, when a batch is lost."""
        self._want_sync = want_sync
        self._hurry = hurry
        self._stage = Stage.QUEUED
        self._error = ""
        self._waiters: list[asyncio.Future[None]] | None = None

    @property
    def stage(self) -> Stage:
        return self._stage

    async def journaled(self) -> None:
        if self._stage is Stage.QUEUED:
            self._hurry()
        await self._reach(Stage.JOURNALED)

    async def durable(self) -> None:
        if self._stage is not Stage.DURABLE and not self._error:
            self._want_sync(self)
        await self._reach(Stage.DURABLE)

    def advance(self, stage: Stage) -> None:
        if stage > self._stage:
            self._stage = stage
            self._wake()

    def fail(self, why: str) -> None:
        """It will come no further than it has."""
        self._error = why
        self._wake()

    async def _reach(self, stage: Stage) -> None:
        while self._stage < stage:
            if self._error:
                raise UnavailableError(self._error)
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = [waiter]
            else:
                self._waiters.append(waiter)
            await waiter

    def _wake(self) -> None:
        if self._waiters is not None:
            waiters, self._waiters = self._waiters, None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
