"""Kill, pause, disable: in force before they are acknowledged, and after everything else."""

from __future__ import annotations

import asyncio

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.operator import Role
from ringfence.core.model.stop import Scope, ScopeKind, Stop, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import AddStop, Unit
from ringfence.core.rules import AgentRule
from ringfence.engine.outcome import Ambiguous, NotSent, Refused, Returned
from ringfence.engine.runs.runs import NotDone
from ringfence.engine.steps import Step
from ringfence.engine.stopping.stops import Lifted, Stopped
from ringfence.ports.notifier import AlertKind
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import ORDERS, PAYMENTS, shop_rules
from ringfence.testing.world import World

ORDER = {"order": "A1"}
EVERYTHING = Scope(ScopeKind.EVERYTHING)


async def stop(world: World, scope: Scope, mode: StopMode = StopMode.KILL, by: str = "operator:ada") -> Stopped:
    acknowledged = await world.stops.stop(mode, scope, reason="a test says so", by=by)
    assert isinstance(acknowledged, Stopped), acknowledged
    return acknowledged


@pytest.mark.requirement("I6")
@pytest.mark.parametrize(
    "scope",
    [
        EVERYTHING,
        Scope(ScopeKind.AGENT, "support"),
        Scope(ScopeKind.SERVER, "orders"),
        Scope(ScopeKind.TOOL, "orders.get"),
        Scope(ScopeKind.TOOL, "orders.get", AgentId("support")),
    ],
    ids=str,
)
async def test_after_a_kill_no_call_in_scope_starts(scope: Scope) -> None:
    world = await World.build()
    run = await world.open_run()
    await stop(world, scope)
    outcome = await world.call(run, "orders__get", ORDER)
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.KILLED
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I6")
@pytest.mark.parametrize(
    "scope",
    [
        Scope(ScopeKind.AGENT, "reader"),
        Scope(ScopeKind.SERVER, "payments"),
        Scope(ScopeKind.TOOL, "orders.note"),
        Scope(ScopeKind.TOOL, "orders.get", AgentId("reader")),
    ],
    ids=str,
)
async def test_what_lies_outside_the_scope_goes_on(scope: Scope) -> None:
    world = await World.build()
    run = await world.open_run()
    await stop(world, scope)
    assert isinstance(await world.call(run, "orders__get", ORDER), Returned)


@pytest.mark.requirement("I6")
async def test_the_gateways_own_servers_can_be_stopped_by_name() -> None:
    coder = AgentRule(id=AgentId("coder"), purpose="writes code", tools=(), models=("*",))
    world = await World.build(rules=shop_rules(agents=(coder,)))
    await stop(world, Scope(ScopeKind.SERVER, "model"))
    refused = await world.stops.stop(StopMode.KILL, Scope(ScopeKind.SERVER, "modle"), reason="a slip", by="operator:ada")
    assert isinstance(refused, NotDone)
    assert "model," in refused.remedy


@pytest.mark.requirement("I6")
@pytest.mark.requirement("I11")
async def test_a_kill_of_a_run_takes_its_subtree_and_spares_its_parent() -> None:
    world = await World.build()
    root = await world.open_run()
    child = await world.open_run(parent=root.run)
    grandchild = await world.open_run(parent=child.run)
    await stop(world, Scope(ScopeKind.RUN, child.run.id))
    outcomes = [await world.call(run, "orders__get", ORDER) for run in (root, child, grandchild)]
    assert [isinstance(outcome, Returned) for outcome in outcomes] == [True, False, False]


@pytest.mark.requirement("I6")
async def test_a_call_that_hangs_is_cancelled_upstream_listed_and_recorded() -> None:
    world = await World.build()
    run = await world.open_run()
    call = asyncio.create_task(world.call(run, "orders__slow", ORDER))
    await world.upstreams[ORDERS].until_executed(1)
    world.clock.advance(5000)
    acknowledged = await stop(world, EVERYTHING)
    assert [(c.tool, c.sent, c.ended) for c in acknowledged.inflight] == [("orders.slow", True, True)]
    outcome = await call
    assert isinstance(outcome, Ambiguous)
    assert len(world.upstreams[ORDERS].cancelled) == 1
    ended = [e for e in await world.entries() if e["kind"] == "outcome"][-1]
    assert ended["decision"] == "ambiguous"
    assert ended["body"]["stopped"] is True


