"""Child runs through the whole engine: what they are given, how many there may be, and what ends them."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.model.agent import Limits
from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.grant import Grant, SpawnCaps
from ringfence.core.model.identifiers import AgentId, ToolId
from ringfence.core.model.run import RunState
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.outcome import Outcome, Refused, Returned, Waiting
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.testing.scenario import PAYMENTS, SUPPORT, shop_rules
from ringfence.testing.world import World

pytestmark = pytest.mark.requirement("I11")
GET, REFUND, DELEGATE = ToolId("orders.get"), ToolId("payments.refund"), "ringfence__delegate"
AT_MOST_50 = Condition("/amount", Operation.LE, 50)
CAPS = SpawnCaps(depth=2, children=5, tree=20)


def delegating(caps: SpawnCaps | None = CAPS, *agents: AgentRule, limits: Limits | None = None) -> Rules:
    rules = shop_rules(agents=agents, limits=limits)
    return replace(rules, agents={**rules.agents, SUPPORT: replace(rules.agents[SUPPORT], delegate=caps)})


async def child_of(world: World, parent: Opened, asked: Grant, agent: AgentId = SUPPORT) -> Opened:
    opened = await world.runs.open(agent, "part of it", by="operator:ada", trusted=True, parent=parent.run.id, asked=asked)
    assert isinstance(opened, Opened), opened
    return opened


async def delegated(world: World, parent: Opened | str, **asked: Any) -> dict[str, Any]:
    outcome = await world.call(parent, DELEGATE, {"task": "part of it", **asked})
    assert isinstance(outcome, Returned), outcome
    return dict(outcome.result["structuredContent"])


def code(outcome: Outcome) -> ReasonCode | None:
    return outcome.code if isinstance(outcome, Refused) else None


async def test_a_tool_that_was_not_given_is_not_there_and_a_bound_holds() -> None:
    world = await World.build()
    parent = await world.open_run()
    child = await child_of(world, parent, Grant(tools=frozenset({GET, REFUND}), bounds={REFUND: (AT_MOST_50,)}))
    assert isinstance(await world.call(child, "orders__get", {"order": "A"}), Returned)
    assert code(await world.call(child, "orders__note", {"order": "A", "text": "x"})) is ReasonCode.NOT_GRANTED
    assert code(await world.call(child, "payments__refund", {"order": "A", "amount": 51})) is ReasonCode.GRANT_BOUND
    assert isinstance(await world.call(child, "payments__refund", {"order": "A", "amount": 50}), Waiting)
    assert isinstance(await world.call(parent, "orders__note", {"order": "A", "text": "x"}), Returned)


async def test_what_a_grandchild_asks_for_beyond_its_parent_is_dropped_and_said() -> None:
    world = await World.build()
    child = await child_of(world, await world.open_run(), Grant(tools=frozenset({GET}), calls=3, depth=1))
    below = await child_of(world, child, Grant(tools=frozenset({GET, REFUND}), calls=9))
    assert below.run.grant == Grant(tools=frozenset({GET}), calls=3, depth=0)
    assert below.dropped == ("tools: payments.refund", "calls: 3 instead of 9")
    late = await world.runs.open(SUPPORT, "x", by="operator:ada", trusted=True, parent=below.run.id)
    assert isinstance(late, NotDone)
    assert late.code is ReasonCode.SPAWN_CAP
    opened = [entry["body"] for entry in await world.entries() if entry["kind"] == "run"]
    assert opened[-1]["grant"] == {"tools": ["orders.get"], "calls": 3, "depth": 0}
    assert opened[-1]["dropped"] == ["tools: payments.refund", "calls: 3 instead of 9"]


async def test_a_share_of_the_budget_bounds_the_subtree_and_counts_above() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=4)))
    parent = await world.open_run()
    child = await child_of(world, parent, Grant(calls=2))
    below = await child_of(world, child, Grant())
    outcomes = [await world.call(run, "orders__get", {"order": "A"}) for run in (child, below, child, parent, parent, parent)]
    assert [code(outcome) for outcome in outcomes] == [None, None, ReasonCode.CALL_CAP, None, None, ReasonCode.CALL_CAP]


async def test_a_grant_ends_when_it_said_however_often_the_run_is_renewed() -> None:
    world = await World.build()
    parent = await world.open_run()
    until = world.clock.now() + 1_000_000
    child = await child_of(world, parent, Grant(until=until))
    for _ in range(4):
        world.clock.advance(240_000)
        for run in (parent, child):
            await world.runs.renew(run.run.id, run.credential)
            assert isinstance(await world.call(run, "orders__get", {"order": "A"}), Returned)
    renewed = await world.store.run(child.run.id)
    assert renewed is not None
    assert renewed.expires_at == until
    world.clock.advance(40_000)
    assert isinstance(await world.call(parent, "orders__get", {"order": "A"}), Returned)
    assert code(await world.call(child, "orders__get", {"order": "A"})) is ReasonCode.CREDENTIAL
    assert isinstance(await world.runs.renew(child.run.id, child.credential), NotDone)


async def test_a_child_of_another_agent_does_nothing_that_the_agent_above_could_not() -> None:
    world = await World.build()
    reader = await world.open_run("reader")
    child = await child_of(world, reader, Grant())
    assert isinstance(await world.call(child, "orders__get", {"order": "A"}), Returned)
    assert code(await world.call(child, "orders__note", {"order": "A", "text": "x"})) is ReasonCode.NOT_GRANTED


async def test_an_agent_that_may_delegates_and_its_child_is_decided_like_any_other_run() -> None:
    world = await World.build(rules=delegating())
    parent = await world.open_run()
    answer = await delegated(world, parent, tools=["orders__get", "payments.refund", "orders.none"], calls=2, ttl_s=60,
                             bounds=[{"tool": "payments__refund", "argument": "/amount", "op": "<=", "value": 50}])  # fmt: skip
    assert answer["dropped"] == ["tools: orders.none"]
    child = str(answer["credential"])
    assert isinstance(await world.call(child, "orders__get", {"order": "A"}), Returned)
    assert code(await world.call(child, "payments__refund", {"order": "A", "amount": 60})) is ReasonCode.GRANT_BOUND
    assert code(await world.call(child, DELEGATE, {"task": "x"})) is ReasonCode.NOT_GRANTED
    run = next(run for run in await world.store.runs() if run.id == answer["run"])
    assert (run.task_trusted, run.opened_by, run.ancestors) == (False, "agent:support", (parent.run.id,))
    decided = next(entry for entry in await world.entries() if entry["tool"] == "ringfence.delegate")
    assert (decided["kind"], decided["decision"], decided["by"]) == ("decision", "allow", "agent:support")
    assert str(answer["credential"]) not in str(await world.entries())
    assert await world.calls_used(parent.run.id) == (0, 2)


@pytest.mark.requirement("I9")
async def test_no_credential_of_a_run_that_an_agent_sends_on_stands_in_the_log() -> None:
    world = await World.build(rules=delegating())
    parent = await world.open_run()
    credential = str((await delegated(world, parent))["credential"])
    noted = await world.call(parent, "orders__note", {"order": "A", "text": f"use {credential} for it"})
    assert isinstance(noted, Returned)
    assert isinstance(await world.call(parent, DELEGATE, {"task": f"go on with {credential}"}), Returned)
    assert credential not in str(await world.entries())


async def test_an_agent_that_may_not_delegate_does_not_find_the_tool() -> None:
    world = await World.build()
    assert code(await world.call(await world.open_run(), DELEGATE, {"task": "x"})) is ReasonCode.UNKNOWN_TOOL


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"task": "x", "tools": "orders.get"},
        {"task": "x", "calls": 0},
        {"task": "x", "trusted": True},
        {"task": "x", "bounds": [{"tool": "a.b", "argument": "amount", "op": "<=", "value": 5}]},
    ],
)
async def test_a_delegation_that_is_no_such_thing_is_refused_like_any_arguments(asked: dict[str, Any]) -> None:
    world = await World.build(rules=delegating())
    assert code(await world.call(await world.open_run(), DELEGATE, asked)) is ReasonCode.ARGUMENTS


@pytest.mark.parametrize("name", ["payments__refnd", "payments.refnd", "PAYMENTS__REFUND", "desk__close"])
async def test_a_bound_on_what_is_no_tool_of_the_agent_is_refused_for_it_would_bind_nothing(name: str) -> None:
    world = await World.build(rules=delegating())
    bound = {"tool": name, "argument": "/amount", "op": "<=", "value": 50}
    outcome = await world.call(await world.open_run(), DELEGATE, {"task": "x", "bounds": [bound]})
    assert code(outcome) is ReasonCode.ARGUMENTS
    assert len(await world.store.runs()) == 1


async def test_numbers_that_are_integers_are_kept_as_such() -> None:
    world = await World.build(rules=delegating())
    answer = await delegated(world, await world.open_run(), calls=5.0, depth=1.0, ttl_s=60.0)
    run = next(run for run in await world.store.runs() if run.id == answer["run"])
    assert [type(of) for of in (run.grant.calls, run.grant.depth, run.grant.until)] == [int, int, int]


async def test_a_refused_child_is_a_recorded_denial_and_nothing_is_held() -> None:
    world = await World.build(rules=delegating(SpawnCaps(depth=1, children=1, tree=9)))
    parent = await world.open_run()
    child = str((await delegated(world, parent))["credential"])
    for run in (parent, child):
        outcome = await world.call(run, DELEGATE, {"task": "x"})
        assert isinstance(outcome, Refused)
        assert outcome.code is ReasonCode.SPAWN_CAP
        assert outcome.entry is not None
    assert (await world.entries())[-1]["decision"] == "deny"
    assert await world.calls_used(parent.run.id) == (0, 1)
    assert len(await world.store.runs()) == 2


async def test_a_thousand_delegations_at_once_at_a_tree_cap_open_exactly_as_many_runs_as_it_says() -> None:
    world = await World.build(rules=delegating(SpawnCaps(depth=2, children=1000, tree=50)))
    parent = await world.open_run()
    outcomes = await asyncio.gather(*(world.call(parent, DELEGATE, {"task": str(n)}) for n in range(1000)))
    assert Counter(map(code, outcomes)) == {None: 49, ReasonCode.SPAWN_CAP: 951}
    assert len(await world.store.runs()) == 50


@pytest.mark.requirement("I6")
@pytest.mark.parametrize(("mode", "reason"), [(StopMode.KILL, ReasonCode.KILLED), (StopMode.PAUSE, ReasonCode.PAUSED)])
async def test_a_stop_of_a_run_takes_its_subtree_along(mode: StopMode, reason: ReasonCode) -> None:
    world = await World.build(rules=delegating())
    parent = await world.open_run()
    child = str((await delegated(world, parent))["credential"])
    grandchild = str((await delegated(world, child))["credential"])
    await world.stops.stop(mode, Scope(ScopeKind.RUN, parent.run.id), reason="r", by="operator:ada")
    for run in (child, grandchild):
        assert code(await world.call(run, "orders__get", {"order": "A"})) is reason
        assert code(await world.call(run, DELEGATE, {"task": "x"})) is reason


@pytest.mark.requirement("I6")
@pytest.mark.parametrize(("mode", "reason"), [(StopMode.KILL, ReasonCode.KILLED), (StopMode.PAUSE, ReasonCode.PAUSED)])
async def test_a_stop_of_an_agent_takes_the_runs_of_other_agents_below_its_runs_along(
    mode: StopMode, reason: ReasonCode
) -> None:
    world = await World.build()
    child = await child_of(world, await world.open_run(), Grant(), AgentId("reader"))
    other = await world.open_run("reader")
    await world.stops.stop(mode, Scope(ScopeKind.AGENT, SUPPORT), reason="r", by="operator:ada")
    assert code(await world.call(child, "orders__get", {"order": "A"})) is reason
    assert isinstance(await world.call(other, "orders__get", {"order": "A"}), Returned)


async def test_a_tool_that_is_disabled_for_an_agent_is_so_below_its_runs() -> None:
    world = await World.build()
    child = await child_of(world, await world.open_run(), Grant(), AgentId("reader"))
    await world.stops.stop(StopMode.DISABLE, Scope(ScopeKind.TOOL, GET, SUPPORT), reason="r", by="operator:ada")
    assert code(await world.call(child, "orders__get", {"order": "A"})) is ReasonCode.TOOL_DISABLED


@pytest.mark.requirement("I6", "I8")
@pytest.mark.parametrize("scope", ["run", "agent", "everything", "above"])
async def test_what_is_killed_is_not_renewed(scope: str) -> None:
    world = await World.build()
    parent = await world.open_run()
    run = await child_of(world, parent, Grant())
    scopes = {
        "run": Scope(ScopeKind.RUN, run.run.id),
        "agent": Scope(ScopeKind.AGENT, SUPPORT),
        "everything": Scope(ScopeKind.EVERYTHING),
        "above": Scope(ScopeKind.RUN, parent.run.id),
    }
    await world.stops.stop(StopMode.KILL, scopes[scope], reason="r", by="operator:ada")
    world.clock.advance(60_000)
    assert isinstance(await world.runs.renew(run.run.id, run.credential), NotDone)


async def test_what_is_paused_is_renewed_so_that_it_can_go_on() -> None:
    world = await World.build()
    run = await world.open_run()
    await world.stops.stop(StopMode.PAUSE, Scope(ScopeKind.RUN, run.run.id), reason="r", by="operator:ada")
    assert not isinstance(await world.runs.renew(run.run.id, run.credential), NotDone)


@pytest.mark.requirement("I8")
async def test_a_run_without_a_call_left_is_not_renewed() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=1)))
    parent = await world.open_run()
    run = await child_of(world, parent, Grant())
    assert not isinstance(await world.runs.renew(run.run.id, run.credential), NotDone)
    assert isinstance(await world.call(run, "orders__get", {"order": "A"}), Returned)
    for spent in (run, parent):
        assert isinstance(await world.runs.renew(spent.run.id, spent.credential), NotDone)


async def test_closing_a_run_ends_its_subtree_and_withdraws_what_waits_there() -> None:
    world = await World.build(rules=delegating())
    parent = await world.open_run()
    child = await child_of(world, parent, Grant())
    below = await child_of(world, child, Grant())
    ticket = await world.ask(below)
    await world.approve(ticket)
    await world.runs.close(parent.run.id, by="operator:ada", why="done")
    for run in (child, below):
        closed = await world.store.run(run.run.id)
        assert closed is not None
        assert closed.state is RunState.CLOSED
        assert isinstance(await world.runs.renew(run.run.id, run.credential), NotDone)
        assert code(await world.call(run, "orders__get", {"order": "A"})) is ReasonCode.CREDENTIAL
    withdrawn = await world.store.ticket(ticket.id)
    assert withdrawn is not None
    assert withdrawn.state is TicketState.WITHDRAWN
    assert world.upstreams[PAYMENTS].executed == []


async def test_the_expiry_of_a_run_ends_its_subtree_and_makes_room() -> None:
    world = await World.build(rules=delegating(SpawnCaps(depth=2, children=1, tree=3)))
    parent = await world.open_run()
    child = await child_of(world, parent, Grant())
    world.clock.advance(600_000)
    assert isinstance(await world.call(child, "orders__get", {"order": "A"}), Returned)  # which renews the child alone
    ticket = await world.ask(child)
    world.clock.advance(300_000)
    assert code(await world.call(child, "orders__get", {"order": "A"})) is ReasonCode.RUN_EXPIRED
    assert isinstance(await world.runs.renew(child.run.id, child.credential), NotDone)
    late = await world.runs.open(SUPPORT, "x", by="operator:ada", trusted=True, parent=child.run.id)
    assert isinstance(late, NotDone)
    assert late.code is ReasonCode.RUN_EXPIRED
    await world.housekeeping.look_at_time()
    closed, gone = await world.store.run(child.run.id), await world.store.ticket(ticket.id)
    assert closed is not None
    assert gone is not None
    assert (closed.state, gone.state) == (RunState.CLOSED, TicketState.WITHDRAWN)


async def test_a_child_that_expired_makes_room_for_another() -> None:
    world = await World.build(rules=delegating(SpawnCaps(depth=1, children=1, tree=2)))
    parent = await world.open_run()
    await delegated(world, parent, ttl_s=5)
    assert code(await world.call(parent, DELEGATE, {"task": "x"})) is ReasonCode.SPAWN_CAP
    world.clock.advance(5_000)
    await world.housekeeping.look_at_time()
    await delegated(world, parent)
