"""Hostile answers of servers: reading them ends in a value, whatever the bytes are."""

import asyncio
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.fuzz.answers import faults, message, pieces, response, stream
from tests.fuzz.hostile_server import hostile_server

from ringfence.adapters.wire.lines import LineSplitter
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import RequestError

RANDOMNESS = st.randoms(use_true_random=False)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.large_base_example])
@given(rng=RANDOMNESS)
def test_a_servers_messages_end_in_values(rng: Random) -> None:
    data = stream(rng) if rng.random() < 0.5 else message(rng)
    assert asyncio.run(faults(rng, data)) == []


@settings(max_examples=examples(300), deadline=None)
@given(data=st.binary(max_size=300), seed=st.integers(0, 9))
def test_arbitrary_bytes_end_in_values(data: bytes, seed: int) -> None:
    assert asyncio.run(faults(Random(seed), data)) == []


@settings(max_examples=examples(300), deadline=None)
@given(data=st.binary(max_size=300), seed=st.integers(0, 9))
def test_arbitrary_lines_are_split_the_same_however_they_are_cut(data: bytes, seed: int) -> None:
    def lines(parts: list[bytes]) -> list[bytes] | None:
        splitter = LineSplitter(64)
        try:
            return [line for part in parts for line in splitter.feed(part)]
        except RequestError:
            return None

    assert lines([data]) == lines(list(pieces(Random(seed), data)))


@pytest.mark.parametrize("era", list(Era))
async def test_no_http_answer_breaks_the_adapter(era: Era) -> None:
    rng = Random(7)
    async with hostile_server(era) as server:
        for _ in range(80):
            assert await server.faults(response(rng)) == []
        assert server.calls > 40
