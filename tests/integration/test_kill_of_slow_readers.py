"""An agent that takes its answer slowly gets no more of it once a kill is acknowledged, though the model has said all of it."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.servers.metered_gateway import MODEL, Metered, metered, scripted

MEGABYTES = 24
PATIENCE_S = 30


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncGenerator[Metered]:
    async with metered(tmp_path, {"spend": "500 per run"}) as running:
        yield running


async def asked(shop: Metered, credential: str) -> socket.socket:
    """A connection on which an answer was asked for, and of which nothing has been read yet."""
    address = urlsplit(shop.base_url)
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.setblocking(False)
    await loop.sock_connect(connection, (address.hostname, address.port))
    body = json.dumps({"model": MODEL, "max_tokens": 1000, "messages": scripted(megabytes=MEGABYTES)}).encode()
    head = (
        f"POST {address.path}/v1/messages HTTP/1.1\r\nhost: {address.netloc}\r\nx-api-key: {credential}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    await loop.sock_sendall(connection, head.encode() + body)
    return connection


async def rest_of(connection: socket.socket) -> int:
    """Bytes until it ends."""
    loop, size = asyncio.get_running_loop(), 0
    try:
        while data := await loop.sock_recv(connection, 1 << 20):
            size += len(data)
            if size >= MEGABYTES << 20:
                break
    except ConnectionError:
        pass
    finally:
        connection.close()
    return size


async def outcome_of(shop: Metered, run: str) -> None:
    while True:
        if await shop.outcomes(run):
            return
        await asyncio.sleep(0.02)


@pytest.mark.requirement("I6")
async def test_what_a_killed_run_had_not_taken_of_a_whole_answer_it_does_not_get(shop: Metered) -> None:
    run, credential = await shop.people.open_run("coder")
    spared, other = await shop.people.open_run("coder")
    async with asyncio.timeout(PATIENCE_S):
        connection = await asked(shop, credential)
        await outcome_of(shop, run)
        await shop.people.done("POST", "/kill", {"scope": {"run": run}, "reason": "as the test says"})
        # What lies in the kernel's buffers is gone out already; what the gateway still holds is not.
        assert await rest_of(connection) < MEGABYTES << 20
        connection = await asked(shop, other)
        await outcome_of(shop, spared)
        await shop.people.done("POST", "/pause", {"scope": {"run": spared}, "reason": "as the test says"})
        assert await rest_of(connection) >= MEGABYTES << 20
