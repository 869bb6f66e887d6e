"""Wires the boxes of one gateway: the socket of their supervisors, their listeners, their way out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from socket import socket

from ringfence.adapters.box_link.server import serve_lines
from ringfence.adapters.pep.egress.authority import Authority, trusting
from ringfence.adapters.pep.egress.dialling import SystemDialler, SystemResolver
from ringfence.adapters.pep.egress.proxy import Proxy
from ringfence.adapters.pep.mcp_gateway.peer import Boxed, Listener, Peer
from ringfence.adapters.pep.mcp_gateway.server import MakeProtocol
from ringfence.app.boxes.keeping import INNER_PORT, BoxKeeper
from ringfence.app.gateway import Gateway
from ringfence.app.wiring.sandbox import build_sandbox
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.boxes.boxes import Adopted
from ringfence.engine.boxes.connections import Connections, ReadSecret
from ringfence.engine.boxes.lost_boxes import end_lost
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.errors import UnavailableError
from ringfence.ports.box_line import BoxLine
from ringfence.ports.secrets import Secret, SecretRef

BOX_HOSTS = (f"127.0.0.1:{INNER_PORT}", f"localhost:{INNER_PORT}")
"""What processes of a box write into `Host`."""

ServeBoxes = Callable[[socket], Awaitable[None]]
"""Serve the supervisors' socket until cancelled."""


class Joined:
    """The data plane's way to take connections over, once it accepts."""

    def __init__(self) -> None:
        self._make: MakeProtocol | None = None

    def set(self, make: MakeProtocol) -> None:
        self._make = make

    def get(self) -> MakeProtocol:
        if self._make is None:
            raise UnavailableError("the data plane does not accept yet")
        return self._make


def reading(book: SecretBook, refs: Mapping[str, SecretRef]) -> ReadSecret:
    """Looks up the credentials of egress rules."""

    async def read(source: str) -> Secret:
        ref = refs.get(source)
        if ref is None:
            raise UnavailableError(f"`{source}` stands in no egress rule any more")
        return await book.read(ref)

    return read


class ProxiedWayOut:
    """The egress proxy of one box, with an authority of its own."""

    def __init__(self, adopted: Adopted, connections: Connections, redactor: Redactor, trusted: ssl.SSLContext) -> None:
        life = adopted.profile.limits.wall_clock_s if adopted.profile is not None else 0
        self._authority = Authority(adopted.run, datetime.now(UTC), timedelta(days=1, seconds=life))
        self._proxy = Proxy(
            adopted.presented,
            connections,
            resolver=SystemResolver(),
            dialler=SystemDialler(),
            authority=self._authority,
            redactor=redactor,
            trusted=trusted,
        )

    @property
    def pem(self) -> str:
        return self._authority.pem

    def serve(self, transport: asyncio.Transport, first: bytes) -> None:
        self._proxy.serve(transport, first)

    async def close(self) -> None:
        await self._proxy.close()


def serve_boxes_of(gateway: Gateway, redactor: Redactor, joined: Joined) -> ServeBoxes:
    """The boxes of a gateway."""

    def plain(adopted: Adopted) -> asyncio.Protocol:
        (binding,) = adopted.presented.senders
        peer = Peer(Listener.BOX, box=Boxed(adopted.presented.credential, binding))
        return joined.get()(lambda transport: peer)

    trusted = trusting()
    keeper = BoxKeeper(
        boxes=gateway.boxes,
        connections=gateway.connections,
        exports=gateway.exports,
        way_out=lambda adopted: ProxiedWayOut(adopted, gateway.connections, redactor, trusted),
        plain=plain,
    )

    started, sandbox = gateway.clock.now(), build_sandbox()

    async def keep(channel: BoxLine) -> None:
        try:
            await keeper.keep(channel)
        finally:
            await sandbox.sweep()

    async def serve_boxes(listening: socket) -> None:
        await sandbox.sweep()
        await end_lost(gateway.store, gateway.clock, gateway.runs, before=started)
        await serve_lines(listening, keep)

    return serve_boxes
