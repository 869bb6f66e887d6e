"""The agent that needs no credential: one standing run, and no way around its end."""

from dataclasses import replace

import pytest

from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.run import RunState
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.rules import AgentRule
from ringfence.engine.identity.identify import Presented, Principal, identify
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.runs.anonymous import Anonymous
from ringfence.engine.runs.runs import Opened
from ringfence.testing.scenario import READER, shop_rules
from ringfence.testing.world import World, presented


async def a_world(uids: frozenset[int] = frozenset()) -> World:
    rules = shop_rules()
    agents = {**rules.agents, READER: replace(rules.agents[READER], unsafe_anonymous=True, uids=uids)}
    return await World.build(rules=replace(rules, agents=agents))


def stand_in(world: World) -> Anonymous:
    return Anonymous(runs=world.runs, store=world.store, catalogue=world.catalogue)


async def run_of(world: World, credential: str) -> RunId:
    principal = await identify(world.store, world.clock, presented(credential))
    assert isinstance(principal, Principal), principal
    return principal.run


async def test_nobody_is_anonymous_unless_an_agent_is_configured_so() -> None:
    world = await World.build()
    anonymous = stand_in(world)
    assert await anonymous.prepare() is None
    assert await anonymous.credential(None) == ""
    assert await world.store.runs() == ()


async def test_the_anonymous_agent_has_one_standing_run_with_ordinary_calls() -> None:
    world = await a_world()
    anonymous = stand_in(world)
    assert await anonymous.prepare() == READER
    credential = await anonymous.credential(None)
    assert credential == await anonymous.credential(1000)
    (run,) = await world.store.runs()
    assert (run.standing, run.agent, run.task_trusted) == (True, READER, False)
    assert run.id == await run_of(world, credential)
    assert isinstance(await world.call(credential, "orders__get", {"order": "A1"}), Returned)
    assert isinstance(await world.call(credential, "payments__refund", {"order": "A1", "amount": 1}), Refused)


async def test_a_restart_goes_on_with_the_same_run() -> None:
    world = await a_world()
    first, second = stand_in(world), stand_in(world)
    await first.prepare()
    await second.prepare()
    (run,) = await world.store.runs()
    assert {await run_of(world, await each.credential(None)) for each in (first, second)} == {run.id}
    assert await first.credential(None) != await second.credential(None)


@pytest.mark.requirement("I6")
async def test_a_request_never_brings_back_a_run_that_was_ended() -> None:
    world = await a_world()
    anonymous = stand_in(world)
    await anonymous.prepare()
    before = await anonymous.credential(None)
    await world.runs.close(await run_of(world, before), by="operator:ada", why="enough")
    assert await anonymous.credential(None) == ""
    assert [run for run in await world.store.runs() if run.state is RunState.OPEN] == []


async def test_a_reset_by_an_operator_is_followed() -> None:
    world = await a_world()
    anonymous = stand_in(world)
    await anonymous.prepare()
    before = await run_of(world, await anonymous.credential(None))
    reset = await world.runs.reset_standing(AgentId(READER), by="operator:ada")
    assert isinstance(reset, Opened)
    assert await run_of(world, await anonymous.credential(None)) == reset.run.id != before


@pytest.mark.requirement("I6")
async def test_a_kill_stops_the_anonymous_agent_like_any_other() -> None:
    world = await a_world()
    anonymous = stand_in(world)
    await anonymous.prepare()
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.AGENT, READER), by="operator:ada", reason="a test")
    outcome = await world.call(await anonymous.credential(None), "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)


async def test_configured_users_bar_the_programs_of_others() -> None:
    world = await a_world(uids=frozenset({1000}))
    anonymous = stand_in(world)
    await anonymous.prepare()
    assert await anonymous.credential(1000) != ""
    assert await anonymous.credential(1001) == ""
    assert await anonymous.credential(None) == ""


async def test_a_configuration_without_it_ends_it_at_once() -> None:
    world = await a_world()
    anonymous = stand_in(world)
    await anonymous.prepare()
    rules = world.catalogue.rules
    agents: dict[AgentId, AgentRule] = {name: replace(rule, unsafe_anonymous=False) for name, rule in rules.agents.items()}
    world.catalogue.replace(replace(rules, agents=agents), world.catalogue.upstreams)
    assert await anonymous.credential(None) == ""
    assert await anonymous.prepare() is None


async def test_no_credential_by_itself_is_nobody_even_then() -> None:
    world = await a_world()
    await stand_in(world).prepare()
    assert not isinstance(await identify(world.store, world.clock, Presented("", presented("").posture)), Principal)
