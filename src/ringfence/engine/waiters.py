"""Who waits for which ticket, so that whoever moves it can wake them."""

from __future__ import annotations

import asyncio

from ringfence.core.model.identifiers import TicketId


class Waiters:
    """One event per ticket that somebody waits for."""

    def __init__(self) -> None:
        self._events: dict[TicketId, asyncio.Event] = {}

    def event(self, ticket: TicketId) -> asyncio.Event:
        """Set when the ticket has moved."""
        return self._events.setdefault(ticket, asyncio.Event())

    def wake(self, ticket: TicketId) -> None:
        """The ticket has moved."""
        if (event := self._events.pop(ticket, None)) is not None:
            event.set()

    def forget(self, ticket: TicketId) -> None:
        """Nobody needs to wait for it."""
        self._events.pop(ticket, None)
