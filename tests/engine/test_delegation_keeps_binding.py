"""A child's credential is bound to whom its parent's is: delegating is no way to get a bearer."""

from dataclasses import replace

import pytest

from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.run import Posture
from ringfence.engine.identity.identify import Presented, Vouched
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.request import ToolRequest
from ringfence.engine.runs.runs import Opened
from ringfence.ports.identity import Outsider
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

KEY = "jkt:" + "A" * 43
MINE = frozenset({KEY})


async def sender(world: World, how: str) -> Presented:
    if how == "credential":
        opened = await world.runs.open(AgentId("support"), "x", by="operator:ada", trusted=True, binding=KEY)
        assert isinstance(opened, Opened)
        return Presented(opened.credential, Posture.SEPARATE, MINE)
    until = world.clock.now() + 60_000
    outsider = Outsider(subject="s", agent="support", until=until, binding=KEY, still=lambda: True)
    vouched = await world.outsiders.admit(outsider)
    assert isinstance(vouched, Vouched)
    return Presented("", Posture.SEPARATE, MINE, vouched)


@pytest.mark.requirement("I8", "I11")
@pytest.mark.parametrize("how", ["credential", "vouched"])
async def test_a_child_is_bound_to_whom_its_parent_is(how: str) -> None:
    rules = shop_rules()
    caps = SpawnCaps(depth=2, children=5, tree=20)
    world = await World.build(
        rules=replace(rules, agents={**rules.agents, SUPPORT: replace(rules.agents[SUPPORT], delegate=caps)})
    )
    outcome = await world.enforcer.enforce(await sender(world, how), ToolRequest("ringfence__delegate", {"task": "part"}))
    assert isinstance(outcome, Returned), outcome
    credential = dict(outcome.result["structuredContent"])["credential"]
    look = ToolRequest("orders__get", {"order": "A1"})
    stolen = await world.enforcer.enforce(Presented(credential, Posture.SEPARATE), look)
    mine = await world.enforcer.enforce(Presented(credential, Posture.SEPARATE, MINE), look)
    assert isinstance(stolen, Refused)
    assert isinstance(mine, Returned)


OWN = "jkt:" + "E" * 43
USER = "uid:1000"
LOOK = ToolRequest("orders__get", {"order": "A1"})


async def delegating_world() -> World:
    rules = shop_rules()
    caps = SpawnCaps(depth=2, children=5, tree=20)
    agents = {**rules.agents, SUPPORT: replace(rules.agents[SUPPORT], delegate=caps)}
    return await World.build(rules=replace(rules, agents=agents))


@pytest.mark.requirement("I8", "I11")
@pytest.mark.parametrize(
    ("parent", "senders"), [("", set[str]()), (KEY, {KEY}), (USER, {USER}), (f"{USER}+{KEY}", {USER, KEY})]
)
async def test_a_child_with_a_key_of_its_own_is_of_use_to_that_key_alone(parent: str, senders: set[str]) -> None:
    world = await delegating_world()
    opened = await world.runs.open(AgentId("support"), "x", by="operator:ada", trusted=True, binding=parent)
    assert isinstance(opened, Opened)
    asked = ToolRequest("ringfence__delegate", {"task": "part", "dpop_jkt": OWN.removeprefix("jkt:")})
    outcome = await world.enforcer.enforce(Presented(opened.credential, Posture.SEPARATE, frozenset(senders)), asked)
    assert isinstance(outcome, Returned), outcome
    credential = dict(outcome.result["structuredContent"])["credential"]
    where = senders - {KEY}
    for shown in (senders, where, {KEY, *where}, {"uid:1001", OWN} if where else {"jkt:" + "I" * 43}):
        stolen = await world.enforcer.enforce(Presented(credential, Posture.SEPARATE, frozenset(shown)), LOOK)
        assert isinstance(stolen, Refused), shown
    mine = await world.enforcer.enforce(Presented(credential, Posture.SEPARATE, frozenset({*where, OWN})), LOOK)
    assert isinstance(mine, Returned)
    entry = next(entry for entry in reversed(await world.entries()) if entry["kind"] == "run")
    assert OWN in entry["body"]["binding"]


@pytest.mark.parametrize("thumbprint", ["", "short", "A" * 44, "A" * 42 + "B", f"{'A' * 43}+uid:1", 5, None])
async def test_a_key_that_is_none_opens_nothing(thumbprint: object) -> None:
    world = await delegating_world()
    run = await world.open_run()
    outcome = await world.call(run, "ringfence__delegate", {"task": "part", "dpop_jkt": thumbprint})
    assert isinstance(outcome, Refused)
    assert len(await world.store.runs()) == 1


@pytest.mark.requirement("I8", "I11")
async def test_a_child_ends_with_the_token_that_opened_it_however_often_it_is_renewed() -> None:
    """Else a token that was stolen for its last minutes would be as good as one that never ends."""
    world = await delegating_world()
    presented = await sender(world, "vouched")
    outcome = await world.enforcer.enforce(presented, ToolRequest("ringfence__delegate", {"task": "part", "depth": 1}))
    assert isinstance(outcome, Returned), outcome
    child = dict(outcome.result["structuredContent"])
    mine = Presented(child["credential"], Posture.SEPARATE, MINE)
    world.clock.advance(59_000)
    await world.runs.renew(child["run"], child["credential"])
    assert isinstance(await world.enforcer.enforce(mine, LOOK), Returned)
    below = await world.enforcer.enforce(mine, ToolRequest("ringfence__delegate", {"task": "part of it", "depth": 0}))
    assert isinstance(below, Returned)
    world.clock.advance(1_000)
    assert isinstance(await world.enforcer.enforce(mine, LOOK), Refused)
    grandchild = Presented(dict(below.result["structuredContent"])["credential"], Posture.SEPARATE, MINE)
    assert isinstance(await world.enforcer.enforce(grandchild, LOOK), Refused)
