"""HTTP/1.1 connections of the data plane: uvicorn's parser with the deadlines and bounds that it lacks.

uvicorn has no deadline for request headers and no bound on them, and lets trailers of a chunked body join the headers. This
class closes what drips, counts what comes, and answers 400 to whatever two parsers could frame differently: httptools refuses
Content-Length beside Transfer-Encoding, folded lines and bare line feeds by itself (RFC 9112, sections 2.2, 5.2 and 6.3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ringfence.adapters.pep.mcp_gateway.corked import Corked
from ringfence.adapters.pep.mcp_gateway.peer import CONNECTION_KEY, PEER_KEY, Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one connection may do before a request exists."""

    head_s: float = 10.0
    """From the first moment of waiting for a request to the end of its headers."""
    head_bytes: int = 32 * 1024
    head_lines: int = 100
    write_s: float = 30.0
    """How long a client may leave an answer lying in our buffer."""


class _RefusedError(Exception):
    """Raised inside a parser callback; uvicorn answers it through `send_400_response`."""


class DataPlaneProtocol(HttpToolsProtocol):
    """One connection. `serve` makes a subclass that carries the limits and the peer look-up."""

    limits = ConnectionLimits()
    find_peer: Callable[[asyncio.Transport], Peer]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._peer = Peer()
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_size = 0
        self._head_fed = 0
        self._status = 400

    # the connection --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        super().connection_made(Corked(stream, self.loop))
        self._peer = type(self).find_peer(stream)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._stop_write_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._current() is None:
            self._expect_head()
        if self._head_timer is not None:
            self._head_fed += len(data)
        super().data_received(data)
        if self._in_head and self._head_fed > self.limits.head_bytes and not self.transport.is_closing():
            self._status = 431
            self.send_400_response("Request Header Fields Too Large")

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.limits.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_write_timer()

    # the head of one request -----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {PEER_KEY: self._peer, CONNECTION_KEY: self.transport}
        self._in_head, self._head_size = True, 0
        self._expect_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            raise _RefusedError("trailer fields are not accepted")
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)
        if len(self.headers) > self.limits.head_lines:
            self._status = 431
            raise _RefusedError("too many header lines")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_came()
        if cast("Any", self.parser).should_upgrade():
            raise _RefusedError("upgrades are not accepted")
        if not self.url.startswith(b"/"):
            raise _RefusedError("only the origin form of a target is accepted")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        body = msg.encode("ascii")
        self._head_came()
        cycle = self._current()
        if cycle is not None and not cycle.response_started:
            # Its application may be running by now: whatever that says comes too late.
            cycle.disconnected = True
            cycle.message_event.set()
            cycle = None
        if cycle is None:
            head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[self._status] + head + body)
        self.transport.close()

    def _current(self) -> RequestResponseCycle | None:
        """The request that is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn declares less than it assigns
        return None if cycle is None or cycle.response_complete else cycle

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self.limits.head_bytes:
            self._status = 431
            raise _RefusedError("the headers are too large")

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_fed = 0
            self._head_timer = self.loop.call_later(self.limits.head_s, self._head_is_late)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
