"""Servers over HTTP that cannot be reached: no call pays for what another has learnt, and nothing is withheld for longer."""

import asyncio
import json
import socket
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from tests.servers.raw_http import Exchange, fine, handshake, raw_server, response

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http.reach import Reach
from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Answered, HealthState, NotSent
from ringfence.testing.contracts.upstream import sending

GONE = ConnectionRefusedError("gone")


@contextmanager
def deaf_port() -> Generator[int]:
    """A port whose queue is full: a connect to it is never answered."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def body() -> GuardedBody:
    return GuardedBody(b"{}", lambda: True)


def options(retry_s: float = 600.0) -> HttpOptions:
    return HttpOptions(url="http://127.0.0.1:1/mcp", retry_s=retry_s, retry_most_s=600.0)


async def test_a_server_that_lets_connects_time_out_is_refused_at_once_from_then_on() -> None:
    with deaf_port() as port:
        url = f"http://127.0.0.1:{port}/mcp"
        upstream = HttpUpstream(HttpOptions(url=url, connect_s=0.2, slow_s=0.1, retry_s=600.0, retry_most_s=600.0))
        first = await upstream.call(sending("a"))
        assert isinstance(first, NotSent)
        assert "TimeoutError" in first.why
        replies = await asyncio.gather(*(upstream.call(sending("a", principal=f"r_{n}")) for n in range(50)))
        assert all(isinstance(reply, NotSent) and "the next try is in" in reply.why for reply in replies)
        with pytest.raises(UnavailableError, match="the next try is in"):
            await upstream.describe()
        health = upstream.health()
        assert (health.state, health.transport) == (HealthState.BACKING_OFF, "http")
        assert health.error == "no connection (TimeoutError)"
        assert health.retry_s is not None
        await upstream.close()


async def test_a_connect_that_is_refused_at_once_is_tried_by_each_call() -> None:
    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=False):
            exchange.writer.write(response(json.dumps(fine(exchange)).encode()))

    async with raw_server(answering) as server:
        url = server.url
    upstream = HttpUpstream(HttpOptions(url=url, retry_s=600.0, retry_most_s=600.0))
    for _ in range(3):
        reply = await upstream.call(sending("a"))
        assert isinstance(reply, NotSent)
        assert "next try" not in reply.why
    assert upstream.health().state is HealthState.UNREACHABLE
    assert upstream.health().failing_s is not None
    await upstream.close()


async def test_an_answer_says_that_all_is_well() -> None:
    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=False):
            exchange.writer.write(response(json.dumps(fine(exchange)).encode()))

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        assert upstream.health().state is HealthState.IDLE
        assert isinstance(await upstream.call(sending("a")), Answered)
        health = upstream.health()
        assert (health.state, health.era, health.error, health.failing_s) == (HealthState.UP, "modern", "", None)
        await upstream.close()


async def test_after_the_wait_one_request_tries_and_the_others_are_refused_until_it_is_connected() -> None:
    reach = Reach(options(retry_s=0.0))
    reach.failed(GONE, seconds=5.0)
    trial = body()
    assert reach.enter(trial) == ""
    assert "being tried again" in reach.enter(body())
    trial.is_connected = True
    assert reach.enter(body()) == ""
    assert reach.health("", 0, {}).state is HealthState.UP


async def test_a_trial_that_ends_without_a_connection_makes_room_for_the_next() -> None:
    reach = Reach(options(retry_s=0.0))
    reach.failed(GONE, seconds=5.0)
    trial, following = body(), body()
    assert reach.enter(trial) == ""
    reach.leave(trial)
    assert reach.enter(following) == ""
    assert "being tried again" in reach.enter(trial)
    following.is_connected = True
    reach.leave(following)
    assert reach.enter(trial) == ""
    assert reach.enter(body()) == ""


async def test_answers_on_connections_that_are_left_end_the_wait() -> None:
    reach = Reach(options())
    reach.failed(GONE, seconds=5.0)
    assert "the next try is in 600.0 s" in reach.enter(body())
    reach.answered()
    assert reach.enter(body()) == ""
