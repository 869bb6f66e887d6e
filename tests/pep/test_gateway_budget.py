"""The memory that request bodies, and answers of servers, may take."""

import asyncio
from collections.abc import Mapping

import pytest

from ringfence.adapters.pep.mcp_gateway.outlet import Outlet
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.served.budget import Budget
from ringfence.ports.upstream import Answered, ClientAnswer, Reply, Sending, ServerRequest, Unknown
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


# --- answers of servers ----------------------------------------------------------------------------------------------

ROOM = GatewayLimits(free_answer_bytes=1000, answers_bytes_per_run=3000, answers_bytes=4000)


def test_a_part_can_be_given_back_and_nothing_taken_after_all_was() -> None:
    budget: Budget[str] = Budget(free=10, per_key=100, total=100)
    first, second = budget.share("a"), budget.share("b")
    assert first.take(110)
    assert not second.take(11)
    assert first.take(-30)
    assert second.take(40)
    assert first.take(-1000)
    first.give_back()
    assert not first.take(1)
    assert second.take(70)
    assert not second.take(1)


async def taking(world: World, size: int) -> tuple[list[int], asyncio.Event]:
    """Let `slow` take so much room for its answer, and answer when told to."""
    taken: list[int] = []
    answer = asyncio.Event()

    async def act(sending: Sending) -> Reply:
        if not sending.may_keep(size):
            return Unknown("there is no room for the server's answer")
        taken.append(size)
        await answer.wait()
        return Answered({"content": []})

    world.upstreams[ORDERS].acts["slow"] = act
    return taken, answer


async def test_large_answers_are_counted_until_their_clients_have_them() -> None:
    world = await World.build()
    app = gateway(world, limits=ROOM)
    agents = [Agent(app, await world.open_run()) for _ in range(3)]
    _, answer = await taking(world, 3500)
    held = agents[0].modern_call("orders__slow", {"order": "A1"})
    await world.upstreams[ORDERS].until_executed(1)
    for agent in agents:
        refused = await agent.modern_call("orders__slow", {"order": "A1"}).done()
        assert refused.answer["result"]["_meta"]["ringfence/decision"]["code"] == "ambiguous"
        assert "result" in (await agent.modern_call("orders__get", {"order": "A1"}).done()).answer
    answer.set()
    await held.done()
    last = await agents[1].modern_call("orders__slow", {"order": "A1"}).done()
    assert last.answer["result"]["content"] == []


async def test_a_call_that_waits_for_its_client_has_room_for_a_small_answer_only() -> None:
    kept: list[bool] = []
    outlet = Outlet(None, None, None, is_legacy=False, may_keep=lambda size: True, left_alone=100)
    side = outlet.client({}, no_answers)
    kept.append(side.may_keep(1000))
    outlet.detach()
    kept += [side.may_keep(100), side.may_keep(101)]
    outlet.follow(Outlet(None, None, None, is_legacy=False, may_keep=lambda size: size < 500))
    kept += [side.may_keep(499), side.may_keep(500)]
    assert kept == [True, True, False, True, False]


async def no_answers(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
    return {}
