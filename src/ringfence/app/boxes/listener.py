"""A box's one way to the world: a listener inside it that is served here.

What asks for a path goes to the data plane, everything else to the egress proxy: CONNECT, and what it refuses.

The listener is the run's identity: nothing in the box holds a credential.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

from ringfence.core.egress.connect import is_for_proxy

FIRST_BYTES_S: Final = 15.0
MOST_CONNECTIONS: Final = 256
"""Of one box at once: its share of what the gateway has for all runs."""

ServeProxy = Callable[[asyncio.Transport, bytes], None]
MakeProtocol = Callable[[], asyncio.Protocol]


class _Open:
    """The open connections of one box. Who serves one now is not asked: a closed one is seen to be closed."""

    def __init__(self) -> None:
        self._transports: set[asyncio.Transport] = set()

    def has_room_for(self, transport: asyncio.Transport) -> bool:
        if len(self._transports) >= MOST_CONNECTIONS:
            self._transports = {each for each in self._transports if not each.is_closing()}
        if len(self._transports) >= MOST_CONNECTIONS:
            return False
        self._transports.add(transport)
        return True


class _Front(asyncio.Protocol):
    """Looks at the first bytes of a connection, and hands it over."""

    def __init__(self, proxy: ServeProxy, plain: MakeProtocol, patience_s: float, open_ones: _Open) -> None:
        self._open = open_ones
        self._patience_s = patience_s
        self._proxy = proxy
        self._plain = plain
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(self._patience_s, self._transport.abort)
        if not self._open.has_room_for(self._transport):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._first += data
        wants_out = is_for_proxy(self._first)
        if wants_out is None:
            return
        self._timer.cancel()
        if wants_out:
            self._proxy(self._transport, self._first)
            return
        protocol = self._plain()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(self._first)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()


async def serve_inner(
    descriptor: int, proxy: ServeProxy, plain: MakeProtocol, patience_s: float = FIRST_BYTES_S
) -> asyncio.Server:
    """Serve a listening descriptor, which is owned by the server from now on."""
    sock = socket.socket(fileno=descriptor)
    sock.setblocking(False)
    open_ones = _Open()
    return await asyncio.get_running_loop().create_server(lambda: _Front(proxy, plain, patience_s, open_ones), sock=sock)
