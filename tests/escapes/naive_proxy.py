"""The proxy of the controls: what many are. It goes wherever it is asked to, and puts the key in without a look."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress


async def naive_proxy(api_key: str, context: ssl.SSLContext, trusted: ssl.SSLContext) -> asyncio.Server:
    """Listens on a free port of loopback. `context`: with what it opens TLS to `api.test`, to put the key in."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, IndexError, asyncio.IncompleteReadError):
            await _serve(reader, writer)
        writer.close()

    async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lstrip()
            method, target = head.split(b" ")[:2]
            if method.upper() == b"CONNECT":
                break
            host, _, path = target.removeprefix(b"http://").partition(b"/")
            if not host:  # a request for the proxy itself: it takes the next one on the same connection
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                continue
            name, _, port = host.decode().partition(":")
            far, out = await asyncio.open_connection(name, int(port or 80))
            out.write(head.replace(target, b"/" + path))
            writer.write(await far.read(65536))
            return
        host, _, port = target.decode("latin-1").rpartition(":")
        host = host.partition("\0")[0].rpartition("@")[2].strip("[]").rstrip(".")
        injects = host == "api.test"
        inner, name = (trusted, host) if injects else (None, None)
        far, out = await asyncio.open_connection(host, int(port), ssl=inner, server_hostname=name)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        if injects:
            await writer.start_tls(context)
            head = await reader.readuntil(b"\r\n\r\n")
            out.write(head.replace(b"\r\n", f"\r\nX-Key: {api_key}\r\n".encode(), 1))
        await asyncio.gather(_copy(reader, out), _copy(far, writer))

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
