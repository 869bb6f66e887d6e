"""The control plane behind real sockets: who the kernel says the peer is, and what slow or odd clients get."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.app.control_kit import Desk, add

from ringfence.app.control.server import ControlServer, listen_tcp, listen_unix
from ringfence.core.model.operator import Role
from ringfence.errors import UnavailableError


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: the path of a unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rf") as name:
        yield Path(name)


@asynccontextmanager
async def serving(desk: Desk, folder: Path) -> AsyncGenerator[tuple[Path, int]]:
    """The control plane on a unix socket and on TCP."""
    path = folder / "control.sock"
    unix, tcp = ControlServer(desk.app, listen_unix(path)), ControlServer(desk.app, listen_tcp("127.0.0.1", 0))
    await unix.start()
    await tcp.start()
    try:
        yield path, tcp.port
    finally:
        await unix.stop()
        await tcp.stop()


async def exchange(where: Path | int, request: bytes) -> tuple[int, bytes]:
    """Status and body of one raw HTTP exchange that ends with the connection."""
    if isinstance(where, Path):
        reader, writer = await asyncio.open_unix_connection(str(where))
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", where)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_the_kernel_says_who_the_unix_peer_is(folder: Path) -> None:
    desk = await Desk.open(people=False)
    await add(desk.world, "me", Role.ADMIN, uid=os.getuid())
    async with serving(desk, folder) as (path, _):
        status, body = await exchange(path, get("/api/v1/whoami"))
        assert status == 200
        assert json.loads(body)["name"] == "me"


@pytest.mark.requirement("I17")
async def test_over_tcp_the_same_user_is_nobody_whatever_it_claims(folder: Path) -> None:
    desk = await Desk.open(people=False)
    await add(desk.world, "me", Role.ADMIN, uid=os.getuid())
    async with serving(desk, folder) as (_, port):
        claims = ("X-Forwarded-For: 127.0.0.1", "X-Peer-Uid: 0", "Ringfence-Peer-Uid: 0")
        assert (await exchange(port, get("/api/v1/whoami", *claims)))[0] == 401


async def test_the_first_admin_is_added_over_the_socket_by_the_gateways_own_user(folder: Path) -> None:
    desk = await Desk.open(people=False, own_uid=os.getuid())
    async with serving(desk, folder) as (path, _):
        body = b'{"name":"ada","role":"admin"}'
        head = (
            f"POST /api/v1/operators HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        status, answer = await exchange(path, head.encode() + body)
        assert status == 200
        assert json.loads(answer)["uid"] == os.getuid()


async def test_only_the_owner_can_reach_the_socket_and_a_stale_one_is_replaced(folder: Path) -> None:
    path = folder / "control.sock"
    listen_unix(path).close()
    listening = listen_unix(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listening.close()


async def test_a_file_that_is_no_socket_is_not_removed(folder: Path) -> None:
    path = folder / "control.sock"
    path.write_text("precious")
    with pytest.raises(UnavailableError):
        listen_unix(path)
    assert path.read_text() == "precious"


async def test_a_port_that_is_taken_is_said_so(folder: Path) -> None:
    first = listen_tcp("127.0.0.1", 0)
    with pytest.raises(UnavailableError, match="cannot listen"):
        listen_tcp("127.0.0.1", first.getsockname()[1])
    first.close()


@pytest.mark.parametrize("request_line", [b"\x00\x01\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_is_no_http_is_refused_and_the_server_goes_on(folder: Path, request_line: bytes) -> None:
    desk = await Desk.open()
    async with serving(desk, folder) as (path, _):
        assert (await exchange(path, request_line))[0] == 400
        assert (await exchange(path, get("/healthz")))[0] == 200


async def test_a_refused_client_may_finish_its_body_and_then_reads_the_answer(folder: Path) -> None:
    desk = await Desk.open()
    async with serving(desk, folder) as (path, _):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(
            b"POST /api/v1/operators HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100000\r\nConnection: close\r\n\r\n"
        )
        await writer.drain()
        for _ in range(10):
            writer.write(b" " * 10_000)
            await writer.drain()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_body_without_end_is_cut_off(folder: Path) -> None:
    desk = await Desk.open()
    async with serving(desk, folder) as (_, port):
        head = (
            f"POST /api/v1/kill HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {desk.credentials['ada']}\r\n"
            "Content-Type: application/json\r\nContent-Length: 10000000\r\nConnection: close\r\n\r\n"
        )
        status, _ = await exchange(port, head.encode() + b" " * 200_000)
        assert status == 413


@pytest.mark.requirement("I5")
async def test_two_hundred_people_at_once_on_real_connections_give_one_outcome(folder: Path) -> None:
    desk = await Desk.open()
    ticket = await desk.world.ask(await desk.world.open_run())
    async with serving(desk, folder) as (path, port):

        async def click(number: int) -> tuple[int, bytes]:
            verb, name = ("approve", "ada") if number % 2 else ("deny", "bo")
            body = json.dumps({"decision": verb, "digest": ticket.card_digest}).encode()
            head = (
                f"POST /api/v1/approvals/{ticket.id}/decision HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                f"Authorization: Bearer {desk.credentials[name]}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            return await exchange(path if number % 3 else port, head.encode() + body)

        answers = await asyncio.gather(*(click(number) for number in range(200)))
    assert sorted({status for status, _ in answers}) == [200, 409]
    assert [status for status, _ in answers].count(200) == 1


async def test_stopping_lets_a_request_end(folder: Path) -> None:
    desk = await Desk.open()
    path = folder / "control.sock"
    server = ControlServer(desk.app, listen_unix(path))
    await server.start()
    answers = await asyncio.gather(*(exchange(path, get("/healthz")) for _ in range(20)))
    await server.stop()
    assert {status for status, _ in answers} == {200}


ONE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def flood(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"y" * 65_536)
        await writer.drain()


@pytest.mark.parametrize("before", [b"", ONE], ids=["first", "kept"])
async def test_a_header_that_never_ends_ends_the_connection(folder: Path, before: bytes) -> None:
    desk = await Desk.open()
    async with serving(desk, folder) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(before)
        if before:
            assert b" 200 " in await reader.readuntil(b"\r\n")
        writer.write(ONE[:-2] + b"x: ")
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionError):
                await flood(writer)
        writer.close()


async def test_a_second_request_of_a_connection_has_no_more_time_than_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.app.control.server.HEADERS_S", 0.5)
    desk = await Desk.open()
    async with serving(desk, folder) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ONE)
        assert b" 200 " in await reader.readuntil(b"\r\n")
        writer.write(ONE[:-2])
        async with asyncio.timeout(20):
            await reader.read()
        writer.close()
