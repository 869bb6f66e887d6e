"""A10: a thousand interleaved calls of two principals over shared connections, answered out of order."""

import asyncio
import json
from random import Random

import pytest
from tests.attacks.wired import echo, wired
from tests.servers.raw_http import Exchange

from ringfence.adapters.wire.mcp import Era
from ringfence.testing.gateway import Agent

pytestmark = [pytest.mark.attack("A10"), pytest.mark.requirement("I17")]
CALLS = 500
AT_ONCE = 20


@pytest.mark.parametrize("era", list(Era))
async def test_no_agent_ever_gets_a_byte_of_anothers_answer(era: Era) -> None:
    waiting: list[Exchange] = []
    rng = Random(1)

    under_way = 0

    async def answer_some() -> None:
        # The last few need not wait for company.
        if waiting and len(waiting) >= min(AT_ONCE // 2, under_way):
            rng.shuffle(waiting)
            while waiting:
                await echo(waiting.pop())

    async def out_of_order(exchange: Exchange) -> None:
        waiting.append(exchange)
        await answer_some()

    async with wired(era, out_of_order) as shop:
        agents = [await shop.agent(), await shop.agent()]
        left = {id(agent): list(range(CALLS)) for agent in agents}
        sessions: dict[int, set[str]] = {id(agent): set() for agent in agents}

        async def call_on(agent: Agent, who: str) -> None:
            nonlocal under_way
            while left[id(agent)]:
                order = f"{who}-{left[id(agent)].pop()}"
                under_way += 1
                exchange = await agent.modern_call("orders__get", {"order": order}).done()
                under_way -= 1
                session, _, arguments = exchange.answer["result"]["content"][0]["text"].partition(" ")
                assert json.loads(arguments) == {"order": order}
                sessions[id(agent)].add(session)
            await answer_some()

        both = [call_on(agent, who) for agent, who in zip(agents, "ab", strict=True) for _ in range(AT_ONCE)]
        async with asyncio.timeout(60):
            await asyncio.gather(*both)
        if era is Era.LEGACY:
            assert [len(found) for found in sessions.values()] == [1, 1]
            assert not set.intersection(*sessions.values())
