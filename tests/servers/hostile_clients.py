"""Clients that want a server's memory, its connections or its time, on raw sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from ringfence.adapters.wire.mcp import modern_headers, modern_meta

DRIP_S = 0.4
_CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Coroutine[Any, Any, None]]
"""One connection; the bytes are the head of an authorised POST, without its framing."""


def head(host: str, credential: str, *lines: str) -> bytes:
    """The head of a modern `tools/call` up to whatever says how long its body is."""
    found = [
        "POST /mcp HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"Authorization: Bearer {credential}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join(found).encode() + b"\r\n"


def call(host: str, credential: str, tool: str, arguments: dict[str, object]) -> bytes:
    """A whole modern `tools/call`."""
    params = {"name": tool, "arguments": arguments, "_meta": modern_meta()}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    routing = [f"{name}: {value}" for name, value in modern_headers("tools/call", tool).items()]
    return head(host, credential, *routing) + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Says nothing."""
    del reader, writer, authorised


async def dripping_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Sends one header line now and then, and never the last."""
    writer.write(authorised)
    await _drip(writer, b"X-A: b\r\n")


async def header_flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Sends header lines as fast as they are taken."""
    writer.write(authorised)
    while True:
        writer.write(b"X-A: " + b"b" * 8000 + b"\r\n")
        await writer.drain()


async def dripping_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Sends a byte of a large body now and then."""
    writer.write(authorised + b"Content-Length: 4000000\r\n\r\n")
    await _drip(writer, b" ")


async def nearly_whole_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Sends the largest body that is taken, all but its last byte."""
    writer.write(authorised + b"Content-Length: %d\r\n\r\n" % (4 << 20))
    for _ in range(63):
        writer.write(b" " * 0x10000)
        await writer.drain()
    writer.write(b" " * 0xFFFF)
    await _drip(writer, b"")


async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Sends chunk after chunk."""
    writer.write(authorised + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(_CHUNK)
        await writer.drain()


async def gigabyte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Declares a gigabyte and begins to send it."""
    writer.write(authorised + b"Content-Length: 1073741824\r\n\r\n")
    while True:
        writer.write(b" " * 0x10000)
        await writer.drain()


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorised: bytes) -> None:
    """Sends a whole call and reads nothing of the answer. Here the bytes are the whole request."""
    writer.write(authorised)
    await writer.drain()


async def _drip(writer: asyncio.StreamWriter, part: bytes) -> None:
    while not writer.is_closing():
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(DRIP_S)


async def attack(port: int, how: Attack, authorised: bytes, may_read: asyncio.Event, connected: Callable[[], None]) -> bool:
    """One attack to its end. Whether the server closed the connection: nobody else does.

    `may_read` is set before anything is read: what a client does not read stays with the server.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    connected()
    going_on = asyncio.create_task(how(reader, writer, authorised))
    try:
        if how is deaf:
            await may_read.wait()
        while await reader.read(4096):
            pass
    except ConnectionError:
        pass
    finally:
        going_on.cancel()
        with suppress(ConnectionError, asyncio.CancelledError):
            await going_on
        writer.close()
    return True
