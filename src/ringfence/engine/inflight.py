"""The calls that are under way: what a kill has to wait for, cancel and list."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ringfence.core.model.identifiers import CallId, Millis
from ringfence.core.model.limits import Loops
from ringfence.core.model.meter import Charge
from ringfence.core.model.stop import Reach


@dataclass(slots=True, eq=False)
class Flight:
    """One allowed call between its decision and its outcome."""

    call: CallId
    reach: Reach
    entry: str
    task: asyncio.Task[Any]
    since: Millis
    sent: bool = False
    stopped: bool = False
    """Cancelled by a stop, not by its client."""
    ended: bool = False
    """What came of it is known and being recorded: nothing is left to cancel."""
    charges: tuple[Charge, ...] = ()
    """What it holds on meters."""
    loops: Loops | None = None
    """Set where what comes of it tells whether its run repeats itself."""
    landed: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Cancel the call upstream; its outcome is still recorded."""
        if not self.stopped and not self.ended:
            self.stopped = True
            self.task.cancel()


class Inflight:
    """All flights of this process."""

    def __init__(self) -> None:
        self._flights: dict[CallId, Flight] = {}

    @contextmanager
    def flight(self, call: CallId, reach: Reach, entry: str, now: Millis) -> Generator[Flight]:
        """Register the current task as carrying the call."""
        task = asyncio.current_task()
        assert task is not None  # INVARIANT: enforce runs inside a task
        flight = Flight(call, reach, entry, task, now)
        self._flights[call] = flight
        try:
            yield flight
        finally:
            del self._flights[call]
            flight.landed.set()

    def all(self) -> tuple[Flight, ...]:
        return tuple(self._flights.values())
