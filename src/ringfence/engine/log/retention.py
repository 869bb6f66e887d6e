"""Dropping the bodies of old entries, and saying so in the log."""

from __future__ import annotations

from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.ports.audit import AuditLog
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

DAY_MS = 86_400_000
STEP = 256
"""Bodies at a time, so that the writer is never busy with this for long."""
MOST = 50_000
"""Bodies in one round."""


class LogRetention:
    """Keeps bodies for so many milliseconds; None: for ever."""

    def __init__(self, log: AuditLog, store: Store, clock: Clock, keep_ms: int | None) -> None:
        self._log = log
        self._store = store
        self._clock = clock
        self.keep_ms = keep_ms

    async def drop(self) -> int:
        """Drop what is too old; how many bodies. Raises UnavailableError."""
        if self.keep_ms is None:
            return 0
        before = self._clock.now() - self.keep_ms
        dropped = 0
        while dropped < MOST and (step := await self._log.drop_bodies(before, STEP)):
            dropped += step
        if dropped:
            await self._say(dropped, before)
        return dropped

    async def _say(self, dropped: int, before: int) -> None:
        days = f"{(self.keep_ms or 0) / DAY_MS:g}"
        entry = Entry(
            kind=EntryKind.GATEWAY,
            at=self._clock.now(),
            summary=f"dropped the bodies of {dropped} entries that were older than {days} days",
            by="gateway",
            body={"dropped": dropped, "before": before},
        )
        receipt = await self._store.record(Unit((entry,)))
        if not isinstance(receipt, Conflict):
            await receipt.journaled()
