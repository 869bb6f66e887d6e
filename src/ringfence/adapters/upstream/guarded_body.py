"""A request body that asks, at the last moment, whether it may leave."""

import asyncio
from collections.abc import Callable
from typing import cast

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter


class GuardedBody(aiohttp.Payload):
    """Asks `may_send` with no await between the answer and the first byte of the request.

    aiohttp keeps the request's headers in its writer until the first piece of the body comes, and hands both to the
    transport in one synchronous step (`StreamWriter.write`, with no trace hooks and no compression configured). So the
    question is asked here, right before that step: where the answer is no, not even the headers leave, and aiohttp closes
    the unused connection. A POST is never retried by aiohttp.
    """

    def __init__(self, body: bytes, may_send: Callable[[], bool]) -> None:
        super().__init__(body, content_type="application/json")
        self._body = body
        self._size = len(body)
        self._may_send = may_send
        self._transport: asyncio.Transport | None = None
        self._stopped = False
        self.is_connected = False
        """A connection was found for it."""
        self.left = False
        """At least one byte was given to the transport."""
        self.withheld = False
        """`may_send` said no."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Raises OSError where nothing may or can be written; nothing was written then."""
        self.is_connected = True
        stream = cast(StreamWriter, writer)
        transport = stream.transport
        if self._stopped or self.left or transport is None or transport.is_closing():
            raise ConnectionAbortedError("nothing may be written any more")
        if not self._may_send():
            self.withheld = True
            raise ConnectionAbortedError("withheld")
        self.left = True
        self._transport = transport
        await stream.write(self._body)

    def abort(self) -> None:
        """From now on no further byte leaves: what the transport still holds is dropped with the connection."""
        self._stopped = True
        if self._transport is not None:
            self._transport.abort()
