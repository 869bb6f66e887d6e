"""The client's end of one request: its answer, as it comes, and whether anybody still reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

from ringfence.adapters.pep.messages_proxy.headers import back
from ringfence.adapters.served.asgi import Receive, Send


class Connection(Protocol):
    """What is known of the connection below: for ending it without what lies in its buffer."""

    def get_write_buffer_size(self) -> int: ...

    def abort(self) -> None: ...


_LOOK_S: Final = 0.05
CONNECTION_KEY = "ringfence.connection"
"""Where the server puts it in `scope["extensions"]`."""


class ModelClient:
    """Implements `engine.models.asking.Client` on ASGI. Close it when the request has ended."""

    def __init__(self, receive: Receive, send: Send, connection: Connection | None, break_off_s: float) -> None:
        self._receive = receive
        self._send = send
        self._connection = connection
        self._break_off_s = break_off_s
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None
        self.has_begun = False
        self._is_over = False

    @property
    def is_gone(self) -> bool:
        return self._gone

    def watch(self, gone: Callable[[], None]) -> None:
        if self._watcher is None:
            self._watcher = asyncio.ensure_future(self._watch(gone))

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": back(headers)})

    async def write(self, data: bytes) -> None:
        if not self._gone and not self._is_over:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, rest: bytes = b"") -> None:
        """The last of what was begun."""
        if self.has_begun and not self._is_over:
            self._is_over = True
            await self._send({"type": "http.response.body", "body": rest})

    async def break_off(self, last: bytes, *, at_once: bool) -> None:
        if self._is_over:
            return
        connection = self._connection
        if at_once and connection is not None and connection.get_write_buffer_size() > 0:
            self._is_over = True
            connection.abort()
            return
        try:
            async with asyncio.timeout(self._break_off_s):
                await self.end(last)
        except TimeoutError:
            if connection is not None:
                connection.abort()

    def drop(self) -> None:
        """What it has not taken yet, it does not get any more. Where it has everything, its connection stays."""
        self._is_over = True
        if self._connection is not None and self._connection.get_write_buffer_size() > 0:
            self._connection.abort()

    async def taken(self, most_s: float) -> None:
        """Wait until it has taken everything. A client that takes longer loses the rest with its connection."""
        connection, until = self._connection, asyncio.get_running_loop().time() + most_s
        while connection is not None and connection.get_write_buffer_size() > 0:
            if asyncio.get_running_loop().time() > until:
                connection.abort()
                return
            await asyncio.sleep(_LOOK_S)

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """An answer in one piece."""
        self.has_begun = self._is_over = True
        lines = [*back(headers), (b"content-length", b"%d" % len(body))]
        await self._send({"type": "http.response.start", "status": status, "headers": lines})
        await self._send({"type": "http.response.body", "body": body})

    async def close(self) -> None:
        if self._watcher is not None and not self._watcher.done():
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher

    async def _watch(self, gone: Callable[[], None]) -> None:
        while True:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                break
        if not self._is_over:
            self._gone = True
            gone()
