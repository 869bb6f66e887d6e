"""The data plane on real sockets, for tests."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.adapters.pep.mcp_gateway.app import McpGateway
from ringfence.adapters.pep.mcp_gateway.peer import Peer
from ringfence.adapters.pep.mcp_gateway.server import ServerOptions, serve
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.run import Posture
from ringfence.testing.gateway import gateway
from ringfence.testing.world import World


@dataclass(slots=True)
class Served:
    """A running data plane."""

    app: McpGateway
    port: int
    agents_socket: Path | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/mcp") -> str:
        return f"http://{self.host}{path}"


@asynccontextmanager
async def served(
    world: World,
    *,
    options: ServerOptions | None = None,
    limits: GatewayLimits | None = None,
    agents_socket: Path | None = None,
    posture_of: Callable[[Peer], Posture] = lambda _: Posture.SEPARATE,
) -> AsyncGenerator[Served]:
    """Serve a world's gateway on 127.0.0.1, and on a unix socket where a path is given, until the block ends."""
    tcp = socket.create_server(("127.0.0.1", 0))
    sockets = [tcp]
    if agents_socket is not None:
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(str(agents_socket))
        unix.listen()
        sockets.append(unix)
    port = tcp.getsockname()[1]
    found = Served(gateway(world, limits=limits, hosts=(f"127.0.0.1:{port}",), posture_of=posture_of), port, agents_socket)
    ready = asyncio.Event()
    running = asyncio.create_task(
        serve(
            found.app,
            sockets,
            stop=found.stop,
            on_ready=ready.set,
            on_stop=found.app.close,
            options=options or ServerOptions(grace_s=2),
        )
    )
    try:
        await ready.wait()
        yield found
    finally:
        found.stop.set()
        await running
