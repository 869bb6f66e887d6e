"""One kept HTTP/1.1 connection to a model API: one request at a time, and its answer in the pieces in which it comes.

A client library cost more than everything else on the way of a streamed event. The parser is llhttp (httptools), strict as it
comes; the head of an answer, what lies unread, and every wait are bounded. Source: RFC 9112.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from ringfence.errors import RequestError

HEAD_BYTES: Final = 32 * 1024
"""Of all header lines of one answer, trailers included."""
AROUND_BYTES: Final = 2 * HEAD_BYTES
"""Of everything that is no body, in a row: the parser holds a line until it ends, and a server may never end it."""
UNREAD_BYTES: Final = 256 * 1024
"""Of a body, after which the server is not read any further until somebody takes what there is."""


class Connection(asyncio.Protocol):
    """Made by `Connections`, which decides when it is used again."""

    def __init__(self, on_lost: Callable[[Connection], None], silence_s: float) -> None:
        self._on_lost = on_lost
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._fault: Exception | None = None
        self._is_busy = False
        self._is_paused = False
        self._ends_with_connection = False
        self._keeps = False
        self._has_head = False
        self._head_size = 0
        self._around = 0
        self._pieces: list[bytes] = []
        self._unread = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        """Names in lower case; lines of one name joined by a comma."""
        self.is_complete = True
        """The answer came to its end; True before the first request."""
        self.idle_since = 0.0

    # --- one exchange

    @property
    def is_open(self) -> bool:
        return self._fault is None and self._transport is not None and not self._transport.is_closing()

    def send(self, head: bytes, body: bytes) -> None:
        """Write one request. It must be open."""
        transport = cast("asyncio.Transport", self._transport)
        self._begin_answer()
        self._around = 0
        self._is_busy, self.is_complete = True, False
        self._heard_at = self._loop.time()
        self._timer = self._loop.call_later(self._silence_s, self._look)
        transport.writelines([head, body])

    async def head(self) -> None:
        """Wait for status and headers. Raises TimeoutError, OSError, RequestError."""
        while not self._has_head:
            await self._wait()

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end. Raises TimeoutError, OSError, RequestError."""
        while not self._pieces:
            if self.is_complete:
                return b""
            await self._wait()
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._unread = 0
        if self._is_paused and self._transport is not None:
            # While it was paused the silence was ours.
            self._is_paused, self._heard_at = False, self._loop.time()
            self._transport.resume_reading()
        return data

    def end(self) -> bool:
        """Leave the exchange. Whether the connection can carry another."""
        self._is_busy = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pieces.clear()
        self._unread = 0
        transport = self._transport
        # An answer to a request that has not been taken yet says nothing about the rest of it.
        return (
            self.is_complete
            and self._keeps
            and self.is_open
            and transport is not None
            and not transport.get_write_buffer_size()
        )

    def close(self) -> None:
        """Drop it; where an exchange has not come to its end, with whatever it still holds."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is None:
            return
        if self.is_complete:
            self._transport.close()
        else:
            self._transport.abort()

    async def _wait(self) -> None:
        if self._fault is not None:
            raise self._fault
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _look(self) -> None:
        """Whether nothing came for too long. One timer for the whole answer: setting one anew with each event would be dear."""
        self._timer = None
        if self.is_complete:
            return
        heard_at = self._loop.time() if self._is_paused else self._heard_at
        left = heard_at + self._silence_s - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._fail(TimeoutError("nothing came for too long"))

    def _fail(self, fault: Exception) -> None:
        if self._fault is None:
            self._fault = fault
        self._wake()

    # --- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ends_with_connection and self._has_head and exc is None and not self.is_complete:
            self.is_complete = True
        self._fail(exc or ConnectionResetError("the server closed the connection"))
        self._transport = None
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        if not self._is_busy or self.is_complete:
            # Nothing was asked: whatever this is, it must not be taken for the answer to the next request.
            self._refuse(RequestError("the server sent what nobody asked for"))
            return
        self._heard_at = self._loop.time()
        self._around += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, RequestError) else RequestError("the server's answer is not HTTP"))
            return
        if self._around > AROUND_BYTES and not self.is_complete:
            self._refuse(RequestError("what surrounds the body of the server's answer is too large"))
            return
        self._wake()

    def _refuse(self, fault: Exception) -> None:
        self._fail(fault)
        if self._transport is not None:
            self._transport.abort()

    # --- the parser

    def on_message_begin(self) -> None:
        if self.is_complete:
            raise RequestError("the server answered twice")
        self._begin_answer()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_BYTES:
            raise RequestError("the headers of the server's answer are too large")
        if not self._has_head:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101:
            raise RequestError("the server switched protocols")
        if status < 200:
            return
        encoding = self.headers.get("transfer-encoding")
        if encoding is not None and encoding.strip().lower() != "chunked":
            raise RequestError("the server's answer has a transfer encoding that is not known")
        self._ends_with_connection = encoding is None and "content-length" not in self.headers
        self._keeps = self._parser.should_keep_alive()
        self.status = status
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._around = 0
        self._pieces.append(body)
        self._unread += len(body)
        if self._unread > UNREAD_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._has_head:
            self.is_complete = True

    def _begin_answer(self) -> None:
        self._has_head = self._ends_with_connection = False
        self._head_size = 0
        self.status = 0
        self.headers = {}
