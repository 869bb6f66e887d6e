"""Who waits for which ticket, so that whoever moves it can wake them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from ringfence.core.model.identifiers import TicketId


class Waiters:
    """One event per ticket that somebody waits for."""

    def __init__(self) -> None:
        self._events: dict[TicketId, asyncio.Event] = {}
        self._unwritten: set[TicketId] = set()
        self._held: set[TicketId] = set()

    def event(self, ticket: TicketId) -> asyncio.Event:
        """Set when the ticket has moved."""
        return self._events.setdefault(ticket, asyncio.Event())

    def wake(self, ticket: TicketId) -> None:
        """The ticket has moved."""
        self._held.discard(ticket)
        if (event := self._events.pop(ticket, None)) is not None:
            event.set()

    @contextmanager
    def writing(self, ticket: TicketId) -> Generator[None]:
        """A block in which the ticket is on its way to the disk: nobody is shown what a crash could still take back."""
        self._unwritten.add(ticket)
        try:
            yield
        finally:
            self._unwritten.discard(ticket)

    def is_written(self, ticket: TicketId) -> bool:
        """Whether it may be shown."""
        return ticket not in self._unwritten

    def hold(self, ticket: TicketId) -> None:
        """A client stands still until it is decided, so a later ask of its run does not take its place."""
        self._held.add(ticket)

    def let_go(self, ticket: TicketId) -> None:
        """No client does any more."""
        self._held.discard(ticket)

    def is_held(self, ticket: TicketId) -> bool:
        return ticket in self._held

    def forget(self, ticket: TicketId) -> None:
        """Nobody needs to wait for it."""
        self._events.pop(ticket, None)
