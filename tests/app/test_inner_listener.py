"""A box's listener: the first bytes say who serves a connection, and nobody waits for them for ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import pytest

from ringfence.app.boxes.listener import serve_inner


@dataclass(slots=True)
class Served:
    """Who got which connection with which bytes."""

    port: int = 0
    proxied: list[bytes] = field(default_factory=list[bytes])
    plain: list[bytes] = field(default_factory=list[bytes])


class Plain(asyncio.Protocol):
    def __init__(self, served: Served) -> None:
        self._served = served

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._served.plain.append(data)
        self._transport.write(b"plain")
        self._transport.close()


@asynccontextmanager
async def inner(patience_s: float = 30.0) -> AsyncGenerator[Served]:
    served = Served()

    def proxy(transport: asyncio.Transport, first: bytes) -> None:
        served.proxied.append(first)
        transport.write(b"proxy")
        transport.close()

    sock = socket.create_server(("127.0.0.1", 0))
    served.port = int(sock.getsockname()[1])
    server = await serve_inner(sock.detach(), proxy, lambda: Plain(served), patience_s)
    try:
        yield served
    finally:
        server.close()
        await server.wait_closed()


async def ask(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("pieces", "who"),
    [
        ((b"CONNECT a.example:443 HTTP/1.1\r\n\r\n",), b"proxy"),
        ((b"CONN", b"ECT a.example:443 HTTP/1.1\r\n\r\n"), b"proxy"),
        ((b"C", b"O", b"N", b"N", b"E", b"C", b"T", b" x"), b"proxy"),
        ((b"POST /mcp HTTP/1.1\r\n\r\n",), b"plain"),
        ((b"CONNECTX / HTTP/1.1\r\n\r\n",), b"plain"),
        ((b"connect a.example:443 HTTP/1.1\r\n\r\n",), b"proxy"),
        ((b"\r\nCONNECT a.example:443 HTTP/1.1\r\n\r\n",), b"proxy"),
        ((b"\x16\x03\x01",), b"proxy"),
        ((b"OPTIONS * HTTP/1.1\r\n\r\n",), b"proxy"),
        ((b"G", b"ET", b" ", b"/mcp HTTP/1.1\r\n\r\n"), b"plain"),
        ((b"CO", b"PY /x HTTP/1.1\r\n\r\n"), b"plain"),
        ((b"GET http://a.example/ HTTP/1.1\r\n\r\n",), b"proxy"),
    ],
)
async def test_the_first_bytes_say_who_serves_a_connection(pieces: tuple[bytes, ...], who: bytes) -> None:
    async with inner() as served:
        assert await ask(served.port, *pieces) == who
        got = served.proxied if who == b"proxy" else served.plain
        assert b"".join(pieces).startswith(got[0])
        assert len(served.proxied) + len(served.plain) == 1


async def test_a_connection_that_says_nothing_is_let_go() -> None:
    async with inner(0.01) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"CONN")
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        assert not served.proxied
        assert not served.plain