@pytest.mark.requirement("I6")
async def test_a_young_call_may_answer_before_the_kill_is_acknowledged() -> None:
    world = await World.build()
    run = await world.open_run()
    call = asyncio.create_task(world.call(run, "orders__slow", ORDER))
    await world.upstreams[ORDERS].until_executed(1)
    kill = asyncio.create_task(stop(world, EVERYTHING))
    await world.clock.until_sleeping()
    assert not kill.done(), "not acknowledged while the request may still lie in a buffer"
    world.upstreams[ORDERS].release()
    assert isinstance(await call, Returned)
    acknowledged = await kill
    assert [c.ended for c in acknowledged.inflight] == [True]


@pytest.mark.requirement("I2", "I6")
async def test_a_stop_that_comes_while_an_answer_is_being_recorded_leaves_the_answer_alone() -> None:
    world: World | None = None

    def at_step(step: Step) -> None:
        if step is Step.JOURNAL and world is not None:
            for flight in world.inflight.all():
                flight.stop()

    world = await World.build(at_step=at_step)
    run = await world.open_run()
    call = asyncio.create_task(world.call(run, "orders__get", ORDER))
    assert isinstance(await call, Returned)
    assert (await world.entries())[-1]["decision"] == "returned"


@pytest.mark.requirement("I6")
async def test_a_call_that_was_decided_but_not_sent_is_never_sent() -> None:
    world = await World.build()
    run = await world.open_run()
    gate = world.upstreams[ORDERS].gate = asyncio.Event()
    call = asyncio.create_task(world.call(run, "orders__get", ORDER))
    await world.upstreams[ORDERS].until_waiting()
    acknowledged = await stop(world, EVERYTHING)
    assert [(c.sent, c.ended) for c in acknowledged.inflight] == [(False, True)]
    gate.set()
    assert isinstance(await call, NotSent)
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I5")
@pytest.mark.requirement("I6")
async def test_a_kill_withdraws_tickets_and_nothing_approved_before_survives_it() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.approve(ticket)
    acknowledged = await stop(world, Scope(ScopeKind.SERVER, "payments"))
    assert acknowledged.withdrawn == (ticket.id,)
    assert isinstance(await world.claim(run, ticket), Refused)
    boss = await world.operator("boss")
    assert isinstance(await world.stops.lift(acknowledged.stop.id, boss, reason="mended", confirmed=False), Lifted)
    claimed = await world.claim(run, ticket)
    assert isinstance(claimed, Refused)
    assert claimed.code is ReasonCode.APPROVAL_WITHDRAWN
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I6")
async def test_a_waiting_call_hears_of_the_kill_and_executes_nothing() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    waiting = asyncio.create_task(world.approvals.wait(ticket.id, 45))
    await asyncio.sleep(0)
    await stop(world, EVERYTHING)
    moved = await waiting
    assert moved is not None
    assert moved.state is TicketState.WITHDRAWN


@pytest.mark.requirement("I6")
async def test_a_pause_keeps_tickets_and_can_be_lifted_by_the_same_person() -> None:
    world = await World.build()
    ada = await world.operator("ada", Role.APPROVER)
    run = await world.open_run()
    ticket = await world.ask(run)
    paused = await stop(world, Scope(ScopeKind.AGENT, "support"), StopMode.PAUSE)
    outcome = await world.call(run, "orders__get", ORDER)
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.PAUSED
    assert isinstance(await world.stops.lift(paused.stop.id, ada, reason="", confirmed=False), Lifted)
    await world.approve(ticket)
    assert isinstance(await world.claim(run, ticket), Returned)


@pytest.mark.requirement("I6")
async def test_a_kill_is_lifted_by_a_second_admin_only() -> None:
    world = await World.build()
    ada, bob = await world.operator("ada"), await world.operator("bob")
    vic = await world.operator("vic", Role.APPROVER)
    killed = await stop(world, EVERYTHING, by="operator:ada")
    assert isinstance(await world.stops.lift(killed.stop.id, ada, reason="sorry", confirmed=True), NotDone)
    assert isinstance(await world.stops.lift(killed.stop.id, vic, reason="please", confirmed=True), NotDone)
    assert isinstance(await world.stops.lift(killed.stop.id, bob, reason="  ", confirmed=True), NotDone)
    lifted = await world.stops.lift(killed.stop.id, bob, reason="mended", confirmed=False)
    assert isinstance(lifted, Lifted)
    assert not lifted.single_person


