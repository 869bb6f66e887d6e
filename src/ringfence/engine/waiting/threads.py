"""Threads beside the event loop, for work that takes long: other calls, and a kill, go on meanwhile.

Few at once, and whoever waits for one does so in the order of coming. A thread cannot be stopped: whoever is cancelled leaves
the work behind, and the thread is free when it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

AT_ONCE: Final = 2

Found = TypeVar("Found")


class Threads:
    """So many of them."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._under_way: set[asyncio.Task[object]] = set()

    async def run(self, work: Callable[[], Found]) -> Found:
        """What the work comes to, in a thread. Raises whatever it raises."""
        await self._free.acquire()
        task = asyncio.ensure_future(asyncio.to_thread(work))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._under_way.discard(task)
        self._free.release()
        if not task.cancelled():
            # Where nobody waits any more, nobody else would fetch what it raised.
            task.exception()
