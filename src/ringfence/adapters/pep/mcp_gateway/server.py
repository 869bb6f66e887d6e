"""The data plane's server: an ASGI application on given sockets, one asyncio loop, no framework.

The runner chooses uvloop; nothing in here depends on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import Server

from ringfence.adapters.pep.mcp_gateway.asgi import App
from ringfence.adapters.pep.mcp_gateway.http_protocol import ConnectionLimits, DataPlaneProtocol
from ringfence.adapters.pep.mcp_gateway.local_peer import PeerUidOf, local_peer, tcp_uid_of
from ringfence.adapters.pep.mcp_gateway.peer import Peer

HANDSHAKE_S = 10.0
"""How long a client may take to begin TLS, and to end it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the data plane listens."""

    connection: ConnectionLimits = ConnectionLimits()
    connections: int = 4096
    """Open at once; a request on one more is answered 503."""
    keep_alive_s: int = 75
    """Idle time between two requests of one connection."""
    grace_s: int = 10
    """How long answers under way may take when the server ends."""
    peer_uid_of: PeerUidOf = tcp_uid_of
    """Which local user is at the other end of a TCP connection."""


FindPeer = Callable[[asyncio.Transport], Peer]
MakeProtocol = Callable[[FindPeer], asyncio.Protocol]
"""One more connection of the data plane, from somewhere else than its own listeners: who is at its other end is for the caller
to say."""


class _Server(Server):
    """uvicorn's server without its signal handlers: the process has its own. Of its listeners, those over TCP may speak TLS."""

    def __init__(
        self,
        config: Config,
        on_ready: Callable[[], None],
        tls: ssl.SSLContext | None,
        on_joinable: Callable[[MakeProtocol], None],
    ) -> None:
        super().__init__(config)
        self._on_joinable = on_joinable
        self._on_ready = on_ready
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        given = sockets or []
        secured = [listening for listening in given if self._tls is not None and listening.family != socket.AF_UNIX]
        await super().startup([listening for listening in given if listening not in secured])
        loop = asyncio.get_running_loop()
        for listening in secured:
            server = await loop.create_server(
                self._connection,
                sock=listening,
                ssl=self._tls,
                backlog=self.config.backlog,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=HANDSHAKE_S,
            )
            self.servers.append(server)
        self._on_joinable(self._joining)
        self._on_ready()

    def _joining(self, find_peer: FindPeer) -> asyncio.Protocol:
        bound = self.config.http_protocol_class
        return self._connection(type("JoinedDataPlaneProtocol", (bound,), {"find_peer": staticmethod(find_peer)}))

    def _connection(self, kind: type[asyncio.Protocol] | None = None) -> asyncio.Protocol:
        make = cast("Callable[..., asyncio.Protocol]", kind or self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(
    app: App,
    sockets: Sequence[socket.socket],
    *,
    stop: asyncio.Event,
    on_ready: Callable[[], None] = lambda: None,
    on_stop: Callable[[], Awaitable[None]] | None = None,
    on_joinable: Callable[[MakeProtocol], None] = lambda make: None,
    options: ServerOptions | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve until `stop` is set, then finish what is under way and return. `on_ready` is called once it accepts.

    `on_joinable` is given the way by which others hand connections over. `on_stop` ends what would stay open otherwise; nothing
    is waited for before it has returned.

    The sockets are bound by the caller and closed here. With `tls`, those over TCP speak nothing else.
    """
    options = options or ServerOptions()
    config = Config(
        cast("Any", app),
        http=_protocol(options),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=options.connections,
        timeout_keep_alive=options.keep_alive_s,
        timeout_graceful_shutdown=options.grace_s,
    )
    server = _Server(config, on_ready, tls, on_joinable)
    stopper = asyncio.create_task(_stop_when(server, stop, on_stop))
    try:
        await server.serve(list(sockets))
    finally:
        stopper.cancel()


def _protocol(options: ServerOptions) -> type[asyncio.Protocol]:
    def find_peer(transport: asyncio.Transport) -> Peer:
        return local_peer(transport, options.peer_uid_of)

    return type(
        "BoundDataPlaneProtocol",
        (DataPlaneProtocol,),
        {"limits": options.connection, "find_peer": staticmethod(find_peer)},
    )


async def _stop_when(server: Server, stop: asyncio.Event, on_stop: Callable[[], Awaitable[None]] | None) -> None:
    await stop.wait()
    if on_stop is not None:
        await on_stop()
    server.should_exit = True