@pytest.mark.requirement("I6")
async def test_the_only_admin_lifts_a_kill_with_a_second_confirmation_and_a_reason_and_it_is_logged() -> None:
    world = await World.build()
    ada = await world.operator("ada")
    killed = await stop(world, EVERYTHING, by="operator:ada")
    assert isinstance(await world.stops.lift(killed.stop.id, ada, reason="mended", confirmed=False), NotDone)
    assert isinstance(await world.stops.lift(killed.stop.id, ada, reason="", confirmed=True), NotDone)
    lifted = await world.stops.lift(killed.stop.id, ada, reason="mended", confirmed=True)
    assert isinstance(lifted, Lifted)
    assert lifted.single_person
    assert (await world.entries())[-1]["body"]["single_person"] is True


async def test_a_stop_on_something_unknown_is_refused_with_the_known_names() -> None:
    world = await World.build()
    refused = await world.stops.stop(StopMode.KILL, Scope(ScopeKind.AGENT, "suport"), reason="", by="operator:ada")
    assert isinstance(refused, NotDone)
    assert "support" in refused.remedy


@pytest.mark.requirement("I6")
async def test_the_lever_kills_everything_and_letting_go_of_it_does_not_un_kill() -> None:
    world = await World.build()
    run = await world.open_run()
    keeper = world.housekeeping
    await keeper.look_at_lever()
    assert isinstance(await world.call(run, "orders__get", ORDER), Returned)
    world.lever.why = "smoke in the server room"
    await keeper.look_at_lever()
    await keeper.look_at_lever()
    assert len(await world.stops.in_force()) == 1
    world.lever.why = None
    await keeper.look_at_lever()
    assert isinstance(await world.call(run, "orders__get", ORDER), Refused)
    assert [alert.kind for alert in world.notifier.alerts].count(AlertKind.KILL) == 1


@pytest.mark.requirement("I6", "I14")
async def test_a_kill_that_was_cut_off_before_its_withdrawals_is_finished_at_the_next_start() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run, "payments__refund", {"order": "A1", "amount": 5})
    entry = Entry(kind=EntryKind.CONTROL, at=world.clock.now(), summary="kill", decision="kill", by="operator:ada", body={})
    cut_off = Stop(id="s_1", mode=StopMode.KILL, scope=EVERYTHING, reason="", by="operator:ada", at=world.clock.now())
    await world.store.record(Unit((entry,), (AddStop(cut_off),)))
    restarted = await World.build(store=(world.store, world.log), clock=world.clock)
    assert await restarted.stops.finish() == (ticket.id,)
    after = await restarted.store.ticket(ticket.id)
    assert after is not None
    assert after.state is TicketState.WITHDRAWN
    assert await restarted.stops.finish() == ()


@pytest.mark.requirement("I6", "I14")
async def test_a_kill_on_a_full_disk_is_finished_when_recording_works_again() -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    world = await World.build(store=(store, memory))
    run = await world.open_run()
    ticket = await world.ask(run, "payments__refund", {"order": "A1", "amount": 5})
    keeper = world.housekeeping
    store.fail_at(StoreStep.RECORD)
    assert (await stop(world, EVERYTHING)).withdrawn == ()
    await keeper.look_at_time()
    store.work_again()
    await keeper.look_at_time()
    after = await world.store.ticket(ticket.id)
    assert after is not None
    assert after.state is TicketState.WITHDRAWN


async def test_a_pause_that_is_in_force_at_a_start_leaves_its_tickets_waiting() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run, "payments__refund", {"order": "A1", "amount": 5})
    await stop(world, EVERYTHING, StopMode.PAUSE)
    assert await world.stops.finish() == ()
    after = await world.store.ticket(ticket.id)
    assert after is not None
    assert after.state is TicketState.PENDING
