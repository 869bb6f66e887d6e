"""When the disk says no: sends are denied, results withheld, kills kept."""

from __future__ import annotations

import asyncio

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.operator import Role
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.engine.outcome import Ambiguous, NotSent, Refused, Returned
from ringfence.engine.stopping.stops import Stopped
from ringfence.errors import UnavailableError
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import ORDERS, PAYMENTS
from ringfence.testing.world import World

NOTE = {"order": "A1", "text": "called back"}


async def world_with_store() -> tuple[World, FakeStore]:
    memory = MemoryStore()
    store = FakeStore(memory)
    return await World.build(store=(store, memory)), store


@pytest.mark.requirement("I1")
@pytest.mark.requirement("I3")
@pytest.mark.parametrize("step", [StoreStep.RECORD, StoreStep.JOURNALED, StoreStep.DURABLE])
async def test_a_write_that_cannot_be_recorded_never_reaches_the_server(step: StoreStep) -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    store.fail_at(step)
    try:
        outcome = await world.call(run, "orders__note", NOTE)
    except UnavailableError:
        outcome = None
    assert not isinstance(outcome, Returned)
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I1")
@pytest.mark.requirement("I4")
async def test_an_approved_call_whose_consumption_is_not_durable_is_not_sent() -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.approve(ticket)
    store.fail_at(StoreStep.DURABLE)
    assert isinstance(await world.claim(run, ticket), Refused)
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I1")
async def test_the_result_of_a_read_is_withheld_when_it_is_not_in_the_journal() -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    store.fail_at(StoreStep.JOURNALED)
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Ambiguous)
    assert len(world.upstreams[ORDERS].executed) == 1, "a read of internal data is sent at once"


@pytest.mark.requirement("I1")
async def test_a_failing_fsync_does_not_hold_back_a_read_of_internal_data() -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    store.fail_at(StoreStep.DURABLE)
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)


@pytest.mark.requirement("I3")
@pytest.mark.requirement("I6")
async def test_nothing_is_sent_when_the_stops_cannot_be_read_at_the_last_look() -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    gate = world.upstreams[ORDERS].gate = asyncio.Event()
    call = asyncio.create_task(world.call(run, "orders__get", {"order": "A1"}))
    await world.upstreams[ORDERS].until_waiting()
    store.fail_at(StoreStep.STOPS_ON)
    gate.set()
    outcome = await call
    assert isinstance(outcome, NotSent)
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I3")
async def test_unreadable_state_denies() -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    store.fail_at(StoreStep.READ)
    with pytest.raises(UnavailableError):
        await world.call(run, "orders__get", {"order": "A1"})
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I6")
async def test_a_kill_holds_although_nothing_can_be_written() -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    store.fail_at(StoreStep.RECORD, StoreStep.DURABLE)
    acknowledged = await world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="disk full", by="operator:ada")
    assert isinstance(acknowledged, Stopped)
    assert not acknowledged.durable
    store.work_again()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Refused)


@pytest.mark.requirement("I5")
async def test_a_vote_that_is_not_durable_does_not_count_as_given() -> None:
    world, store = await world_with_store()
    run = await world.open_run()
    ticket = await world.ask(run)
    bob = await world.operator("bob", Role.APPROVER)
    store.fail_at(StoreStep.DURABLE)
    with pytest.raises(UnavailableError):
        await world.approvals.vote(bob, ticket.id, approve=True, card_digest=ticket.card_digest, reason="")
