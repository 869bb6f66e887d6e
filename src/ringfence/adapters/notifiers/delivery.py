"""How alerts reach one receiver, whatever it is: in order, retried with growing pauses, each id once, bounded.

- `notify` returns at once; what waits is bounded, and the oldest gives way to the newest.
- What the outlet calls temporary is tried again, up to ten times in about four minutes; what it calls final is not.
- An outlet that takes several alerts at once gets all that wait, and may want a pause between two deliveries.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Protocol

from ringfence.core.model.identifiers import Millis
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Alert, Receiver, Tried

logger = logging.getLogger(__name__)

MOST_WAITING = 1000
ATTEMPTS = 10
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
LAST_TRY_S = 5.0
"""How long `close` tries to deliver what still waits."""
MOST_ANSWER = 300
"""Characters of what a receiver said last that are kept."""


class Result(Enum):
    DELIVERED = "delivered"
    AGAIN = "again"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one try, and what the receiver said: words without a secret."""

    result: Result
    answer: str


class Outlet(Protocol):
    """One receiver: how alerts are put, and how they get there."""

    @property
    def name(self) -> str:
        """In words without a secret, for log lines."""
        ...

    @property
    def most(self) -> int:
        """Alerts that one delivery may hold."""
        ...

    @property
    def gap_s(self) -> float:
        """Seconds between two deliveries, so that a burst becomes one of them."""
        ...

    async def send(self, alerts: Sequence[Alert]) -> Sent:
        """One try, bounded in time. Never raises."""
        ...

    async def close(self) -> None: ...


class Delivery:
    """Implements `ports.notifier.Notifier` over an outlet. Use inside one running loop."""

    def __init__(self, outlet: Outlet, clock: Clock) -> None:
        self._outlet = outlet
        self._clock = clock
        self._waiting: deque[Alert] = deque()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._delivered = 0
        self._lost = 0
        self._last: tuple[str, Millis] | None = None

    def notify(self, alert: Alert) -> None:
        if self._closed or alert.id in self._seen:
            return
        self._seen[alert.id] = None
        while len(self._seen) > 2 * MOST_WAITING:
            self._seen.popitem(last=False)
        if len(self._waiting) >= MOST_WAITING:
            dropped = self._waiting.popleft()
            self._lost += 1
            logger.error("too many alerts wait for %s: %s was not delivered", self._outlet.name, dropped.id)
        self._waiting.append(alert)
        self._arrived.set()
        if self._worker is None:
            self._begin()

    def _begin(self) -> None:
        self._worker = asyncio.ensure_future(self._work())
        self._worker.add_done_callback(self._ended)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        if not worker.cancelled() and (error := worker.exception()) is not None:
            logger.error("delivery to %s broke off and begins anew", self._outlet.name, exc_info=error)
            if not self._closed:
                self._begin()

    async def trial(self, alert: Alert) -> Sequence[Tried]:
        if self._closed:
            return (Tried(self._outlet.name, False, "it is no longer told"),)
        sent = await self._send([alert])
        return (Tried(self._outlet.name, sent.result is Result.DELIVERED, sent.answer),)

    def receivers(self) -> Sequence[Receiver]:
        last, at = self._last or ("", None)
        return (
            Receiver(
                name=self._outlet.name,
                waiting=len(self._waiting),
                delivered=self._delivered,
                lost=self._lost,
                last=last,
                last_at=at,
            ),
        )

    async def close(self) -> None:
        self._closed = True
        self._hurry.set()
        self._arrived.set()
        if self._worker is None:
            await self._outlet.close()
            return
        # An attempt that is under way is left to end: cut off, it would have to be made again.
        _, late = await asyncio.wait([self._worker], timeout=LAST_TRY_S)
        for worker in late:
            worker.cancel()
            logger.error("%d alerts could not be delivered to %s before the end", len(self._waiting), self._outlet.name)
        await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        try:
            await self._deliver_all()
        finally:
            await self._outlet.close()

    async def _deliver_all(self) -> None:
        while True:
            while not self._waiting:
                if self._closed:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            batch = tuple(islice(self._waiting, self._outlet.most))
            try:
                await self._deliver(batch)
            finally:
                # Whatever came of it: what nobody foresaw is not to stand in the way of what comes after.
                # Meanwhile the newest may have pushed out some of it.
                ids = {alert.id for alert in batch}
                while self._waiting and self._waiting[0].id in ids:
                    self._waiting.popleft()
            if self._outlet.gap_s and not self._closed:
                await self._rest(self._outlet.gap_s)

    async def _deliver(self, batch: Sequence[Alert]) -> None:
        what = batch[0].id if len(batch) == 1 else f"{batch[0].id} and {len(batch) - 1} more"
        pause = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            last = self._closed or attempt == ATTEMPTS
            sent = await self._send(batch)
            if sent.result is Result.DELIVERED:
                self._delivered += len(batch)
                return
            if sent.result is Result.FINAL:
                self._lost += len(batch)
                logger.error("alert %s was refused by %s: %s", what, self._outlet.name, sent.answer)
                return
            logger.warning("alert %s was not delivered to %s: %s", what, self._outlet.name, sent.answer)
            if last:
                break
            await self._rest(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        self._lost += len(batch)
        logger.error("alert %s could not be delivered to %s: given up", what, self._outlet.name)

    async def _send(self, alerts: Sequence[Alert]) -> Sent:
        sent = await self._outlet.send(alerts)
        self._last = (sent.answer[:MOST_ANSWER], self._clock.now())
        return sent

    async def _rest(self, seconds: float) -> None:
        """A pause that `close` ends."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._hurry.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
