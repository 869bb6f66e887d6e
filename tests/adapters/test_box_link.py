"""The line between a box's supervisor and the gateway: whole messages, descriptors, an end for everything else."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from ringfence.adapters.box_link.channel import MOST_BYTES, Channel
from ringfence.adapters.box_link.server import call, serve_lines
from ringfence.errors import UnavailableError


@pytest.fixture
def pair() -> Iterator[tuple[Channel, socket.socket]]:
    """A line, and the raw other end of it."""
    ours, theirs = socket.socketpair()
    with closing(Channel(ours)) as channel, theirs:
        theirs.setblocking(False)
        yield channel, theirs


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_messages_arrive_whole_however_they_are_cut(pair: tuple[Channel, socket.socket]) -> None:
    channel, other = pair
    heard = asyncio.ensure_future(channel.receive())
    for piece in (b'{"a', b'": 1}', b'\n{"b": 2}\n{"c"'):
        other.sendall(piece)
        await asyncio.sleep(0)
    assert await heard == {"a": 1}
    assert await channel.receive() == {"b": 2}
    other.sendall(b": 3}\n")
    assert await channel.receive() == {"c": 3}


async def test_a_descriptor_comes_with_its_message_and_is_closed_with_the_line() -> None:
    before = open_descriptors()
    ours, theirs = socket.socketpair()
    channel, other = Channel(ours), Channel(theirs)
    read, write = os.pipe()
    await other.send({"with": "one"}, [read])
    await other.send({"with": "another"}, [read])
    assert await channel.receive() == {"with": "one"}
    taken = channel.descriptor()
    assert taken is not None
    os.write(write, b"x")
    assert os.read(taken, 1) == b"x"
    assert await channel.receive() == {"with": "another"}
    for descriptor in (taken, read, write):
        os.close(descriptor)
    channel.close()
    other.close()
    assert open_descriptors() == before


@pytest.mark.parametrize("line", [b"nonsense\n", b"[1]\n", b'"text"\n', b"\xff\n", b"\n"])
async def test_what_is_no_message_ends_the_line(pair: tuple[Channel, socket.socket], line: bytes) -> None:
    channel, other = pair
    other.sendall(line)
    with pytest.raises(UnavailableError):
        await channel.receive()


async def test_a_message_without_an_end_is_not_kept_for_ever(pair: tuple[Channel, socket.socket]) -> None:
    channel, other = pair
    heard = asyncio.ensure_future(channel.receive())
    sent = 0
    while not heard.done() and sent <= 2 * MOST_BYTES:
        try:
            sent += other.send(b"x" * 65_536)
        except BlockingIOError:
            await asyncio.sleep(0)
    with pytest.raises(UnavailableError):
        await heard


async def test_the_end_of_the_other_end_is_the_end(pair: tuple[Channel, socket.socket]) -> None:
    channel, other = pair
    other.close()
    assert await channel.receive() is None
    with pytest.raises(UnavailableError):
        await channel.send({"anybody": "there"})


async def test_a_long_message_waits_for_who_reads(pair: tuple[Channel, socket.socket]) -> None:
    channel, other = pair
    sending = asyncio.ensure_future(channel.send({"long": "x" * 200_000}))
    await asyncio.sleep(0)
    got = bytearray()
    while not sending.done() or not got.endswith(b"\n"):
        try:
            got += other.recv(65_536)
        except BlockingIOError:
            await asyncio.sleep(0)
    assert len(got) > 200_000


@asynccontextmanager
async def listening(folder: Path) -> AsyncGenerator[str]:
    async def echo(channel: Channel) -> None:
        while (message := await channel.receive()) is not None:
            await channel.send({"echo": message})

    path = str(folder / "s")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen()
    serving = asyncio.ensure_future(serve_lines(sock, echo))
    try:
        yield path
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_lines_are_served_side_by_side_and_a_broken_one_ends_alone(tmp_path: Path) -> None:
    async with listening(tmp_path) as path:
        first, second, broken = await call(path), await call(path), socket.socket(socket.AF_UNIX)
        broken.connect(path)
        broken.sendall(b"nonsense\n")
        for number, channel in enumerate((first, second, first)):
            await channel.send({"n": number})
            assert await channel.receive() == {"echo": {"n": number}}
        broken.settimeout(5)
        assert await asyncio.to_thread(broken.recv, 1) == b""
        for end in (first, second, broken):
            end.close()


async def test_no_gateway_is_told_clearly(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no gateway answers"):
        await call(str(tmp_path / "nothing"))
