"""Scanning large answers beside the event loop, each with a scanner of its own (one has one scratch space).

Whoever waits for a place waits within the call's deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.waiting.threads import AT_ONCE, Threads

LARGE: Final = 512 << 10
"""Bytes that an answer takes in memory, about twice its text: some milliseconds of scanning, ten times what a thread costs."""

Found = TypeVar("Found")


class LargeAnswers:
    """Where large answers are scanned."""

    def __init__(self, redactor: Redactor, at_once: int = AT_ONCE) -> None:
        self._redactor = redactor
        self._threads = Threads(at_once)
        self._scanners: list[Scanner] = []

    async def scanned(self, scan: Callable[[Scanner], Found]) -> Found:
        """What the scan comes to, in a thread. Raises whatever it raises."""
        return await self._threads.run(lambda: self._scan(scan))

    def _scan(self, scan: Callable[[Scanner], Found]) -> Found:
        try:
            scanner = self._scanners.pop()
        except IndexError:
            scanner = Scanner(self._redactor)
        found = scan(scanner)
        self._scanners.append(scanner)
        return found
