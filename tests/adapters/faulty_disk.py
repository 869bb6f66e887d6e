"""A disk that fails when it is told to, and a look at the store's state that waits for a change instead of sleeping."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import apsw

from ringfence.adapters.stores.sqlite.slot import SLOT_NAME
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store

PATIENCE_S = 30
"""A test that waits longer has hung."""


class FaultyDisk:
    """Implements the store's `Disk` on the real one."""

    def __init__(self) -> None:
        self.full = False
        self.full_after: int | None = None
        """Transactions that still succeed."""
        self.failing_syncs = 0
        """So many syncs of the log fail, then they succeed again."""
        self.slot_fails = False
        self.syncs = 0
        self.defect: Exception | None = None
        """A fault of our own rather than the disk's."""
        self._open = threading.Event()
        self._open.set()
        self.reached = threading.Event()
        """The writer stands before a transaction, or has passed one."""

    def hold(self) -> None:
        """Let the writer wait before its next transaction."""
        self.reached.clear()
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    def before_write(self) -> None:
        self.reached.set()
        assert self._open.wait(PATIENCE_S)
        if self.defect is not None:
            raise self.defect
        if self.full_after is not None:
            self.full = self.full or self.full_after <= 0
            self.full_after -= 1
        if self.full:
            raise apsw.FullError("database or disk is full")

    def sync(self, descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(SLOT_NAME):
            if self.slot_fails:
                raise OSError(5, "Input/output error")
        else:
            self.syncs += 1
            if self.failing_syncs:
                self.failing_syncs -= 1
                raise OSError(5, "Input/output error")
        os.fdatasync(descriptor)


class Watched:
    """A store on a faulty disk, with its changes of health in order."""

    def __init__(self, disk: FaultyDisk) -> None:
        self.disk = disk
        self.changes: asyncio.Queue[str] = asyncio.Queue()
        self.store: SqliteStore

    @classmethod
    async def open(cls, directory: Path, disk: FaultyDisk | None = None) -> Watched:
        watched = cls(disk or FaultyDisk())
        watched.store = await open_store(directory, disk=watched.disk, probe_s=0.01, on_change=watched.changes.put_nowait)
        return watched

    async def change(self) -> str:
        """The next change: why it is degraded now, or nothing."""
        return await asyncio.wait_for(self.changes.get(), PATIENCE_S)
