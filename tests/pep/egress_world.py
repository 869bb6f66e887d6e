"""A way out with a world behind it: a gate with rules, names with addresses, and real servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from ringfence.adapters.pep.egress.authority import Authority
from ringfence.adapters.pep.egress.proxy import Proxy
from ringfence.adapters.pep.egress.settings import Settings
from ringfence.core.egress.matching import path_rule_for, rule_for
from ringfence.core.egress.opening import CONNECT, Admitted, NotAdmitted, Opening, Refusal
from ringfence.core.model.egress import EgressMode, EgressRule, PathRule
from ringfence.core.model.run import Posture
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.identity.identify import Presented

HOST = "api.example.com"
PUBLIC = "93.184.216.34"
PRESENTED = Presented("", Posture.BOXED)
HOSTS_CA = Authority("the world", datetime.now(UTC))
"""Signs the servers outside."""

SECRET = "Bearer tok-4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"
TOKEN = SECRET.split()[1]
RULE = EgressRule(
    host=HOST,
    mode=EgressMode.TERMINATE,
    paths=(
        PathRule(methods=frozenset({"GET", "HEAD"}), path="/v1/*"),
        PathRule(methods=frozenset({"POST"}), path="/v1/things"),
        PathRule(methods=frozenset({"GET"}), path="/socket", websocket=True),
    ),
    header="Authorization",
    credential="env:TOKEN",
)
OPEN = EgressRule(
    host=HOST,
    mode=EgressMode.TERMINATE,
    paths=(PathRule(methods=frozenset({"GET", "POST", "HEAD", "PUT"}), path="/*"),),
)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class FakeGate:
    """Rules and nothing else; remembers everything."""

    rules: Sequence[EgressRule]
    openings: list[Opening] = field(default_factory=list[Opening])
    refusals: list[tuple[Opening, Refusal]] = field(default_factory=list[tuple[Opening, Refusal]])
    open: int = 0
    up: int = 0
    down: int = 0
    most_up: int = 1 << 40
    most_down: int = 1 << 40
    is_killed: bool = False
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    waits: asyncio.Event | None = None
    on_moved: Callable[[], None] = lambda: None

    async def admit(self, presented: Presented, opening: Opening) -> Admitted | NotAdmitted:
        assert presented is PRESENTED
        self.openings.append(opening)
        self.asked.set()
        if self.waits is not None:
            await self.waits.wait()
        rule = rule_for(self.rules, opening.host, opening.port)
        path = None
        if rule is not None and opening.method != CONNECT:
            path = path_rule_for(rule, opening.method, opening.path, websocket=opening.websocket)
        if rule is None or (opening.method != CONNECT and path is None):
            return NotAdmitted("host", f"entry-{len(self.openings)}")
        self.open += 1
        return Admitted(rule=rule, path=path, entry=f"entry-{len(self.openings)}", until=0.0)

    def lives(self, admitted: Admitted) -> bool:
        return not self.is_killed

    def moved(self, admitted: Admitted, up: int, down: int) -> bool:
        self.up += up
        self.down += down
        self.on_moved()
        return self.up <= self.most_up and self.down <= self.most_down

    async def secret(self, admitted: Admitted) -> str | None:
        return self.secrets.get(admitted.rule.credential)

    async def ended(self, admitted: Admitted) -> None:
        self.open -= 1

    async def refused(self, presented: Presented, opening: Opening, refusal: Refusal) -> str:
        self.refusals.append((opening, refusal))
        return f"refusal-{len(self.refusals)}"

    @property
    def codes(self) -> list[str]:
        return [refusal.code for _, refusal in self.refusals]


def a_gate(rule: EgressRule = RULE) -> FakeGate:
    return FakeGate([rule], secrets={"env:TOKEN": SECRET})


@dataclass
class Names:
    """A resolver of a few names, and a dialler that finds public addresses on loopback."""

    addresses: dict[str, list[str]] = field(default_factory=lambda: {HOST: [PUBLIC]})
    ports: dict[int, int] = field(default_factory=dict[int, int])
    resolved: list[str] = field(default_factory=list[str])
    dialled: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    async def resolve(self, host: str) -> Sequence[str]:
        self.resolved.append(host)
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.addresses[host]

    async def dial(self, address: str, port: int) -> socket.socket:
        self.dialled.append((address, port))
        dialled = socket.socket()
        dialled.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(dialled, ("127.0.0.1", self.ports.get(port, 1)))
        except OSError:
            dialled.close()
            raise
        return dialled


class Listening(asyncio.Protocol):
    """Accepts for the proxy, as whoever owns the listener does."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._proxy.serve(cast("asyncio.Transport", self._transport), data)


@dataclass
class World:
    gate: FakeGate
    names: Names
    proxy: Proxy
    authority: Authority
    redactor: Redactor
    port: int
    clients: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(writer)
        return reader, writer

    async def say(self, data: bytes) -> bytes:
        """Everything that a connection answers to these bytes."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = await reader.read()
        writer.close()
        return answer

    async def tunnel(
        self, host: str = HOST, port: int = 443, *, name: str | None = None, trusts: str | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client's TLS through a CONNECT. Raises what the client sees."""
        reader, writer = await self.connect()
        writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        context = ssl.create_default_context(cadata=trusts or HOSTS_CA.pem)
        await writer.start_tls(context, server_hostname=name or host)
        return reader, writer

    async def settled(self) -> None:
        """Wait until no connection is open."""
        await self.proxy.drained()


@contextlib.asynccontextmanager
async def a_world(
    *rules: EgressRule,
    settings: Settings | None = None,
    gate: FakeGate | None = None,
    secrets: Sequence[str] = (),
) -> AsyncGenerator[World]:
    gate = gate or FakeGate(rules or (EgressRule(host=HOST),))
    names, authority, redactor = Names(), Authority("run-1", datetime.now(UTC)), Redactor()
    redactor.learn_lasting(secrets)
    trusted = ssl.create_default_context(cadata=HOSTS_CA.pem)
    trusted.set_alpn_protocols(["http/1.1"])
    proxy = Proxy(
        PRESENTED,
        gate,
        resolver=names,
        dialler=names,
        authority=authority,
        redactor=redactor,
        trusted=trusted,
        settings=settings,
    )
    server = await asyncio.get_running_loop().create_server(lambda: Listening(proxy), "127.0.0.1", 0)
    world = World(gate, names, proxy, authority, redactor, server.sockets[0].getsockname()[1])
    try:
        yield world
    finally:
        await proxy.close()
        for writer in world.clients:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def a_server(
    world: World, handler: Handler, *, port: int = 443, host: str = HOST, tls: bool = True
) -> AsyncGenerator[int]:
    """A real server, found at `host:port`."""
    tasks: set[asyncio.Task[None]] = set()

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=HOSTS_CA.context(host) if tls else None)
    world.names.ports[port] = server.sockets[0].getsockname()[1]
    try:
        yield world.names.ports[port]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
