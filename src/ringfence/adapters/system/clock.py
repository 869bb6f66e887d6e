"""The machine's clocks."""

from __future__ import annotations

import asyncio
import time

from ringfence.core.model.identifiers import Millis


class SystemClock:
    """Wall time that never goes back while the process lives, so that nothing lives longer by a clock set back."""

    def __init__(self) -> None:
        self._latest: Millis = 0

    def now(self) -> Millis:
        self._latest = max(self._latest, time.time_ns() // 1_000_000)
        return self._latest

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
