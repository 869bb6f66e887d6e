"""A notifier that can be replaced while the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ringfence.ports.notifier import Alert, Notifier, Tried


class SwitchNotifier:
    """Hands everything to the newest notifier; the one before gives what it holds a last try."""

    def __init__(self, first: Notifier) -> None:
        self._current = first
        self._closing: set[asyncio.Task[None]] = set()

    def switch(self, fresh: Notifier) -> None:
        before, self._current = self._current, fresh
        task = asyncio.ensure_future(before.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def notify(self, alert: Alert) -> None:
        self._current.notify(alert)

    async def trial(self, alert: Alert) -> Sequence[Tried]:
        return await self._current.trial(alert)

    async def close(self) -> None:
        await asyncio.gather(self._current.close(), *self._closing, return_exceptions=True)
