"""The server's side of TLS over a wire whose first bytes were read already, which no transport of asyncio can begin with."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

from ringfence.adapters.pep.egress.wire import Wire

_PIECE: Final = 64 * 1024


class TlsWire:
    """A stream (`wire.Stream`). TLS 1.2 or later without renegotiation, so writing never waits for reading."""

    def __init__(self, wire: Wire, context: ssl.SSLContext) -> None:
        self._wire = wire
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def handshake(self, first: bytes) -> None:
        """With what the client said first. Raises OSError, of which ssl.SSLError is one."""
        self._incoming.write(first)
        while True:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                await self._more()
            except ssl.SSLError:
                self._flush()
                raise
            else:
                self._flush()
                return

    async def read(self) -> bytes:
        while True:
            pieces: list[bytes] = []
            try:
                while piece := self._object.read(_PIECE):
                    pieces.append(piece)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError) as reason:
                self._flush()
                if pieces or not isinstance(reason, ssl.SSLWantReadError):
                    return b"".join(pieces)
            else:
                return b"".join(pieces)
            await self._more()

    def write(self, data: bytes) -> None:
        self._object.write(data)
        self._flush()

    async def drain(self) -> None:
        await self._wire.drain()

    def close(self) -> None:
        """The TLS alone: the wire is its owner's to close."""
        with suppress(OSError):  # it says goodbye, and does not wait for the other side's
            self._object.unwrap()
        self._flush()

    def abort(self) -> None:
        self._wire.abort()

    async def _more(self) -> None:
        data = await self._wire.read()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._wire.write(data)
