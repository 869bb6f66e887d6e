"""The memory that request bodies may take."""

import pytest

from ringfence.adapters.pep.mcp_gateway.budget import Budget
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.scenario import ORDERS
from ringfence.testing.world import World

pytestmark = [pytest.mark.attack("A13"), pytest.mark.requirement("I19")]

LIMITS = GatewayLimits(free_body_bytes=1000, bodies_bytes_per_run=3000, bodies_bytes=4000)


def test_what_is_given_back_can_be_taken_again() -> None:
    budget: Budget[str] = Budget(free=10, per_key=100, total=150)
    first, second, third = budget.share("a"), budget.share("a"), budget.share("b")
    assert first.take(60)
    assert first.take(40)
    assert not second.take(21)  # over the ten that are free, and the rest is the run's
    assert second.take(10)
    assert third.take(70)
    assert not third.take(1)
    first.give_back()
    first.give_back()
    assert third.take(30)
    assert second.take(60)
    assert not second.take(1)


async def test_large_bodies_are_counted_until_they_are_answered_and_small_ones_are_not() -> None:
    world = await World.build()
    app = gateway(world, limits=LIMITS)
    mine, theirs = Agent(app, await world.open_run()), Agent(app, await world.open_run())
    large = {"order": "A1", "text": "x" * 2500}
    held = mine.modern_call("orders__slow", {"order": "A1"}, _meta={"com.example/note": "x" * 2500})
    await world.upstreams[ORDERS].until_executed(1)
    refused = await mine.modern_call("orders__note", large).done()
    assert (refused.status, refused.header("retry-after")) == (503, "1")
    assert (await mine.modern_call("orders__note", {"order": "A1", "text": "x"}).done()).status == 200
    assert (await theirs.modern_call("orders__note", large).done()).status == 200
    world.upstreams[ORDERS].release()
    await held.done()
    assert (await mine.modern_call("orders__note", large).done()).status == 200


async def test_all_runs_together_have_one_budget() -> None:
    world = await World.build()
    app = gateway(world, limits=LIMITS)
    agents = [Agent(app, await world.open_run()) for _ in range(3)]
    held = [agent.modern_call("orders__slow", {"order": "A1"}, _meta={"com.example/note": "x" * 2500}) for agent in agents]
    await world.upstreams[ORDERS].until_executed(2)
    world.upstreams[ORDERS].release()
    assert sorted([(await exchange.done()).status for exchange in held]) == [200, 200, 503]
