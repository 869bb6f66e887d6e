"""The one thread that writes: group commit, when to sync, and what follows when the disk says no.

A batch is whatever has queued up while the last one was written. Modes:

    OK       writes
    BROKEN   a write failed (full, read-only, I/O). What was queued is lost and its callers are told; the state is read back;
             every second a real write and fsync is tried, and when it succeeds the writer is OK again
    FAILED   an fsync failed, or the evidence is damaged. Nothing is tried again until a restart reads the truth

In each mode stops can be saved in the emergency slot.

The loop and the writer share two counters, `_wanted` and `_committed`. Each is written by one side, which then reads the
other's, so a request for a sync is seen by one of the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from queue import Empty, SimpleQueue
from typing import Protocol

from ringfence.adapters.stores.sqlite.batch import Tree
from ringfence.adapters.stores.sqlite.journal import Journal, JournalError
from ringfence.adapters.stores.sqlite.pending import Pending
from ringfence.adapters.stores.sqlite.slot import EmergencySlot
from ringfence.adapters.stores.sqlite.tokens import Ask, DropBodies, SaveStops, Token
from ringfence.core.records.state import State

BATCH_UNITS = 512
BATCH_BYTES = 4 * 1024 * 1024
"""Of leaves. Together these bound one transaction."""
SYNC_WITHIN_S = 0.05
"""The longest that a commit stays unsynced when nobody waits for it."""
HELD_S = 0.005
"""The longest that a unit for which nobody waits is kept back, to be written together with the next."""
FOLD_AT = 512
"""Entries not yet searchable by index that make the writer fold them in even while it is busy."""
FOLD_IDLE_S = 1.0
"""Quiet time after which it folds whatever there is."""


class Mode(Enum):
    OK = "ok"
    BROKEN = "broken"
    FAILED = "failed"


Timed = Callable[[str, float], None]
"""Told in the writer's thread how long one `commit` or `sync` took, in seconds."""


def untimed(step: str, seconds: float) -> None:
    """Nobody wants to know."""


class Events(Protocol):
    """What the writer tells the store. Called in the event loop, in the order of the facts."""

    def on_progress(self, committed: int, synced: int, tree: Tree) -> None: ...

    def on_broken(self, why: str, for_good: bool) -> None: ...

    def on_read_back(self, state: State, size: int) -> None: ...

    def on_stops_saved(self, waiting: Sequence[Pending], why_not: str) -> None: ...

    def on_writable(self) -> None: ...

    def on_ended(self) -> None: ...


