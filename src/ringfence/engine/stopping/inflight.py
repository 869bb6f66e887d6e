"""The calls that are under way: what a kill has to wait for, cancel and list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ringfence.core.model.identifiers import CallId, Millis
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.limits import Loops
from ringfence.core.model.meter import Charge
from ringfence.core.model.stop import Reach, Scope, covers


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
    was_trusted: bool = False
    """When it was decided, its run had been given nothing that strangers may have written."""
    label: Label = CLEAN
    """Its run's own, when it was decided and with what it may bring."""
    brings: Label = CLEAN
    """What its answer brings whatever the tool's profile says."""
    hears: bool = False
    """Somebody looks where its run's values come from."""
    credential: str = ""
    """Which one left with it: the id of what was minted, or a reference."""
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    cut: Callable[[], asyncio.Future[Any] | None] | None = None
    """Of an answer that is passed on as it comes: ends it where it is, and gives what is done once it has ended. It can be cut
    at any moment, so a stop waits for nothing; and a pause, which is for what comes next, leaves it alone."""
    over: asyncio.Future[Any] | None = None
    """Of an answer that was cut: done when nobody gets a byte of it any more. What it used is recorded after that."""

    def stop(self) -> None:
        """Cancel the call upstream; its outcome is still recorded."""
        if self.stopped or self.ended:
            return
        self.stopped = True
        if self.cut is not None and self.sent:
            self.over = self.cut()
        else:
            self.task.cancel()

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end, recorded or, of an answer that was cut, about to be."""
        return self.landed.is_set() or (self.over is not None and self.over.done())

    async def wait_over(self) -> None:
        """Wait for that."""
        if self.over is not None:
            await asyncio.wait({self.over})
        else:
            await self.landed.wait()


class _Flying:
    """A class, because a generator costs every call several times as much."""

    __slots__ = ("_flight", "_flights")

    def __init__(self, flights: dict[CallId, Flight], flight: Flight) -> None:
        self._flights = flights
        self._flight = flight

    def __enter__(self) -> Flight:
        self._flights[self._flight.call] = self._flight
        return self._flight

    def __exit__(self, *_: object) -> None:
        del self._flights[self._flight.call]
        self._flight.landed.set()


class Inflight:
    """All flights of this process."""

    def __init__(self) -> None:
        self._flights: dict[CallId, Flight] = {}
        self._given: dict[object, tuple[Reach, Callable[[], None]]] = {}

    @contextmanager
    def giving(self, reach: Reach, drop: Callable[[], None]) -> Generator[None]:
        """A block in which an answer whose outcome is recorded is given out to a client that may take long. `drop`: what it has
        not taken by now, it does not get."""
        key = object()
        self._given[key] = reach, drop
        try:
            yield
        finally:
            del self._given[key]

    def drop(self, scope: Scope) -> None:
        """Give out nothing more of what is recorded already."""
        for reach, drop in list(self._given.values()):
            if covers(scope, reach):
                drop()

    def flight(self, call: CallId, reach: Reach, entry: str, now: Millis) -> _Flying:
        """A block in which the current task is registered as carrying the call; gives its flight."""
        task = asyncio.current_task()
        assert task is not None  # INVARIANT: enforce runs inside a task
        return _Flying(self._flights, Flight(call, reach, entry, task, now))

    def all(self) -> tuple[Flight, ...]:
        return tuple(self._flights.values())
