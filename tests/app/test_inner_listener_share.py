"""What one box may take of the connections that a gateway has for all runs."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from ringfence.app.boxes.listener import MOST_CONNECTIONS, serve_inner

pytestmark = pytest.mark.requirement("I19")


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"!")


def no_proxy(transport: asyncio.Transport, first: bytes) -> None:
    transport.close()


async def test_one_more_connection_than_a_box_may_have_is_cut_until_another_has_ended() -> None:
    sock = socket.create_server(("127.0.0.1", 0), backlog=MOST_CONNECTIONS)
    port = int(sock.getsockname()[1])
    server = await serve_inner(sock.detach(), no_proxy, Echo)

    async def asked() -> tuple[bytes, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET / HTTP/1.1\r\n")
            return await reader.read(1), writer
        except ConnectionError:
            return b"", writer

    try:
        held = [await asked() for _ in range(MOST_CONNECTIONS)]
        assert {answer for answer, _ in held} == {b"!"}
        cut, over = await asked()
        assert cut == b""
        over.close()
        held[0][1].close()
        async with asyncio.timeout(20):
            while (again := await asked())[0] != b"!":
                again[1].close()
        held.append(again)
        for _, writer in held:
            writer.close()
    finally:
        server.close()
