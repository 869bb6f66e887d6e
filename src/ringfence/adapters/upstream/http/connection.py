"""One kept HTTP/1.1 connection to a server: one POST at a time, and its response as it comes.

Written for the one thing that every call does. The parser is llhttp (httptools), strict as it comes; everything is bounded: the
head by `HEAD_BYTES`, what lies unread by `UNREAD_BYTES`, every wait by the exchange's timer. Source: RFC 9112.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.errors import RequestError

HEAD_BYTES: Final = 64 * 1024
"""Of all header lines of one response, trailers included."""
AROUND_BYTES: Final = 2 * HEAD_BYTES
"""Of everything that is no body, in a row: the parser holds a line until it ends, and a server may never end it."""
UNREAD_BYTES: Final = 256 * 1024
"""Of a body, after which the server is not read any further until somebody takes what there is."""


class Connection(asyncio.Protocol):
    """Made by `Connections`, which decides when it is used again."""

    def __init__(self, on_lost: Callable[["Connection"], None]) -> None:
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._fault: Exception | None = None
        self._busy = False
        self._paused = False
        self._ends_with_connection = False
        self._head_size = 0
        self._around = 0
        self._chunks: list[bytes] = []
        self._unread = 0
        self._has_head = False
        self._keeps = False
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        """Names in lower case; the first of several lines with one name."""
        self.complete = True
        """The response was received to its end; True before the first request."""
        self.idle_since = 0.0
        self.counted = False

    # --- one exchange

    def send(self, head: bytes, body: GuardedBody, until: float) -> None:
        """Begin. `until` (loop time) bounds the wait for the response's head.

        Raises OSError where nothing may or can be written; nothing was written then.
        """
        self._begin_response()
        self._around = 0
        self._busy, self.complete = True, False
        self._waiter = self._loop.create_future()
        self._timer = self._loop.call_at(until, self._late)
        transport = self._transport
        body.hand_over(transport, lambda data: cast(asyncio.Transport, transport).write(head + data))

    async def head(self) -> None:
        """Wait for status and headers. Raises TimeoutError, OSError, RequestError."""
        while not self._has_head:
            await self._wait()

    def reschedule(self, until: float) -> None:
        """From now on every wait ends at `until`."""
        if not self.complete:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(until, self._late)

    async def chunk(self) -> bytes:
        """The next piece of the body; empty at its end. Raises TimeoutError, OSError, RequestError."""
        while not self._chunks:
            if self.complete:
                return b""
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._unread = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def end(self) -> bool:
        """Leave the exchange. Whether the connection can carry another."""
        self._busy = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._chunks.clear()
        self._unread = 0
        return (
            self.complete
            and self._fault is None
            and self._transport is not None
            and not self._transport.is_closing()
            and self._keeps
        )

    @property
    def is_open(self) -> bool:
        return self._fault is None and self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Drop it; where an exchange has not come to its end, with whatever it still holds."""
        if self._transport is None:
            return
        if self.complete:
            self._transport.close()
        else:
            self._transport.abort()

    async def _wait(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._waiter is None or self._waiter.done():
            self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _late(self) -> None:
        self._fail(TimeoutError("the server took too long"))

    def _fail(self, fault: Exception) -> None:
        if self._fault is None:
            self._fault = fault
        self._wake()

    # --- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ends_with_connection and self._has_head and exc is None and not self.complete:
            self.complete = True
        self._fail(exc or ConnectionResetError("the server closed the connection"))
        self._transport = None
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        if not self._busy or self.complete:
            # Nothing was asked: whatever this is, it must not be taken for the answer to the next request.
            self._fail(RequestError("the server sent what nobody asked for"))
            self.close()
            return
        self._around += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._fail(cause if isinstance(cause, RequestError) else RequestError("the server's answer is not HTTP"))
            self.close()
            return
        if self._around > AROUND_BYTES and not self.complete:
            self._fail(RequestError("what surrounds the body of the server's answer is too large"))
            self.close()
            return
        self._wake()

    # --- the parser

    def on_message_begin(self) -> None:
        if self.complete:
            raise RequestError("the server answered twice")
        self._begin_response()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_BYTES:
            raise RequestError("the headers of the server's answer are too large")
        if not self._has_head:
            self.headers.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101:
            raise RequestError("the server switched protocols")
        if status < 200:
            return
        self.status = status
        self._has_head = True
        encoding = self.headers.get(b"transfer-encoding")
        if encoding is not None and encoding.strip().lower() != b"chunked":
            raise RequestError("the server's answer has a transfer encoding that is not known")
        self._ends_with_connection = encoding is None and b"content-length" not in self.headers
        self._keeps = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self._around = 0
        self._chunks.append(body)
        self._unread += len(body)
        if self._unread > UNREAD_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._has_head:
            self.complete = True

    def _begin_response(self) -> None:
        self._has_head = self._ends_with_connection = False
        self._head_size = 0
        self.status = 0
        self.headers = {}
