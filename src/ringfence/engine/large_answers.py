"""Scanning large answers beside the event loop, so that other calls, and a kill, go on meanwhile.

Few at once, each with a scanner of its own (one has one scratch space). Whoever waits for a place waits within the call's
deadline. A thread cannot be stopped: a call that is cancelled leaves its scan behind, and the place is free when that ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import Scanner

LARGE: Final = 512 << 10
"""Bytes that an answer takes in memory, about twice its text: some milliseconds of scanning, ten times what a thread costs."""
AT_ONCE: Final = 2

Found = TypeVar("Found")


class LargeAnswers:
    """The places at which large answers are scanned."""

    def __init__(self, redactor: Redactor, at_once: int = AT_ONCE) -> None:
        self._redactor = redactor
        self._free = asyncio.Semaphore(at_once)
        self._scanners: list[Scanner] = []
        self._under_way: set[asyncio.Task[object]] = set()

    async def scanned(self, scan: Callable[[Scanner], Found]) -> Found:
        """What the scan comes to, in a thread. Raises whatever it raises."""
        await self._free.acquire()
        task = asyncio.ensure_future(self._apart(scan))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _apart(self, scan: Callable[[Scanner], Found]) -> Found:
        scanner = self._scanners.pop() if self._scanners else Scanner(self._redactor)
        found = await asyncio.to_thread(scan, scanner)
        self._scanners.append(scanner)
        return found

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._under_way.discard(task)
        self._free.release()
        if not task.cancelled():
            # Where nobody waits any more, nobody else would fetch what it raised.
            task.exception()
