"""Sending entries on as they become durable: nothing is lost, and nothing waits for it.

The position of each receiver is kept durably after it has taken a batch. What it had already taken when something failed comes
again: at least once, in order. A receiver that is slow only falls behind; the log itself is the queue, so no buffer grows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.errors import Error, UnavailableError
from ringfence.ports.audit import AuditLog, Record
from ringfence.ports.bookmarks import Bookmarks
from ringfence.ports.clock import Clock
from ringfence.ports.forwarder import Forwarder

logger = logging.getLogger(__name__)

LOOK_S = 1.0
BATCH = 100
BATCH_BYTES = 1 << 20
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


@dataclass(slots=True)
class ForwarderState:
    """What is known of one receiver."""

    position: int = 0
    """The first entry that it does not have."""
    problem: str = ""


class LogForwarding:
    """One loop for each receiver."""

    def __init__(self, log: AuditLog, clock: Clock, bookmarks: Bookmarks, forwarders: Sequence[Forwarder]) -> None:
        self._log = log
        self._clock = clock
        self._bookmarks = bookmarks
        self._forwarders = tuple(forwarders)
        self.states = {forwarder.name: ForwarderState() for forwarder in forwarders}

    def loops(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until cancelled, by name."""
        return {forwarder.name: self._forward(forwarder) for forwarder in self._forwarders}

    async def close(self) -> None:
        await asyncio.gather(*(forwarder.close() for forwarder in self._forwarders), return_exceptions=True)

    async def _forward(self, forwarder: Forwarder) -> None:
        state, pause, position = self.states[forwarder.name], FIRST_PAUSE_S, -1
        while True:
            try:
                if position < 0:
                    position = await self._begin(forwarder)
                sent = await self._step(forwarder, position)
            except Error as error:
                state.problem = str(error)
                logger.warning("%s: %s", forwarder.name, error)
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            state.position = position = position + sent
            state.problem, pause = "", FIRST_PAUSE_S
            if not sent:
                await self._clock.sleep(LOOK_S)

    async def _begin(self, forwarder: Forwarder) -> int:
        position = await self._bookmarks.read(forwarder.name)
        size = (await self._log.head()).size
        if position > size:
            raise UnavailableError(f"{position} entries were sent and the log has {size}: an older state was put back")
        return position

    async def _step(self, forwarder: Forwarder, position: int) -> int:
        """One batch; how many entries it had."""
        if (await self._log.head()).size <= position:
            return 0
        # What is only journaled can be lost with the power, and its places taken by other entries.
        end = min(await self._log.durable_size(), position + BATCH)
        batch: list[Record] = []
        size = 0
        async for record in self._log.leaves(position, end):
            size += len(record.leaf)
            if batch and size > BATCH_BYTES:
                break
            batch.append(record)
        if batch:
            await forwarder.send(batch)
            await self._bookmarks.write(forwarder.name, position + len(batch))
        return len(batch)
