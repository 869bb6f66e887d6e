"""What there is to be reached around a box: servers that write down every byte that they are told."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from tests.boxes.names import Names
from tests.escapes.machine import EVIL, OWN, PUBLIC
from tests.servers.certificates import Authority

NAMES = {
    "api.test": OWN, "tunnel.test": OWN, "inside.test": OWN, "small.test": OWN, "evil.test": EVIL, "loop.test": "127.0.0.1",
    "pump.test": OWN, "public.test": PUBLIC,
}  # fmt: skip
"""What the machine's resolver answers. `rebind.test` is `OWN` at first and loopback from then on."""
REBINDS = "rebind.test"
SINK_PORT, PUMP_PORT, EVIL_PORT = 8081, 8443, 8082


@dataclass
class Services:
    """Everything that was heard, by who heard it."""

    heard: defaultdict[str, bytes] = field(default_factory=lambda: defaultdict(bytes))
    rebound: int = 0

    def take(self) -> dict[str, bytes]:
        """What was heard until now; from now on it is heard anew."""
        taken, self.heard = self.heard, defaultdict(bytes)
        self.rebound = 0
        return defaultdict(bytes, taken)

    def look(self, name: str, wants_address: bool) -> str | None:
        """What the resolver answers."""
        self.heard["resolver"] += name.encode() + b"\n"
        if name != REBINDS:
            return NAMES.get(name)
        self.rebound += wants_address
        return OWN if self.rebound <= 1 else "127.0.0.1"

    def sink(self, name: str) -> asyncio.Protocol:
        return _Sink(self, name)


class _Sink(asyncio.Protocol):
    def __init__(self, services: Services, name: str) -> None:
        self._services, self._name = services, name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._services.heard[self._name] += data
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nheard")
        self._transport.close()


@asynccontextmanager
async def services(folder: Path, authority: Authority) -> AsyncGenerator[Services]:
    """All of them, on the tests' own machine."""
    made = Services()
    context = context_of(authority)

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(made, reader, writer)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        piece = b"x" * 1_000_000
        try:
            made.heard["pump"] += await reader.read(1000)
            for _ in range(300):
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        resolver, _ = await loop.create_datagram_endpoint(lambda: Names(made.look), ("127.0.0.1", 53))
        stack.callback(resolver.close)
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind("\0ringfence-escapes")
        unix = folder / "daemon.sock"
        servers = [
            await asyncio.start_server(web, (OWN, EVIL), 443, ssl=context),
            await asyncio.start_server(pump, OWN, PUMP_PORT, ssl=context),
            await loop.create_server(lambda: made.sink("loopback"), "127.0.0.1", SINK_PORT),
            await loop.create_server(lambda: made.sink("loopback"), "127.0.0.1", 443, ssl=context),
            await loop.create_server(lambda: made.sink("evil"), EVIL, EVIL_PORT),
            await loop.create_server(lambda: made.sink("public"), PUBLIC, 80),
            await loop.create_unix_server(lambda: made.sink("unix"), str(unix)),
            await loop.create_unix_server(lambda: made.sink("abstract"), sock=abstract),
        ]
        for server in servers:
            stack.callback(server.close)
        yield made


async def _answer(made: Services, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP server of an older kind: it believes Content-Length and takes whatever follows for a next request."""
    address, _ = writer.get_extra_info("sockname")[:2]
    name = "evil" if address == EVIL else "api"
    try:
        while True:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            made.heard[name] += head
            lines = head.decode("latin-1").lower().split("\r\n")
            fields = {name: value for name, _, value in (line.partition(":") for line in lines[1:])}
            body = await reader.readexactly(int(fields.get("content-length", "0").strip()))
            made.heard[name] += body
            if "chunked" in fields.get("transfer-encoding", "") and "content-length" not in fields:
                while (size := int(await reader.readline(), 16)) > 0:
                    made.heard[name] += await reader.readexactly(size + 2)
                await reader.readline()
            echo = head if "/echo" in lines[0] else b"hello"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(echo) + echo)
            await writer.drain()
            if "close" in fields.get("connection", ""):
                break
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
        pass
    finally:
        writer.close()


def context_of(authority: Authority) -> ssl.SSLContext:
    """That of a server with every name."""
    return server_context(authority, (*NAMES, REBINDS))


def server_context(authority: Authority, names: tuple[str, ...]) -> ssl.SSLContext:
    certificate, key, _ = authority.issue("services", names=names, server=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
