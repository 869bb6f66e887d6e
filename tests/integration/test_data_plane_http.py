"""The data plane on a real socket: framing, deadlines and bounds of connections."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.adapters.pep.mcp_gateway.http_protocol import ConnectionLimits
from ringfence.adapters.pep.mcp_gateway.peer import Listener, Peer
from ringfence.adapters.pep.mcp_gateway.server import ServerOptions
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.run import Posture
from ringfence.engine.runs.runs import Opened
from ringfence.testing.serving import Served, served
from ringfence.testing.world import World

HASTY = ServerOptions(connection=ConnectionLimits(head_s=0.5, head_bytes=4096, head_lines=20), grace_s=2)


@pytest.fixture
async def world() -> World:
    return await World.build()


@pytest.fixture
async def opened(world: World) -> Opened:
    return await world.open_run()


@pytest.fixture
async def plane(world: World) -> AsyncIterator[Served]:
    async with served(world, options=HASTY, limits=GatewayLimits(body_s=0.5)) as found:
        yield found


async def converse(plane: Served, *parts: bytes, end: bool = False) -> bytes:
    """Send the parts and read until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if end:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(plane: Served, opened: Opened, body: bytes, *lines: str, verb: str = "POST", target: str = "/mcp") -> bytes:
    head = [
        f"{verb} {target} HTTP/1.1",
        f"Host: {plane.host}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"Authorization: Bearer {opened.credential}",
        "Connection: close",
        *lines,
    ]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


INITIALIZE = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
).encode()


async def test_a_whole_request_is_answered_and_says_nothing_of_the_server(plane: Served, opened: Opened) -> None:
    answer = await converse(plane, request(plane, opened, INITIALIZE))
    assert status(answer) == 200
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"server:" not in head
    assert b"mcp-session-id:" in head


# What two parsers could frame differently is 400, or the connection is closed without a word from the application.
SMUGGLING = [
    pytest.param(["Content-Length: 5", "Content-Length: 5"], b"hello", id="two lengths"),
    pytest.param(["Content-Length: 5", "Content-Length: 6"], b"hello", id="two different lengths"),
    pytest.param(["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n", id="length and chunked"),
    pytest.param(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n", id="chunked, not last"),
    pytest.param(["Transfer-Encoding: xchunked"], b"0\r\n\r\n", id="another transfer encoding"),
    pytest.param(["Transfer-Encoding : chunked"], b"0\r\n\r\n", id="space before the colon"),
    pytest.param(["Content-Length: +5"], b"hello", id="signed length"),
    pytest.param(["Content-Length: 0x5"], b"hello", id="hex length"),
    pytest.param(["X-A: b", " folded"], b"", id="folded line"),
    pytest.param(["X-A: b\nX-B: c"], b"", id="bare line feed"),
    pytest.param(["X-A: b\x00c"], b"", id="NUL in a value"),
    pytest.param(["Transfer-Encoding: chunked"], b"5\nhello\n0\n\n", id="chunks with bare line feeds"),
    pytest.param(["Transfer-Encoding: chunked"], b"-5\r\nhello\r\n0\r\n\r\n", id="negative chunk"),
    pytest.param(["Transfer-Encoding: chunked"], b"0\r\nMcp-Name: x\r\n\r\n", id="trailer fields"),
    pytest.param(["Upgrade: websocket", "Connection: Upgrade"], b"", id="upgrade"),
    pytest.param(["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAA"], b"", id="HTTP/2 upgrade"),
]


@pytest.mark.parametrize(("lines", "body"), SMUGGLING)
@pytest.mark.attack("A17")
async def test_what_two_parsers_could_frame_differently_is_refused(
    plane: Served, opened: Opened, world: World, lines: list[str], body: bytes
) -> None:
    assert status(await converse(plane, request(plane, opened, body, *lines))) == 400


@pytest.mark.parametrize("target", ["http://evil.example/mcp", "http://127.0.0.1/mcp", "*", "evil.example:443"])
@pytest.mark.attack("A17")
async def test_only_the_origin_form_of_a_target_is_accepted(plane: Served, opened: Opened, target: str) -> None:
    verb = "CONNECT" if target.endswith("443") else "POST"
    assert status(await converse(plane, request(plane, opened, b"", verb=verb, target=target))) == 400


@pytest.mark.attack("A11", "A16")
async def test_two_host_lines_are_refused(plane: Served, opened: Opened) -> None:
    assert status(await converse(plane, request(plane, opened, INITIALIZE, "Host: evil.example"))) == 400


@pytest.mark.attack("A16")
async def test_two_authorization_lines_are_refused(plane: Served, opened: Opened) -> None:
    assert status(await converse(plane, request(plane, opened, INITIALIZE, "Authorization: Bearer x"))) == 400


@pytest.mark.attack("A11")
async def test_a_foreign_origin_is_refused(plane: Served, opened: Opened) -> None:
    assert status(await converse(plane, request(plane, opened, INITIALIZE, "Origin: http://evil.example"))) == 403


@pytest.mark.attack("A13")
async def test_a_body_of_a_gigabyte_is_refused_before_it_is_sent(plane: Served, opened: Opened) -> None:
    head = request(plane, opened, b"", "Content-Length: 1073741824")
    assert status(await converse(plane, head)) == 413


@pytest.mark.attack("A13")
async def test_a_chunked_body_is_cut_at_the_limit(world: World, opened: Opened) -> None:
    async with served(world, limits=GatewayLimits(body_bytes=1000)) as plane:
        chunk = b"%x\r\n%b\r\n" % (600, b" " * 600)
        answer = await converse(plane, request(plane, opened, b"", "Transfer-Encoding: chunked"), chunk, chunk)
    assert status(answer) == 413


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xff"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}',
    ],
)
async def test_bad_json_is_answered_and_recorded(plane: Served, opened: Opened, world: World, body: bytes) -> None:
    answer = await converse(plane, request(plane, opened, body))
    assert status(answer) == 400
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] in (-32700, -32600)
    assert (await world.entries())[-1]["tool"] == "malformed"


