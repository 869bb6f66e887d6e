"""The driver of `make bench` counts an answer only when it is the right one."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from bench.driver import BenchFault, is_right, measure, whole_length
from bench.processes import Running
from bench.requests import FIRST, LAST, TEXT, call, echo_of
from bench.rounds import Plan, play
from bench.targets import Client, Target

from ringfence.adapters.wire.mcp import Era

Respond = Callable[[dict[str, object]], bytes]


def answer(text: str, *, status: str = "200 OK", more: str = "") -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}}).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def echoed(message: dict[str, object]) -> bytes:
    arguments = cast("dict[str, Any]", message["params"])["arguments"]
    return answer(f"{arguments['subject']}: {arguments['text']}")


@asynccontextmanager
async def server(respond: Respond) -> AsyncGenerator[Client]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                writer.write(respond(json.loads(await reader.readexactly(length))))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield Client(f"127.0.0.1:{port}", "/mcp", "look", Era.MODERN)


async def test_every_right_answer_is_counted_with_its_latency() -> None:
    asked: list[object] = []

    def respond(message: dict[str, object]) -> bytes:
        asked.append(message["id"])
        return echoed(message)

    async with server(respond) as client:
        window = await measure([client, client], 0.0)
    assert window.calls == 2
    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert all(latency > 0 for latency in window.latencies_s)


async def test_calls_of_the_warm_up_do_not_count_and_numbers_are_never_used_twice() -> None:
    asked: list[object] = []

    def respond(message: dict[str, object]) -> bytes:
        asked.append(message["id"])
        return echoed(message)

    async with server(respond) as client:
        window = await measure([client], 0.0, warm_s=0.000001)
        await measure([client], 0.0)
    assert window.calls == 1
    assert isinstance(asked[0], int)
    assert asked == [asked[0] + place for place in range(len(asked))]
    assert len(asked) > 2


async def test_what_is_watched_is_read_around_the_window_alone() -> None:
    read = iter([5.0, 7.5])
    async with server(echoed) as client:
        window = await measure([client], 0.0, watch=lambda: next(read))
    assert window.cpu_s == 2.5


@pytest.mark.parametrize(
    "wrong",
    [
        lambda _: answer(f"n{LAST}: {TEXT}"),
        lambda message: echoed(message).replace(b"200 OK", b"503 No"),
        lambda message: echoed(message).replace(b'{"content"', b'{"isError":true,"content"').replace(b"Length: ", b"Length: 1"),
    ],
    ids=["of another call", "another status", "an error"],
)
async def test_a_wrong_answer_ends_the_measurement(wrong: Respond) -> None:
    def respond(message: dict[str, object]) -> bytes:
        head, _, body = wrong(message).partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body

    async with server(respond) as client:
        with pytest.raises(BenchFault, match="a wrong answer"):
            await measure([client], 0.0)


async def test_a_closed_connection_ends_the_measurement() -> None:
    async with server(lambda _: answer("x", more="Connection: close\r\n")[:20]) as client:

        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.close()

        listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            with pytest.raises(BenchFault, match="closed"):
                await measure([Client(f"127.0.0.1:{port}", client.path, client.tool, client.era)], 0.0)


@pytest.mark.parametrize(
    "buffer, length",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 40),
        (b"HTTP/1.1 200 OK\r\nX: y\r\ncontent-length:2\r\nY: z\r\n\r\nok", 51),
        (b"HTTP/1.1 200 OK\r\nContent-Le", -1),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", -1),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 59),
        (b"HTTP/1.1 202 Accepted\r\n\r\n", 25),
    ],
)
def test_a_response_ends_where_its_framing_says(buffer: bytes, length: int) -> None:
    assert whole_length(buffer) == length


def test_an_answer_is_right_only_for_its_own_number() -> None:
    response = answer(echo_of(FIRST).decode())
    assert is_right(response, FIRST)
    assert not is_right(response, FIRST + 1)


def test_numbered_requests_keep_their_length_and_carry_their_number_twice() -> None:
    template = call("127.0.0.1:1", "/mcp", "look", Era.MODERN, {"authorization": "Bearer x"})
    one, other = template.numbered(FIRST), template.numbered(FIRST + 999_999)
    assert len(one) == len(other)
    head, _, body = other.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    message = json.loads(body)
    assert message["id"] == FIRST + 999_999
    assert message["params"]["arguments"]["subject"] == f"n{FIRST + 999_999}"


async def test_a_peer_that_fails_is_left_out_and_anything_else_ends_the_measurement() -> None:
    running = Running("this very process", cast("Any", SimpleNamespace(pid=os.getpid())), Path(os.devnull))
    plan = Plan(rounds=2, seconds=0.0, warm_s=0.0)

    def broken(_: dict[str, object]) -> bytes:
        return answer("no", status="429 Too Many Requests")

    async with server(echoed) as fine, server(broken) as bad:
        ours = Target("ours", "", [fine] * 64, running)
        peer = Target("peer", "", [bad] * 64, running)
        samples, failed = await play([ours, peer], plan, lambda _: None, may_fail=["peer"])
        with pytest.raises(BenchFault, match="peer at concurrency 1: a wrong answer"):
            await play([ours, peer], plan, lambda _: None)
    assert list(samples) == ["ours"]
    assert [sorted(of_round) for of_round in samples["ours"]] == [[1, 8, 64], [1, 8, 64]]
    assert "429" in failed["peer"]
