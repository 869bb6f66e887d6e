"""A request body that asks, at the last moment, whether it may leave."""

import asyncio
from collections.abc import Callable


class GuardedBody:
    """Asks `may_send` with no await between the answer and the first byte of the request, headers included."""

    __slots__ = ("_body", "_may_send", "_stopped", "_transport", "is_connected", "left", "withheld")

    def __init__(self, body: bytes, may_send: Callable[[], bool]) -> None:
        self._body = body
        self._may_send = may_send
        self._transport: asyncio.WriteTransport | None = None
        self._stopped = False
        self.is_connected = False
        """A connection was found for it."""
        self.left = False
        """At least one byte was given to the transport."""
        self.withheld = False
        """`may_send` said no."""

    def __len__(self) -> int:
        return len(self._body)

    def hand_over(self, transport: asyncio.WriteTransport | None, write: Callable[[bytes], object]) -> None:
        """Ask, and give the body to `write`, which puts the head before it; both go to the transport in one synchronous step.

        Raises OSError where nothing may or can be written; nothing was written then.
        """
        self.is_connected = True
        if self._stopped or self.left or transport is None or transport.is_closing():
            raise ConnectionAbortedError("nothing may be written any more")
        if not self._may_send():
            self.withheld = True
            raise ConnectionAbortedError("withheld")
        self.left = True
        self._transport = transport
        write(self._body)

    def abort(self) -> None:
        """From now on no further byte leaves: what the transport still holds is dropped with the connection."""
        self._stopped = True
        if self._transport is not None:
            self._transport.abort()
