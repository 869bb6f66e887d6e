"""A20: what one agent is shown never becomes another's."""

import pytest

from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.world import World

pytestmark = [pytest.mark.attack("A20"), pytest.mark.requirement("I17")]


async def test_agents_with_different_rights_asking_in_turn_get_their_own_list_and_may_keep_it_for_nobody_else() -> None:
    world = await World.build()
    app = gateway(world)
    support, reader = Agent(app, await world.open_run("support")), Agent(app, await world.open_run("reader"))
    for _ in range(3):
        for agent, count in ((support, 5), (reader, 1)):
            result = (await agent.modern("tools/list").done()).json["result"]
            assert len([tool for tool in result["tools"] if not tool["name"].startswith("ringfence__")]) == count
            assert result["cacheScope"] == "private"
            assert result["ttlMs"] <= 5000


@pytest.mark.parametrize("method", ["tools/list", "server/discover"])
async def test_no_answer_may_be_kept_by_a_cache_between(method: str) -> None:
    world = await World.build()
    agent = Agent(gateway(world), await world.open_run())
    exchange = await agent.modern(method).done()
    assert exchange.json["result"]["cacheScope"] == "private"
    assert "public" not in (exchange.header("cache-control") or "")
