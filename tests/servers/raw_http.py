"""A bare HTTP server whose every byte the test chooses."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Exchange:
    method: str
    headers: list[tuple[str, str]]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass(slots=True)
class RawServer:
    url: str
    seen: list[Exchange] = field(default_factory=list[Exchange])
    received: bytearray = field(default_factory=bytearray)
    """Every byte of every connection."""
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client has closed a connection."""

    def methods(self) -> list[str]:
        return [exchange.message.get("method", exchange.method) for exchange in self.seen]


Answering = Callable[[Exchange], Awaitable[None]]


@asynccontextmanager
async def raw_server(answering: Answering) -> AsyncGenerator[RawServer]:
    """Serve until the block ends. `answering` writes whatever it likes; the connection stays open after it."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        world.connections += 1
        try:
            while (exchange := await _read(reader, writer, world.received)) is not None:
                world.seen.append(exchange)
                await answering(exchange)
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            world.closed.set()
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**20)
    world = RawServer(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp")
    try:
        yield world
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: bytearray) -> Exchange | None:
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = await reader.read(1)
        if not byte:
            return None
        head += byte
        received += byte
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    length = int(next((value for name, value in headers if name == "content-length"), "0"))
    body = await reader.readexactly(length)
    received += body
    return Exchange(first.split(" ")[0], headers, body, writer)


def response(body: bytes, *, status: str = "200 OK", kind: str = "application/json", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def event(message: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(message).encode() + b"\n\n"


def result(exchange: Exchange, **fields: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": exchange.message.get("id"), "result": fields}


def fine(exchange: Exchange) -> dict[str, Any]:
    return result(exchange, content=[{"type": "text", "text": "fine"}], isError=False)


CAPABILITIES: dict[str, Any] = {"tools": {}}


async def handshake(exchange: Exchange, *, legacy: bool) -> bool:
    """Answer everything that is no `tools/call` as a well-behaved server does. True: it was answered."""
    method = exchange.message.get("method", exchange.method)
    write = exchange.writer.write
    if method == "server/discover" and not legacy:
        write(response(json.dumps(result(exchange, supportedVersions=["2026-07-28"], capabilities=CAPABILITIES)).encode()))
    elif method == "server/discover":
        write(response(b"Bad Request", status="400 Bad Request", kind="text/plain"))
    elif method == "initialize":
        body = json.dumps(result(exchange, protocolVersion="2025-11-25", capabilities=CAPABILITIES, serverInfo={})).encode()
        write(response(body, extra=f"mcp-session-id: s-{exchange.message['id']}\r\n"))
    elif method == "tools/list":
        write(response(json.dumps(result(exchange, tools=[])).encode()))
    elif method == "DELETE" or method.startswith("notifications/") or "method" not in exchange.message:
        write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
    else:
        return False
    return True
