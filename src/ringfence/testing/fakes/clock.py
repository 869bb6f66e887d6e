"""A clock that stands still until a test moves it."""

import asyncio
from dataclasses import dataclass

from ringfence.core.model.identifiers import Millis

START: Millis = 1_800_000_000_000
"""Where every fake clock begins: some Friday in January 2027."""


@dataclass(slots=True, eq=False)
class _Sleeper:
    due: float
    woken: asyncio.Future[None]


class FakeClock:
    """Implements `ringfence.ports.clock.Clock`. Only `advance` lets time pass, for sleepers as well."""

    def __init__(self, start: Millis = START) -> None:
        self._start = start
        self._passed = 0
        self._sleepers: list[_Sleeper] = []
        self._changed = asyncio.Event()

    def now(self) -> Millis:
        return self._start + self._passed

    def monotonic(self) -> float:
        return self._passed / 1000

    async def sleep(self, seconds: float) -> None:
        sleeper = _Sleeper(self.monotonic() + seconds, asyncio.get_running_loop().create_future())
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._sleepers.append(sleeper)
        self._changed.set()
        try:
            await sleeper.woken
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    def advance(self, milliseconds: int) -> None:
        """Let time pass and wake whoever has slept long enough."""
        self._passed += milliseconds
        for sleeper in list(self._sleepers):
            if sleeper.due <= self.monotonic() and not sleeper.woken.done():
                self._sleepers.remove(sleeper)
                sleeper.woken.set_result(None)

    async def until_sleeping(self, count: int = 1) -> None:
        """Return when so many tasks sleep: the way to know that a timer is armed before moving the time."""
        while len(self._sleepers) < count:
            self._changed.clear()
            await self._changed.wait()