# --- deadlines and bounds --------------------------------------------------------------------------------------------


@pytest.mark.requirement("I19")
@pytest.mark.parametrize("sent", [b"", b"\r\n", b"POST /mcp HT", b"POST /mcp HTTP/1.1\r\nHost: a\r\nX-Slow: "])
@pytest.mark.attack("A13")
async def test_a_connection_that_does_not_bring_its_headers_is_closed(plane: Served, sent: bytes) -> None:
    assert await converse(plane, sent) == b""


@pytest.mark.requirement("I19")
@pytest.mark.attack("A13")
async def test_headers_that_drip_do_not_move_the_deadline(plane: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    closed = asyncio.create_task(reader.read())
    writer.write(b"POST /mcp HTTP/1.1\r\n")
    try:
        async with asyncio.timeout(10):
            while not closed.done():
                writer.write(b"X-A: b\r\n")
                await asyncio.wait([closed], timeout=0.02)
    except ConnectionError:
        pass
    assert closed.done()
    closed.exception()
    writer.close()


@pytest.mark.requirement("I19")
@pytest.mark.attack("A13")
async def test_a_body_that_does_not_come_is_not_waited_for(plane: Served, opened: Opened) -> None:
    answer = await converse(plane, request(plane, opened, b'{"js', "Content-Length: 500"))
    assert status(answer) == 408


@pytest.mark.requirement("I19")
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([f"X-{n}: a" for n in range(30)], id="many lines"),
        pytest.param(["X-A: " + "a" * 5000], id="a long line"),
        pytest.param([f"X-{n}: " + "a" * 500 for n in range(12)], id="much in all"),
    ],
)
@pytest.mark.attack("A13")
async def test_headers_are_bounded(plane: Served, opened: Opened, lines: list[str]) -> None:
    assert status(await converse(plane, request(plane, opened, b"{}", *lines))) == 431


@pytest.mark.requirement("I19")
@pytest.mark.attack("A13")
async def test_a_header_without_an_end_is_bounded(plane: Served) -> None:
    assert status(await converse(plane, b"POST /mcp HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 6000)) == 431


async def test_a_kept_connection_carries_one_request_after_the_other(plane: Served, opened: Opened) -> None:
    first = request(plane, opened, INITIALIZE).replace(b"Connection: close\r\n", b"")
    answer = await converse(plane, first + first + request(plane, opened, INITIALIZE))
    assert answer.count(b"HTTP/1.1 200 OK") == 3


async def test_open_calls_end_before_the_server_does(world: World, opened: Opened) -> None:
    async with served(world) as plane:
        call = {"name": "orders__get", "arguments": {"order": "A1"}}
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {**call, "_meta": meta}}).encode()
        routing = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: orders__get  "]
        asked = asyncio.create_task(converse(plane, request(plane, opened, body, *routing)))
        assert status(await asked) == 200


# --- who is there ----------------------------------------------------------------------------------------------------


async def test_the_kernel_says_who_is_at_the_other_end(world: World, tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    seen: list[Peer] = []

    def note(peer: Peer) -> Posture:
        seen.append(peer)
        return Posture.SEPARATE

    async with served(world, agents_socket=path, posture_of=note) as plane:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert status(await reader.read()) == 401
        writer.close()
        await converse(plane, f"GET /mcp HTTP/1.1\r\nHost: {plane.host}\r\nConnection: close\r\n\r\n".encode())
    assert seen == [Peer(Listener.UNIX, os.getuid()), Peer(Listener.TCP, os.getuid(), loopback=True)]
