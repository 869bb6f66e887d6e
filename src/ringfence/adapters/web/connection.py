"""One kept HTTP/1.1 connection on the way of a call: one request at a time, and its answer in the pieces in which it comes.

A client library cost more than everything else on that way (docs/adr/0006). The parser is llhttp (httptools), strict as it
comes; the head of an answer, what lies unread, and every wait are bounded. Source: RFC 9112.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final, cast

import httptools

from ringfence.errors import RequestError

HEAD_BYTES: Final = 64 * 1024
"""Of all header lines of one answer, trailers included."""
AROUND_BYTES: Final = 2 * HEAD_BYTES
"""Of everything that is no body, in a row: the parser holds a line until it ends, and a server may never end it."""
UNREAD_BYTES: Final = 256 * 1024
"""Of a body, after which the server is not read any further until somebody takes what there is."""


class Connection(asyncio.Protocol):
    """Made by whoever keeps connections to one place (`kept.py`), and decides when it is used again."""

    def __init__(self, on_lost: Callable[[Connection], None], silence_s: float = math.inf) -> None:
        """`silence_s`: how long nothing may come within an exchange."""
        self._on_lost = on_lost
        self._silence_s = silence_s
        self._until = math.inf
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
        self.lines: list[tuple[bytes, bytes]] = []
        """The header lines of the answer, as they came; names in lower case."""
        self.is_complete = True
        """The answer came to its end; True before the first request."""
        self.idle_since = 0.0

    # --- one exchange

    @property
    def is_open(self) -> bool:
        return self._fault is None and self._transport is not None and not self._transport.is_closing()

    def begin(self, until: float = math.inf) -> asyncio.WriteTransport | None:
        """Begin an exchange, and write its request to what this answers, with no await in between; None: it is lost.

        `until` (loop time) bounds every wait, besides the silence.
        """
        self._begin_answer()
        self._around = 0
        self._is_busy, self.is_complete = True, False
        self._until, self._heard_at = until, self._loop.time()
        self._set_timer()
        return self._transport

    def reschedule(self, until: float) -> None:
        """From now on every wait ends at `until`."""
        if not self.is_complete:
            self._until = until
            self._set_timer()

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
        self._no_timer()
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
        self._no_timer()
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

    def _set_timer(self) -> None:
        """One timer for the whole answer: setting one anew with each piece would be dear."""
        self._no_timer()
        heard_at = self._loop.time() if self._is_paused else self._heard_at
        due = min(self._until, heard_at + self._silence_s)
        if due < math.inf:
            self._timer = self._loop.call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        """Whether something has come since the timer was set."""
        self._timer = None
        if self.is_complete:
            return
        heard_at = self._loop.time() if self._is_paused else self._heard_at
        if min(self._until, heard_at + self._silence_s) > due:
            self._set_timer()
        else:
            self._fail(TimeoutError("the server took too long"))

    def _no_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
            self.lines.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101:
            raise RequestError("the server switched protocols")
        if status < 200:
            return
        encodings = [value.strip().lower() for name, value in self.lines if name == b"transfer-encoding"]
        if encodings not in ([], [b"chunked"]):
            raise RequestError("the server's answer has a transfer encoding that is not known")
        self._ends_with_connection = not encodings and all(name != b"content-length" for name, _ in self.lines)
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
        self.lines = []
