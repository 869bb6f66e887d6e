"""Limits through the whole engine: what is refused, why, what is told, and what an operator adds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.app.config.limits_of import freeze_of
from ringfence.core.model.agent import Limits
from ringfence.core.model.identifiers import AgentId, OperatorName, RunId
from ringfence.core.model.limits import (
    MICRO,
    DistinctCap,
    Loops,
    Rate,
    RowCount,
    SumCap,
    ToolLimits,
    UseLimits,
)
from ringfence.core.model.profile import ToolProfile
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.outcome import Outcome, Refused, Waiting
from ringfence.engine.people.budgets import Raised
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.ports.notifier import AlertKind
from ringfence.ports.upstream import Answered
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import ORDERS, READ, REFUND, SMALL_WRITE, shop_rules, tool_rule
from ringfence.testing.world import World

DAY = 86_400_000
PAY_SMALL = replace(REFUND, reversible=True, costs_money=False)


def limited(tool: str, profile: ToolProfile = READ, **limits: Any) -> Rules:
    return shop_rules(tools=(tool_rule(tool, profile, limits=ToolLimits(**limits)),))


def code(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return outcome.code.value
    return type(outcome).__name__


async def refund(world: World, run: Opened, amount: Any, order: str = "A") -> str:
    return code(await world.call(run, "payments__refund", {"order": order, "amount": amount}))


@pytest.mark.requirement("I7")
async def test_a_rate_lets_a_burst_through_and_then_one_at_a_time() -> None:
    world = await World.build(rules=limited("orders.get", rate=Rate(10, 60_000, 3)))
    run = await world.open_run()
    seen = [code(await world.call(run, "orders__get", {"order": str(n)})) for n in range(5)]
    assert seen == ["Returned"] * 3 + ["rate_limit"] * 2
    world.clock.advance(6000)
    assert code(await world.call(run, "orders__get", {"order": "x"})) == "Returned"
    assert code(await world.call(run, "orders__get", {"order": "y"})) == "rate_limit"


@pytest.mark.requirement("I17")
async def test_an_agent_cannot_use_up_the_rate_of_another() -> None:
    world = await World.build(rules=limited("orders.get", rate=Rate(2, 60_000, 2)))
    support, reader = await world.open_run(), await world.open_run("reader")
    for _ in range(4):
        await world.call(support, "orders__get", {"order": "A"})
    assert code(await world.call(reader, "orders__get", {"order": "A"})) == "Returned"


@pytest.mark.requirement("I7")
async def test_a_call_that_was_not_sent_gives_its_rate_back() -> None:
    world = await World.build(rules=limited("orders.get", rate=Rate(1, 60_000, 1)))
    run = await world.open_run()
    world.upstreams[ORDERS].unreachable = "down"
    assert code(await world.call(run, "orders__get", {"order": "A"})) == "NotSent"
    world.upstreams[ORDERS].unreachable = ""
    assert code(await world.call(run, "orders__get", {"order": "A"})) == "Returned"
    assert code(await world.call(run, "orders__get", {"order": "A"})) == "rate_limit"


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("whose", ["gateway", "agent", "server", "tool"])
async def test_calls_under_way_are_bounded(whose: str) -> None:
    rules = limited("orders.slow", concurrent=2 if whose == "tool" else None)
    if whose == "gateway":
        rules = replace(rules, limits=UseLimits(concurrent=2))
    if whose == "agent":
        rules = replace(rules, agents={**rules.agents, **shop_rules(limits=Limits(concurrent=2)).agents})
    if whose == "server":
        servers = {**rules.servers, ORDERS: replace(rules.servers[ORDERS], limits=UseLimits(concurrent=2))}
        rules = replace(rules, servers=servers)
    world = await World.build(rules=rules)
    run = await world.open_run()
    under_way = [asyncio.create_task(world.call(run, "orders__slow", {"order": str(n)})) for n in range(2)]
    await world.upstreams[ORDERS].until_executed(2)
    assert code(await world.call(run, "orders__slow", {"order": "late"})) == "concurrency"
    world.upstreams[ORDERS].release()
    assert [code(outcome) for outcome in await asyncio.gather(*under_way)] == ["Returned"] * 2
    assert code(await world.call(run, "orders__slow", {"order": "later"})) == "Returned"


@pytest.mark.requirement("I7")
async def test_a_sum_is_exact_and_never_passes_its_cap() -> None:
    rules = limited("payments.refund", PAY_SMALL, sums=(SumCap(pointer="/amount", cap=100 * MICRO, window_ms=DAY),))
    world = await World.build(rules=rules)
    one, two = await world.open_run(), await world.open_run()
    assert await refund(world, one, 60) == "Returned"
    assert await refund(world, two, 41) == "sum_cap"
    assert await refund(world, two, 40) == "Returned"
    assert await refund(world, one, 1) == "sum_cap"
    world.clock.advance(DAY - 1)
    assert await refund(world, await world.open_run(), 1) == "sum_cap"
    world.clock.advance(DAY // 24 + 1)
    assert await refund(world, await world.open_run(), 1) == "Returned"


@pytest.mark.requirement("I7")
@pytest.mark.requirement("I11")
async def test_a_sum_of_a_run_counts_its_child_runs() -> None:
    rules = limited("payments.refund", PAY_SMALL, sums=(SumCap(pointer="/amount", cap=10 * MICRO),))
    world = await World.build(rules=rules)
    parent = await world.open_run()
    children = [await world.open_run(parent=parent.run) for _ in range(2)]
    assert [await refund(world, run, 5) for run in (*children, parent)] == ["Returned", "Returned", "sum_cap"]
    assert await refund(world, await world.open_run(), 5) == "Returned"


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("amount", [{"order": "A"}, {"order": "A", "amount": None}])
async def test_what_cannot_be_counted_is_refused(amount: dict[str, Any]) -> None:
    rules = limited("orders.note", SMALL_WRITE, sums=(SumCap(pointer="/amount", cap=10 * MICRO),))
    world = await World.build(rules=rules)
    outcome = await world.call(await world.open_run(), "orders__note", {"text": "t", **amount})
    assert isinstance(outcome, Refused)
    assert ReasonCode.UNCOUNTABLE in {reason.code for reason in outcome.reasons}


@pytest.mark.requirement("I7")
async def test_different_targets_are_counted_once_each() -> None:
    rules = limited("orders.get", distinct=(DistinctCap(pointer="/order", most=2, window_ms=3_600_000),))
    world = await World.build(rules=rules)
    run = await world.open_run()
    seen = [code(await world.call(run, "orders__get", {"order": order})) for order in "AABBACB"]
    assert seen == ["Returned"] * 5 + ["distinct_cap", "Returned"]


@pytest.mark.requirement("I7")
async def test_rows_are_counted_from_results_and_the_next_call_is_refused() -> None:
    rules = shop_rules(
        limits=Limits(rows_per_run=5),
        tools=(tool_rule("orders.get", READ, limits=ToolLimits(rows=RowCount("/structuredContent/rows"))),),
    )
    world = await World.build(rules=rules)
    run = await world.open_run()
    world.upstreams[ORDERS].replies["get"] = Answered({"content": [], "structuredContent": {"rows": [1, 2, 3]}})
    assert [code(await world.call(run, "orders__get", {"order": o})) for o in "ABC"] == ["Returned", "Returned", "rows_cap"]
    readings = await world.budgets.of_run(run.run.id)
    assert not isinstance(readings, NotDone)
    assert [(r.used, r.cap) for r in readings[1] if r.kind == "rows"] == [(6, 5)]
    assert [alert.text for alert in world.notifier.of(AlertKind.CAP_NEAR)] == [
        f"50 % of a cap: rows:run/{run.run.id}:all has used 3 of 5",
        f"100 % of a cap: rows:run/{run.run.id}:all has used 6 of 5",
    ]


@pytest.mark.requirement("I7")
async def test_a_loop_is_denied_a_poll_is_not() -> None:
    rules = replace(limited("orders.boom", polling=True), loops=Loops(4, 10_000))
    world = await World.build(rules=rules)
    run = await world.open_run()
    seen = [code(await world.call(run, "orders__get", {"order": "A"})) for _ in range(8)]
    assert seen == ["Returned"] * 5 + ["loop"] * 3
    assert code(await world.call(run, "orders__get", {"order": "B"})) == "Returned"
    assert [code(await world.call(run, "orders__boom", {"order": "A"})) for _ in range(12)] == ["ServerFailed"] * 12
    polled = await world.open_run()
    for percent in range(30):
        world.upstreams[ORDERS].replies["get"] = Answered({"content": [{"type": "text", "text": f"{percent} %"}]})
        assert code(await world.call(polled, "orders__get", {"order": "A"})) == "Returned"


@pytest.mark.requirement("I5")
async def test_asking_again_while_a_person_thinks_is_no_loop_and_the_approved_call_passes() -> None:
    world = await World.build(rules=replace(shop_rules(), loops=Loops(3, 10_000)))
    run = await world.open_run()
    arguments = {"order": "A", "amount": 5}
    await world.approve(await world.ask(run, arguments=arguments))
    assert await refund(world, run, 5) == "Returned"
    ticket = await world.ask(run, arguments=arguments)
    seen = [code(await world.call(run, "orders__get", {"order": "A"})) for _ in range(6)]
    assert seen[-1] == "loop"
    assert await refund(world, run, 5) == "Waiting"
    await world.approve(ticket)
    assert await refund(world, run, 5) == "Returned"
    assert await refund(world, run, 5) == "loop"


async def test_a_freeze_window_refuses_writes_and_leaves_reads_alone() -> None:
    rules = replace(shop_rules(), limits=UseLimits(freezes=(freeze_of("Mon 00:00 - Sun 23:59"),)))
    world = await World.build(rules=rules)
    run = await world.open_run()
    assert code(await world.call(run, "orders__note", {"order": "A", "text": "t"})) == "frozen"
    assert code(await world.call(run, "orders__get", {"order": "A"})) == "Returned"


@pytest.mark.requirement("I5")
async def test_a_freeze_window_that_asks_is_a_gate_that_an_earlier_approval_does_not_open() -> None:
    window = freeze_of({"window": "2027-01-15 08:10 - 2027-01-16 08:00", "action": "ask"})
    assert window.dated is not None
    world = await World.build(rules=replace(shop_rules(), limits=UseLimits(freezes=(window,))))
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.approve(ticket)
    world.clock.advance(window.dated[0] - world.clock.now())
    outcome = await world.claim(run, ticket)
    assert isinstance(outcome, Waiting), outcome
    assert outcome.ticket.id != ticket.id
    assert ReasonCode.FROZEN in {gate.code for gate in outcome.ticket.gates}


async def test_people_are_told_at_half_at_four_fifths_and_at_the_cap_once_each() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=10)))
    run = await world.open_run()
    for n in range(12):
        await world.call(run, "orders__get", {"order": str(n)})
    texts = [alert.text for alert in world.notifier.of(AlertKind.CAP_NEAR)]
    assert [text.split(" ")[0] for text in texts] == ["50", "80", "100"]
    assert len({alert.id for alert in world.notifier.of(AlertKind.CAP_NEAR)}) == 3


@pytest.mark.requirement("I7")
async def test_an_operator_adds_to_a_cap_and_it_is_recorded() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=1)))
    run = await world.open_run()
    assert [code(await world.call(run, "orders__get", {"order": o})) for o in "AB"] == ["Returned", "call_cap"]
    raised = await world.budgets.raise_cap(
        run.run.id, "calls", 2, operator=await world.operator("ada"), reason="one more order"
    )
    assert isinstance(raised, Raised), raised
    assert (raised.reading.used, raised.reading.cap, raised.reading.added) == (1, 3, 2)
    assert [code(await world.call(run, "orders__get", {"order": o})) for o in "CDE"] == ["Returned", "Returned", "call_cap"]
    entry = next(e for e in await world.entries() if e["decision"] == "raise")
    assert (entry["by"], entry["run"]) == ("operator:ada", run.run.id)
    assert entry["body"] == {"meter": "calls", "by": "2", "reason": "one more order"}


@pytest.mark.requirement("I11")
async def test_a_child_is_never_given_more_than_its_parent_has_left() -> None:
    helper = AgentRule(id=AgentId("helper"), purpose="helps", tools=("orders.*",), limits=Limits(calls_per_run=1))
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=5), agents=(helper,)))
    parent = await world.open_run()
    child = await world.open_run("helper", parent=parent.run)
    ada = await world.operator("ada")
    refused = await world.budgets.raise_cap(child.run.id, "calls", 5, operator=ada, reason="r")
    assert isinstance(refused, NotDone)
    assert "raise that first" in refused.why
    assert isinstance(await world.budgets.raise_cap(child.run.id, "calls", 4, operator=ada, reason="r"), Raised)


async def test_a_raise_needs_a_run_a_meter_of_its_own_and_somebody_entitled() -> None:
    bob_only = AgentRule(
        id=AgentId("strict"),
        purpose="p",
        tools=("orders.*",),
        limits=Limits(calls_per_run=1),
        approvers=frozenset({OperatorName("bob")}),
    )
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=1), agents=(bob_only,)))
    ada = await world.operator("ada")
    run, strict = await world.open_run(), await world.open_run("strict")
    for target, meter, by in (
        (RunId("r_none"), "calls", 1),
        (run.run.id, "calls", 0),
        (run.run.id, "rows", 1),
        (run.run.id, "rate:agent/support:all", 1),
        (strict.run.id, "calls", 1),
    ):
        assert isinstance(await world.budgets.raise_cap(target, meter, by, operator=ada, reason="r"), NotDone)


async def test_a_stop_beats_every_limit_and_nothing_is_held_by_what_was_refused() -> None:
    world = await World.build(rules=limited("orders.get", rate=Rate(1, 60_000, 1)))
    run = await world.open_run()
    await world.stops.stop(StopMode.PAUSE, Scope(ScopeKind.EVERYTHING), reason="r", by="operator:ada")
    assert code(await world.call(run, "orders__get", {"order": "A"})) == "paused"
    assert await world.store.holds() == {}
    assert await world.store.meters(["rate:agent/support:orders.get"]) == (None,)
    assert TicketState.PENDING not in {t.state for t in await world.store.tickets(frozenset(TicketState))}


@pytest.mark.requirement("I2", "I7")
async def test_a_place_among_calls_under_way_comes_back_when_recording_works_again() -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    world = await World.build(rules=limited("orders.slow", concurrent=1), store=(store, memory))
    run = await world.open_run()
    call = asyncio.create_task(world.call(run, "orders__slow", {"order": "A"}))
    await world.upstreams[ORDERS].until_executed(1)
    store.fail_at(StoreStep.RECORD)
    await world.housekeeping.look_at_time()
    world.upstreams[ORDERS].release()
    assert code(await call) == "Ambiguous"
    store.work_again()
    assert code(await world.call(run, "orders__slow", {"order": "B"})) == "concurrency"
    await world.housekeeping.look_at_time()
    assert code(await world.call(run, "orders__slow", {"order": "C"})) == "Returned"
    assert [e["decision"] for e in await world.entries() if e["kind"] == "outcome"] == ["ambiguous", "returned"]