class Writer:
    """Owns the journal and the emergency slot from `start` until the thread has ended."""

    def __init__(self, journal: Journal, slot: EmergencySlot, *, probe_s: float, timed: Timed = untimed) -> None:
        self._journal = journal
        self._slot = slot
        self._probe_s = probe_s
        self._timed = timed
        self._queue: SimpleQueue[Token] = SimpleQueue()
        self._mode = Mode.OK
        self._probe_at: float | None = None
        self._sync_by: float | None = None
        self._committed = 0
        self._synced = 0
        self._wanted = 0
        self._is_quiet = False
        self._held: list[Pending] = []
        self._hurry_timer: asyncio.TimerHandle | None = None
        self._is_hurrying = False
        self._closing = False
        self._close_error = ""
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    # --- called in the event loop ---

    def start(self, loop: asyncio.AbstractEventLoop, events: Events) -> None:
        self._loop = loop
        self._events = events
        self._thread.start()

    def put(self, token: Token) -> None:
        self.hurry()
        self._queue.put(token)

    def put_later(self, pending: Pending) -> None:
        """Hand a unit over as soon as anybody wants it to be written, and soon in any case.

        An allowed read's decision is written together with its outcome that way, which is half the transactions.
        """
        self._held.append(pending)
        if self._hurry_timer is None:
            self._hurry_timer = self._loop.call_later(HELD_S, self._held_long_enough)

    def hurry_soon(self) -> None:
        """Hand over what is held when the loop has done what it has at hand: waking the thread is dear, for both sides."""
        if not self._is_hurrying:
            self._is_hurrying = True
            self._loop.call_soon(self.hurry)

    def hurry(self) -> None:
        """Hand over what is held."""
        self._is_hurrying = False
        held, self._held = self._held, []
        for pending in held:
            self._queue.put(pending)

    def _held_long_enough(self) -> None:
        self._hurry_timer = None
        self.hurry()

    def want(self, number: int) -> None:
        """Ask for a sync that covers the unit of this number."""
        self.hurry_soon()
        self._wanted = max(self._wanted, number)
        if self._synced < number <= self._committed:
            self._queue.put(Ask.SYNC)

    def join(self) -> str:
        """Wait for the thread after Ask.CLOSE. Returns why not everything accepted is durable, or nothing."""
        self._thread.join()
        return self._close_error

    # --- the thread ---

    def _run(self) -> None:
        try:
            while not self._closing:
                token = self._take()
                while token is not None:
                    token = self._handle(token)
                self._guard(self._tend)
            self._finish()
        finally:
            self._post(self._events.on_ended)

    def _take(self) -> Token | None:
        try:
            token = self._queue.get(timeout=self._quiet_s())
        except Empty:
            self._is_quiet = True
            return None
        self._is_quiet = False
        return token

    def _quiet_s(self) -> float | None:
        """How long nothing is due."""
        due = self._probe_at if self._mode is Mode.BROKEN else self._sync_by if self._mode is Mode.OK else None
        if due is not None:
            return max(0.0, due - time.monotonic())
        return FOLD_IDLE_S if self._mode is Mode.OK and self._journal.unfolded else None

    def _handle(self, token: Token) -> Token | None:
        """Do it. Returns the token that ended a batch, if one did."""
        match token:
            case Pending():
                batch, follows = self._gather(token)
                if self._mode is Mode.OK:  # In any other mode the loop fails what it has queued, once it hears of it.
                    self._guard(lambda: self._write(batch))
                return follows
            case SaveStops():
                self._save_stops(token)
            case Ask.SYNC:
                self._guard(self._sync_if_wanted)
            case Ask.READ_BACK:
                self._guard(self._read_back)
            case Ask.CLEAR_SLOT:
                self._guard(self._clear_slot)
            case DropBodies():
                self._drop_bodies(token)
            case Ask.CLOSE:
                self._closing = True
        return None

    def _gather(self, first: Pending) -> tuple[list[Pending], Token | None]:
        batch = [first]
        size = sum(map(len, first.leaves))
        while len(batch) < BATCH_UNITS and size < BATCH_BYTES and not self._queue.empty():
            token = self._queue.get_nowait()
            if not isinstance(token, Pending):
                return batch, token
            batch.append(token)
            size += sum(map(len, token.leaves))
        return batch, None

    def _write(self, batch: list[Pending]) -> None:
        begun = time.monotonic()
        self._journal.write(batch)
        self._timed("commit", time.monotonic() - begun)
        self._committed = batch[-1].number
        if self._sync_by is None:
            self._sync_by = time.monotonic() + SYNC_WITHIN_S
        if len(batch) > 1 or self._wanted < self._committed:
            # Reads wait for the journal only. A lone unit that waits for the sync is told once, after it.
            self._tell_progress()
        self._sync_if_wanted()

    def _sync_if_wanted(self) -> None:
        if self._mode is not Mode.FAILED and self._wanted > self._synced and self._committed > self._synced:
            self._sync()

    def _sync(self) -> None:
        begun = time.monotonic()
        self._journal.sync()
        self._timed("sync", time.monotonic() - begun)
        self._synced = self._committed
        self._sync_by = None
        self._tell_progress()

    def _tend(self) -> None:
        """What is due by time or size rather than asked for."""
        now = time.monotonic()
        if self._mode is Mode.OK:
            if self._sync_by is not None and now >= self._sync_by:
                self._sync()
            behind = self._journal.unfolded
            if behind >= FOLD_AT or (behind and self._is_quiet and self._sync_by is None):
                self._journal.fold()
            if self._journal.is_long:
                self._journal.checkpoint()
        elif self._mode is Mode.BROKEN and self._probe_at is not None and now >= self._probe_at:
            self._probe()

    def _probe(self) -> None:
        self._probe_at = time.monotonic() + self._probe_s
        try:
            self._journal.probe()
        except JournalError as error:
            if error.for_good:
                raise
            return
        self._mode = Mode.OK
        self._post(self._events.on_writable)

    def _read_back(self) -> None:
        state = self._journal.read_back()
        self._probe_at = time.monotonic() + self._probe_s
        self._post(self._events.on_read_back, state, self._journal.tree.size)

    def _save_stops(self, token: SaveStops) -> None:
        why_not = ""
        try:
            self._slot.save(token.stops)
        except OSError as error:
            why_not = str(error)
        self._post(self._events.on_stops_saved, token.waiting, why_not)

    def _drop_bodies(self, token: DropBodies) -> None:
        dropped, why_not = 0, "nothing can be written at the moment"
        try:
            if self._mode is Mode.OK:
                dropped, why_not = self._journal.drop_bodies(token.before, token.most), ""
        except JournalError as error:
            why_not = str(error)
            self._break(error)
        self._post(token.done, dropped, why_not)

    def _clear_slot(self) -> None:
        if self._mode is not Mode.OK:
            return  # The stops did not reach the database after all: the slot keeps them.
        self._sync()
        if not self._slot.is_empty:
            try:
                self._slot.save(())
            except OSError as error:
                # A slot that cannot be emptied would bring lifted stops back at the next start.
                raise JournalError(f"the emergency slot cannot be emptied: {error}", for_good=True) from error

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except JournalError as error:
            self._break(error)

    def _break(self, error: JournalError) -> None:
        if self._mode is Mode.FAILED:
            return
        self._probe_at = None
        self._tell_progress()
        if not error.for_good and self._committed > self._synced:
            try:
                self._sync()  # What is committed can still be made durable: that needs no space.
            except JournalError as worse:
                error = worse
        self._mode = Mode.FAILED if error.for_good else Mode.BROKEN
        self._post(self._events.on_broken, str(error), error.for_good)

    def _finish(self) -> None:
        self._slot.close()
        if self._mode is Mode.FAILED:
            self._close_error = "an earlier write or fsync failed for good"
            self._journal.abandon()
            return
        try:
            try:
                if self._committed > self._synced:
                    self._sync()
                while self._mode is Mode.OK and self._journal.unfolded:
                    self._journal.fold()
            except JournalError:
                self._journal.abandon()
                raise
            self._journal.close()
        except JournalError as error:
            self._close_error = str(error)

    def _tell_progress(self) -> None:
        self._post(self._events.on_progress, self._committed, self._synced, self._journal.tree)

    def _post(self, event: Callable[..., None], *values: object) -> None:
        # The loop may be closed by a program that did not close the store: nobody is left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(event, *values)
