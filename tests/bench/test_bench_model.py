"""What `make bench-model` claims: events are counted as they come, wrong answers are faults, figures compare neighbours."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

import pytest
from bench.driver import BenchFault
from bench.model.figures import GOALS, FirstByte, Killed, Memory, Rate, rates, told
from bench.model.server import Answering
from bench.model.streams import AROUND, Place, Request, Stream, Wish, for_a_while, whole


@asynccontextmanager
async def model() -> AsyncGenerator[Place]:
    texts: dict[int, bytes] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Answering(texts), "127.0.0.1", 0)
    async with server:
        yield Place("127.0.0.1", server.sockets[0].getsockname()[1], "", "key")


def asked_twice(place: Place, wish: Wish) -> tuple[int, float]:
    with closing(Stream(place, wish)) as stream:
        whole(stream)
        first = whole(stream)
        return stream.events, first


def at_once(place: Place) -> tuple[int, float, float]:
    streams = [Stream(place, Wish(50)) for _ in range(3)]
    try:
        return for_a_while(streams, 0.05, 0.0, lambda: 1.0)
    finally:
        for stream in streams:
            stream.close()


@pytest.mark.parametrize("wish", [Wish(0), Wish(7), Wish(300, 20_000), Wish(3, gap_ms=1)])
async def test_every_event_of_an_answer_is_counted_on_a_kept_connection(wish: Wish) -> None:
    async with model() as place:
        events, first = await asyncio.to_thread(asked_twice, place, wish)
    assert events == wish.events + AROUND
    assert first > 0


async def test_many_streams_are_counted_within_a_window() -> None:
    async with model() as place:
        events, seconds, used = await asyncio.to_thread(at_once, place)
    assert events > 0
    assert seconds > 0
    assert used == 0.0


def test_no_two_requests_are_the_same() -> None:
    request = Request(Place("h", 1, "/p", "k"), Wish(1))
    first, second = request.numbered(1_000_001), request.numbered(1_000_002)
    assert first != second
    assert len(first) == len(second)
    head, _, body = first.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\ndata: \n\r\n0\r\n\r\n",
    ],
)
def test_a_wrong_answer_ends_the_measurement(answer: bytes) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        closing(Stream(Place("127.0.0.1", server.getsockname()[1], "", "k"), Wish(1))) as stream,
        server.accept()[0] as served,
    ):
        served.sendall(answer)
        with pytest.raises(BenchFault):
            whole(stream)


def test_first_bytes_are_compared_with_their_neighbours() -> None:
    found = FirstByte([0.001, 0.002, 0.003], [0.004, 0.003, 0.009]).figures("c1")
    assert found["first_byte_added_ms_c1"] == 3.0
    assert found["first_byte_direct_ms_c1"] == 2.0


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    direct = [Rate(100, 1.0, 0.0), Rate(1000, 1.0, 0.0), Rate(100, 1.0, 0.0)]
    through = [Rate(50, 1.0, 0.1), Rate(900, 1.0, 0.1), Rate(60, 1.0, 0.1)]
    assert rates(direct, through)["events_ratio_c64"] == 0.6


def test_goals_are_judged_by_what_was_measured_and_missing_figures_reach_nothing() -> None:
    killed = Killed(500, acknowledged=0.08, last_content=0.01, last_end=0.09, content_after=0).figures()
    found = killed | Memory(100.0, 101.0, 100.0, 200, 2.0).figures()
    lines = told(found)
    assert len(lines) == len(GOALS)
    assert sum(line.startswith("reached") for line in lines) == 4
    assert any(line.startswith("NOT reached: events_ratio_c64 = None") for line in lines)
