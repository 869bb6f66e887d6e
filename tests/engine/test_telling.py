"""What charts and traces are told is what the log has: every decision, end, wait, run and stop, and nobody's words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.engine.test_metered_tree import a_body, ask, priced, rules_for

from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.mcp.client_meta import client_meta
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.telemetry.events import (
    Decided,
    Ended,
    Ending,
    Recorded,
    Remote,
    RunBegan,
    RunEnded,
    StopLifted,
    StopSet,
    Waited,
)
from ringfence.core.telemetry.names import UNKNOWN
from ringfence.engine.outcome import Refused, Returned, Waiting
from ringfence.engine.request import SILENT
from ringfence.engine.runs.runs import NotDone
from ringfence.engine.stopping.stops import Stopped
from ringfence.ports.upstream import Answered
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.fakes.telemetry import FakeTelemetry
from ringfence.testing.scenario import ORDERS
from ringfence.testing.world import World

CANARY = "canary-4f1d"


async def a_world() -> tuple[World, FakeTelemetry]:
    told = FakeTelemetry()
    return await World.build(telemetry=told), told


async def test_a_call_is_told_with_its_decision_and_its_end() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    assert isinstance(await world.call(opened, "orders__get", {"order": "A1"}), Returned)
    (decided,), (ended,) = told.of(Decided), told.of(Ended)
    assert (decided.agent, decided.tool, decided.level, decided.method) == ("support", "orders.get", "allow", "tools/call")
    assert (decided.run, decided.root, decided.code, decided.rule) == (opened.run.id, opened.run.id, "", None)
    assert (ended.call, ended.ending, ended.decided, ended.used) == (decided.call, Ending.RETURNED, decided, None)
    entries = {f"e{entry['seq']}": entry for entry in await world.entries()}
    assert entries[decided.entry]["kind"] == "decision"
    assert entries[ended.entry]["kind"] == "outcome"


async def test_a_refusal_is_told_by_the_class_that_the_agent_hears() -> None:
    world, told = await a_world()
    opened = await world.open_run("reader")
    assert isinstance(await world.call(opened, "payments__refund", {"order": "A1", "amount": 3}), Refused)
    (decided,) = told.of(Decided)
    assert (decided.level, decided.rule, decided.code) == ("deny", RuleClass.UNKNOWN_TOOL, "not_exposed")
    assert told.of(Ended) == []


async def test_names_that_an_agent_makes_up_are_one_word() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    for number in range(3):
        await world.call(opened, f"orders__{CANARY}{number}", {"order": CANARY})
    assert {decided.tool for decided in told.of(Decided)} == {UNKNOWN}


async def test_an_agent_that_the_configuration_no_longer_has_is_one_word_too() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    rules = world.catalogue.rules
    world.catalogue.replace(replace(rules, agents={}), world.upstreams)
    await world.call(opened, "orders__get", {"order": "A1"})
    assert [decided.agent for decided in told.of(Decided)] == [UNKNOWN]


async def test_a_server_that_answers_with_an_error_has_failed() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    world.upstreams[ORDERS].replies["get"] = Answered({"content": [], "isError": True})
    await world.call(opened, "orders__get", {"order": "A1"})
    await world.call(opened, "orders__boom", {"order": "A1"})
    assert [(ended.ending, ended.code) for ended in told.of(Ended)] == [(Ending.FAILED, None), (Ending.FAILED, -32603)]


async def test_a_wait_is_told_when_it_ends_and_once() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    ticket = await world.ask(opened)
    assert told.of(Waited) == []
    world.clock.advance(5000)
    await world.approve(ticket)
    (waited,), (asking,) = told.of(Waited), told.of(Decided)
    assert (waited.ticket, waited.state, waited.decided) == (ticket.id, "approved", asking)
    assert waited.at - waited.since == 5000
    assert isinstance(await world.claim(opened, ticket), Returned)
    assert [decided.ticket for decided in told.of(Decided)] == [ticket.id, ticket.id]
    assert len(told.of(Waited)) == 1


async def test_an_approval_that_nobody_uses_in_time_has_waited_once() -> None:
    world, told = await a_world()
    ticket = await world.ask(await world.open_run())
    await world.approve(ticket)
    world.clock.advance(ticket.expires_at - world.clock.now() + 1)
    assert await world.approvals.expire() == 1
    assert [waited.state for waited in told.of(Waited)] == ["approved"]


async def test_what_nobody_decides_expires_and_is_told_so() -> None:
    world, told = await a_world()
    ticket = await world.ask(await world.open_run())
    world.clock.advance(ticket.expires_at - world.clock.now() + 1)
    await world.approvals.expire()
    assert [waited.state for waited in told.of(Waited)] == ["expired"]


async def test_a_wait_that_is_asked_about_again_begins_once() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    ticket = await world.ask(opened)
    assert isinstance(await world.call(opened, "payments__refund", {"order": "A1", "amount": 25}), Waiting)
    await world.deny(ticket)
    (waited,) = told.of(Waited)
    assert waited.decided == told.of(Decided)[0]


async def test_runs_are_told_with_the_root_of_their_tree() -> None:
    world, told = await a_world()
    root = await world.open_run()
    child = await world.open_run(parent=root.run)
    await world.call(child, "orders__get", {"order": "A1"})
    await world.runs.close(root.run.id, by="operator:ada", why=CANARY)
    assert [began.run for began in told.of(RunBegan)] == [root.run.id, child.run.id]
    assert told.of(Decided)[0].root == root.run.id
    ended = {one.run: one for one in told.of(RunEnded)}
    assert (ended[child.run.id].root, ended[child.run.id].parent) == (root.run.id, root.run.id)
    assert ended[root.run.id].parent is None


async def test_a_kill_and_its_lifting_are_told() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    scope = Scope(ScopeKind.RUN, opened.run.id)
    stopped = await world.stops.stop(StopMode.KILL, scope, reason=CANARY, by="operator:ada")
    assert isinstance(stopped, Stopped)
    (told_stop,) = told.of(StopSet)
    assert (told_stop.mode, told_stop.scope, told_stop.root) == (StopMode.KILL, ScopeKind.RUN, opened.run.id)
    await world.call(opened, "orders__get", {"order": "A1"})
    assert told.of(Decided)[0].rule is RuleClass.STOPPED
    lifted = await world.stops.lift(stopped.stop.id, await world.operator("bo"), reason="over", confirmed=True)
    assert not isinstance(lifted, NotDone)
    assert [one.stop for one in told.of(StopLifted)] == [stopped.stop.id]


async def test_a_clients_trace_is_told_with_its_span() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    client = replace(SILENT, meta=client_meta({"traceparent": f"00-{trace}-{span}-00"}))
    await world.call(opened, "orders__get", {"order": "A1"}, client=client)
    assert told.of(Decided)[0].remote == Remote(trace, span)


async def test_a_request_to_a_model_is_told_with_what_it_used() -> None:
    def usage(asked: Mapping[str, Any]) -> Mapping[str, int] | None:
        return {"input_tokens": 100, "output_tokens": 7} if asked["max_tokens"] == 400 else None

    told = FakeTelemetry()
    rules = rules_for(ModelCap(MeterKind.SPEND, 10**9))
    world = await World.build(rules=rules, models={"vendor": FakeModel(usage)}, telemetry=told)
    opened = await world.open_run()
    await ask(world, opened, a_body(400))
    (decided,), (ended,) = told.of(Decided), told.of(Ended)
    assert decided.asked is not None
    assert (decided.asked.model, decided.asked.upstream, decided.asked.max_tokens) == ("claude-sonnet-4-5", "vendor", 400)
    assert (decided.tool, decided.method) == ("model.messages", "")
    assert ended.used is not None
    assert (ended.used.tokens_in, ended.used.tokens_out, ended.used.end, ended.used.status) == (100, 7, "complete", 200)
    assert ended.used.micro == priced({"input_tokens": 100, "output_tokens": 7})
    assert ended.used.kinds == {"plain": 100, "output": 7}
    await ask(world, opened, a_body(500))
    lost = told.of(Ended)[1]
    assert lost.used is not None
    entry = next(entry for entry in await world.entries() if f"e{entry['seq']}" == told.of(Decided)[1].entry)
    assert lost.used.micro == entry["body"]["arguments"]["most"]["micro"]


async def test_every_entry_is_told_and_nothing_that_was_turned_away() -> None:
    world, told = await a_world()
    opened = await world.open_run()
    ticket = await world.ask(opened)
    await world.approve(ticket)
    await world.claim(opened, ticket)
    assert isinstance(await world.vote(ticket, approve=True, by="bo"), NotDone)
    kinds = Counter(entry["kind"] for entry in await world.entries())
    assert Counter(one.kind for one in told.of(Recorded)) == kinds
    assert Counter(one.level for one in told.of(Decided)) == {"ask": 1, "allow": 1}


async def test_nothing_told_holds_an_argument_a_result_a_task_or_a_reason() -> None:
    world, told = await a_world()
    opened = await world.open_run(task=f"do {CANARY}")
    await world.call(opened, "orders__note", {"order": CANARY, "text": CANARY})
    await world.call(opened, "orders__get", {"order": CANARY, "more": CANARY})
    ticket = await world.ask(opened, arguments={"order": CANARY, "amount": 3})
    await world.deny(ticket)
    await world.call(opened, CANARY, {})
    await world.stops.stop(StopMode.PAUSE, Scope(ScopeKind.AGENT, "support"), reason=CANARY, by="operator:ada")
    await world.runs.close(opened.run.id, by="operator:ada", why=CANARY)
    assert len(told.events) > 10
    assert CANARY not in repr(told.events)
    assert CANARY in json.dumps(await world.entries())
