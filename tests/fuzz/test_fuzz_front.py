"""Hostile requests against the whole front: always a well-formed answer, and upstream only what the gateway wrote itself."""

import asyncio
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.fuzz.answers import reply
from tests.fuzz.front import Front
from tests.fuzz.requests import Wire

from ringfence.testing.scenario import ORDERS

RANDOMNESS = st.randoms(use_true_random=False)
RANDOMLY = settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.large_base_example])
MANY = 40
"""Requests of one example: all on the same gateway, as one client sends them."""


async def all_faults(rng: Random) -> list[str]:
    front = await Front.build()
    found: list[str] = []
    for _ in range(MANY):
        found += await front.faults(front.draw(rng))
    return [*found, *await front.end()]


@settings(max_examples=examples(60), deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_request_crashes_the_front_or_sends_what_it_did_not_write(seed: int) -> None:
    assert asyncio.run(all_faults(Random(seed))) == []


@settings(max_examples=examples(150), deadline=None)
@given(body=st.binary(max_size=200))
def test_arbitrary_bytes_get_an_answer(body: bytes) -> None:
    async def sent() -> list[str]:
        front = await Front.build()
        headers = tuple(front.agent.headers().items())
        return await front.faults(Wire("POST", "/mcp", headers, body))

    assert asyncio.run(sent()) == []


@RANDOMLY
@given(rng=RANDOMNESS)
def test_one_arbitrary_request_gets_an_answer(rng: Random) -> None:
    async def sent() -> list[str]:
        front = await Front.build()
        return await front.faults(front.draw(rng))

    assert asyncio.run(sent()) == []


@RANDOMLY
@given(rng=RANDOMNESS, modern=st.booleans())
def test_whatever_a_server_replies_its_client_gets_a_well_formed_answer(rng: Random, modern: bool) -> None:
    async def sent() -> list[str]:
        front = await Front.build()
        front.world.upstreams[ORDERS].replies["get"] = reply(rng)
        call = {"name": "orders__get", "arguments": {"order": "A1"}}
        agent = front.agent
        exchange = agent.modern("tools/call", call) if modern else agent.legacy("tools/call", call)
        return front.faults_of(await exchange.done())

    assert asyncio.run(sent()) == []


def test_requests_do_get_through() -> None:
    async def executed() -> int:
        front, rng = await Front.build(), Random(1)
        for _ in range(200):
            await front.faults(front.draw(rng))
        return front.executed

    assert asyncio.run(executed()) > 0
