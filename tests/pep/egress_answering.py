"""A server outside that answers requests as a test says, and remembers them as they came."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from tests.pep.egress_world import HOST, World, a_server

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Seen:
    heads: list[bytes] = field(default_factory=list[bytes])
    bodies: list[bytes] = field(default_factory=list[bytes])
    connections: int = 0

    @property
    def fields(self) -> dict[str, str]:
        """Of the last request, names in lower case."""
        lines = self.heads[-1].decode("latin-1").split("\r\n")[1:-2]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


Answer = Callable[[bytes, bytes], list[bytes]]
"""From head and body to what is written, piece by piece."""


def with_body(body: bytes, *fields: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body


@contextlib.asynccontextmanager
async def an_answering(
    world: World, answer: Answer | bytes = OK, *, ends: bool = False, tls: bool = True, host: str = HOST, port: int = 443
) -> AsyncGenerator[Seen]:
    """`ends`: it closes after each answer."""
    seen = Seen()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await _body(reader, head)
            seen.heads.append(head)
            seen.bodies.append(body)
            for piece in [answer] if isinstance(answer, bytes) else answer(head, body):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)  # so that pieces arrive as pieces
            if ends:
                return

    async with a_server(world, handle, tls=tls, host=host, port=port):
        yield seen


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if found := _LENGTH.search(head):
        return await reader.readexactly(int(found[1]))
    if b"transfer-encoding: chunked\r\n" not in head.lower():
        return b""
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


@dataclass
class Answered:
    status: int
    fields: dict[str, str]
    """Names in lower case."""
    body: bytes


async def answered(reader: asyncio.StreamReader, method: str = "GET") -> Answered:
    """One whole answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    status = int(first.split(" ")[1])
    if method == "HEAD" or status in (100, 101, 204, 304):
        return Answered(status, fields, b"")
    return Answered(status, fields, await _body(reader, f"\r\n{head}".encode("latin-1")))
