"""One end of a connection: reading with back-pressure, writing with back-pressure."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import Protocol, cast

_HIGH = 256 * 1024
"""Bytes that wait to be read before the peer is made to wait."""

_MOST_UNREAD = 16 * 1024 * 1024
"""Bytes that a peer may still send after our last one."""


class Stream(Protocol):
    """What can be read from and written to, with or without TLS."""

    async def read(self) -> bytes:
        """What has come, at least one byte; nothing: the peer will send no more. Raises OSError."""
        ...

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None:
        """Wait until more may be written. Raises OSError."""
        ...

    def abort(self) -> None:
        """Close now."""
        ...


class Wire(asyncio.Protocol):
    """A transport's protocol that is read from as from a stream."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._is_full = False
        self._is_paused = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the peer has sent its last byte or is lost."""

    @classmethod
    def over(cls, transport: asyncio.Transport, first: bytes) -> Wire:
        """Take a connection over from another protocol, with the bytes that it has read."""
        wire = cls()
        transport.set_protocol(wire)
        wire.connection_made(transport)
        if first:
            wire.data_received(first)
        if not wire._is_paused:
            transport.resume_reading()
        return wire

    # --- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _HIGH and not self._is_paused:
            self._is_paused = True
            self._open().pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        self._ended = True
        _wake(self._reader)
        _wake(self.gone)
        return self._open().get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc or ConnectionResetError("the connection is closed")
        for waiter in (self._reader, self._writer, self.gone):
            _wake(waiter)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        _wake(self._writer)

    # --- what is read and written

    @property
    def is_usable(self) -> bool:
        """Nothing has come unasked, and nothing has ended."""
        return not self._buffer and not self._ended and self._error is None

    async def read(self) -> bytes:
        if not self._buffer and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._is_paused and not self._ended:
            self._is_paused = False
            self._open().resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Put back what was read too far."""
        self._buffer[:0] = data

    def write(self, data: bytes) -> None:
        if self._error is None:
            self._open().write(data)

    async def drain(self) -> None:
        if self._error is not None:
            raise ConnectionResetError("the connection is closed")
        if self._is_full:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer
            if self._error is not None:
                raise ConnectionResetError("the connection is closed")

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def finish(self, patience_s: float) -> None:
        """Say the last byte, and read on for a while: what nobody reads makes the kernel reset the connection, and the peer
        lose the answer that tells it why."""
        if self._error is not None or self._open().is_closing():
            return
        with suppress(OSError):  # of which TimeoutError is one
            async with asyncio.timeout(patience_s):
                await self.drain()
                self._open().write_eof()
                left = _MOST_UNREAD
                while left > 0 and (data := await self.read()):
                    left -= len(data)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def take_socket(self) -> tuple[socket.socket, bytes]:
        """The socket without its transport, once everything that was written is in the kernel; and what was read but not taken.
        Raises OSError."""
        transport = self._open()
        transport.set_write_buffer_limits(0)
        await self.drain()
        if not self._ended:
            transport.pause_reading()
        data = bytes(self._buffer)
        self._buffer.clear()
        taken = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        taken.setblocking(False)
        transport.abort()  # closes its own descriptor; the connection lives as long as ours
        return taken, data

    def _open(self) -> asyncio.Transport:
        assert self._transport is not None  # INVARIANT: the loop calls connection_made first
        return self._transport


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
