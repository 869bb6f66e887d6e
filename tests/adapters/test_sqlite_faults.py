"""What the SQLite store does when the disk says no: full, a failed write, a failed fsync."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.faulty_disk import FaultyDisk, Watched

from ringfence.core.model.identifiers import CallId, RunId, TicketId
from ringfence.core.model.ticket import TicketState
from ringfence.core.records.state import Account
from ringfence.core.records.unit import AddStop, AddTicket, Conflict, LiftStop, MoveTicket, Settle, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditQuery
from ringfence.testing.contracts.samples import a_reach, a_stop, a_ticket, an_entry, opening, reserving
from ringfence.testing.contracts.store import accept, adding

STOP = Unit((an_entry("kill"),), (AddStop(a_stop()),))


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = await Watched.open(tmp_path)
    await accept(watched.store, opening())
    yield watched
    watched.disk.let_go()
    try:
        await watched.store.close()
    except UnavailableError:
        assert watched.store.is_degraded()


async def fill(watched: Watched) -> None:
    """Let the disk be full and the store find out."""
    watched.disk.full = True
    lost = await watched.store.record(adding("lost"))
    assert not isinstance(lost, Conflict)
    with pytest.raises(UnavailableError, match="full"):
        await lost.journaled()


@pytest.mark.requirement("I1")
@pytest.mark.requirement("I3")
async def test_every_unit_in_the_batch_and_in_the_queue_is_lost_when_the_disk_is_full(watched: Watched) -> None:
    disk, store = watched.disk, watched.store
    disk.hold()
    receipts = [await store.record(reserving(f"c{n}", ("run-1", None))) for n in range(5)]
    assert disk.reached.wait(30)
    receipts += [await store.record(reserving(f"d{n}", ("run-1", None))) for n in range(5)]
    disk.full = True
    disk.let_go()
    for receipt in receipts:
        assert not isinstance(receipt, Conflict)
        with pytest.raises(UnavailableError, match="full"):
            await receipt.journaled()
        with pytest.raises(UnavailableError, match="full"):
            await receipt.durable()
    assert "full" in store.is_degraded()
    with pytest.raises(UnavailableError, match="full"):
        await store.record(adding("more"))


@pytest.mark.requirement("I7")
async def test_what_was_not_recorded_does_not_count(watched: Watched) -> None:
    store = watched.store
    await accept(store, Unit((), (AddTicket(a_ticket()),)), reserving("kept", ("run-1", None)))
    watched.disk.full = True
    moves = (MoveTicket(TicketId("ticket-1"), frozenset({TicketState.PENDING}), TicketState.EXPIRED, 1, "late"),)
    for unit in (reserving("lost", ("run-1", None)), Unit((), moves), Unit((), (Settle(CallId("kept")),))):
        await store.record(unit)
    assert await watched.change()
    watched.disk.full = False
    assert await watched.change() == ""
    assert await store.account(RunId("run-1")) == Account(held=1)
    assert set(await store.holds()) == {"kept"}
    ticket = await store.ticket(TicketId("ticket-1"))
    assert ticket == a_ticket()


@pytest.mark.requirement("I2")
async def test_the_log_has_no_gap_after_the_disk_was_full(watched: Watched) -> None:
    store = watched.store
    await fill(watched)
    watched.disk.full = False
    assert await watched.change()
    assert await watched.change() == ""
    receipt = await accept(store, adding("next"))
    assert receipt.first_seq == 1
    assert [record.seq async for record in store.leaves(0, 10)] == [0, 1]
    assert (await store.head()).size == 2


@pytest.mark.parametrize("batches", range(4))
async def test_the_disk_may_fill_up_at_any_batch(tmp_path: Path, batches: int) -> None:
    watched = await Watched.open(tmp_path)
    watched.disk.full_after = batches
    accepted = 0
    while not watched.store.is_degraded():
        try:
            receipt = await watched.store.record(adding(f"entry {accepted}"))
            assert not isinstance(receipt, Conflict)
            await receipt.durable()
        except UnavailableError:
            break
        accepted += 1
    assert (await watched.store.head()).size == accepted <= batches
    assert [record.leaf for record in await watched.store.query(AuditQuery(oldest_first=True))] == [
        an_entry(f"entry {n}").leaf(n) for n in range(accepted)
    ]
    await watched.store.close()


async def test_reads_and_queries_go_on_while_nothing_can_be_written(watched: Watched) -> None:
    await fill(watched)
    assert (await watched.store.run(RunId("run-1"))) is not None
    assert len(await watched.store.query(AuditQuery(text="run opened"))) == 1
    assert watched.store.stops_on(a_reach()) == ()


@pytest.mark.requirement("I6")
async def test_a_stop_holds_and_is_durable_while_the_disk_is_full(watched: Watched, tmp_path: Path) -> None:
    await fill(watched)
    receipt = await watched.store.record(STOP)
    assert watched.store.stops_on(a_reach()) == (a_stop(),)
    assert not isinstance(receipt, Conflict)
    await receipt.durable()
    await watched.store.close()
    again = await Watched.open(tmp_path)
    assert again.store.stops_on(a_reach()) == (a_stop(),)
    await again.store.close()


@pytest.mark.requirement("I6")
async def test_a_stop_on_its_way_when_the_disk_fills_up_is_kept(watched: Watched) -> None:
    disk, store = watched.disk, watched.store
    disk.hold()
    await store.record(adding("before"))
    assert disk.reached.wait(30)
    receipt = await store.record(STOP)
    disk.full = True
    disk.let_go()
    assert not isinstance(receipt, Conflict)
    await receipt.durable()
    assert store.stops_on(a_reach()) == (a_stop(),)
    assert store.is_degraded()


@pytest.mark.requirement("I6")
@pytest.mark.requirement("I20")
async def test_the_whole_unit_of_a_stop_is_written_when_there_is_space_again(watched: Watched) -> None:
    store = watched.store
    await accept(store, Unit((), (AddTicket(a_ticket()),)))
    await fill(watched)
    withdraw = MoveTicket(TicketId("ticket-1"), frozenset({TicketState.PENDING}), TicketState.WITHDRAWN, 1, "killed")
    receipt = await store.record(Unit((an_entry("kill of everything"),), (AddStop(a_stop()), withdraw)))
    assert not isinstance(receipt, Conflict)
    await receipt.durable()
    place = receipt.first_seq
    watched.disk.full = False
    assert await watched.change()
    assert await watched.change() == ""
    await accept(store, adding("after"))
    found = await store.query(AuditQuery(text="kill of everything"))
    assert [record.seq for record in found] == [place]
    ticket = await store.ticket(TicketId("ticket-1"))
    assert ticket is not None
    assert ticket.state is TicketState.WITHDRAWN


@pytest.mark.requirement("I6")
async def test_a_lifted_stop_does_not_come_back_from_the_emergency_slot(watched: Watched, tmp_path: Path) -> None:
    await fill(watched)
    await watched.store.record(STOP)
    watched.disk.full = False
    assert await watched.change()
    assert await watched.change() == ""
    lifted = await accept(watched.store, Unit((an_entry("lift"),), (LiftStop("stop-1"),)))
    await lifted.durable()
    await watched.store.close()
    again = await Watched.open(tmp_path)
    assert await again.store.stops() == ()
    assert (await again.store.query(AuditQuery(limit=1)))[0].leaf == an_entry("lift").leaf(2)
    await again.store.close()


@pytest.mark.requirement("I6")
async def test_a_disk_that_fills_up_again_and_again_loses_no_stop(watched: Watched, tmp_path: Path) -> None:
    for n in range(5):
        await fill(watched)
        assert await watched.change()
        receipt = await watched.store.record(Unit((an_entry(f"kill {n}"),), (AddStop(a_stop(f"stop-{n}")),)))
        assert not isinstance(receipt, Conflict)
        watched.disk.full_after = 3  # The probe and its end, then the unit that is owed; the next one fails.
        watched.disk.full = False
        await receipt.durable()
        assert await watched.change() == ""
        watched.disk.full_after = None
        watched.disk.full = False
        while watched.store.is_degraded():
            await watched.change()
        assert {stop.id for stop in watched.store.stops_on(a_reach())} == {f"stop-{k}" for k in range(n + 1)}
    await accept(watched.store, adding("end"))
    entries = [record async for record in watched.store.leaves(0, 100)]
    assert [record.seq for record in entries] == list(range(len(entries)))
    assert sum(b'"summary":"kill ' in record.leaf for record in entries) == 5
    await watched.store.close()
    again = await Watched.open(tmp_path)
    assert len(await again.store.stops()) == 5
    await again.store.close()


@pytest.mark.requirement("I6")
async def test_a_stop_that_only_the_slot_knew_gets_an_entry_at_the_next_start(watched: Watched, tmp_path: Path) -> None:
    await fill(watched)
    receipt = await watched.store.record(STOP)
    assert not isinstance(receipt, Conflict)
    await receipt.durable()
    await watched.store.close()
    again = await Watched.open(tmp_path)
    await accept(again.store, adding("first of the new process"))
    found = await again.store.query(AuditQuery(text="kept in the emergency slot"))
    assert [record.seq for record in found] == [1]
    await again.store.close()
    third = await Watched.open(tmp_path)
    assert (await third.store.head()).size == 3
    assert await third.store.stops() == (a_stop(),)
    await third.store.close()


@pytest.mark.requirement("I6")
async def test_a_stop_that_cannot_be_kept_anywhere_holds_and_says_so(watched: Watched) -> None:
    await fill(watched)
    watched.disk.slot_fails = True
    receipt = await watched.store.record(STOP)
    assert not isinstance(receipt, Conflict)
    with pytest.raises(UnavailableError, match="only until a restart"):
        await receipt.durable()
    assert watched.store.stops_on(a_reach()) == (a_stop(),)


@pytest.mark.requirement("I1")
@pytest.mark.requirement("I3")
async def test_one_failed_fsync_is_final_though_the_next_would_succeed(watched: Watched) -> None:
    disk, store = watched.disk, watched.store
    disk.failing_syncs = 1
    receipt = await store.record(reserving("c1", ("run-1", None)))
    assert not isinstance(receipt, Conflict)
    with pytest.raises(UnavailableError, match="may not be on the disk"):
        await receipt.durable()
    syncs = disk.syncs
    with pytest.raises(UnavailableError):
        await store.record(adding("more"))
    stop = await store.record(STOP)
    assert not isinstance(stop, Conflict)
    await stop.durable()
    assert store.stops_on(a_reach()) == (a_stop(),)
    assert len(await store.query(AuditQuery(text="run opened"))) == 1
    assert store.is_degraded()
    with pytest.raises(UnavailableError, match="for good"):
        await store.close()
    assert disk.syncs == syncs


@pytest.mark.requirement("I14")
async def test_a_restart_after_a_failed_fsync_reads_what_is_there(watched: Watched, tmp_path: Path) -> None:
    watched.disk.failing_syncs = 1
    receipt = await watched.store.record(adding("perhaps"))
    assert not isinstance(receipt, Conflict)
    with pytest.raises(UnavailableError):
        await receipt.durable()
    stop = await watched.store.record(STOP)
    assert not isinstance(stop, Conflict)
    await stop.durable()
    with pytest.raises(UnavailableError):
        await watched.store.close()
    again = await Watched.open(tmp_path)
    assert again.store.is_degraded() == ""
    assert again.store.stops_on(a_reach()) == (a_stop(),)
    await (await accept(again.store, adding("goes on"))).durable()
    await again.store.close()


async def test_a_failed_fsync_while_trying_to_recover_is_final_too(watched: Watched) -> None:
    await fill(watched)
    assert await watched.change()
    watched.disk.failing_syncs = 1
    watched.disk.full = False
    assert "may not be on the disk" in await watched.change()
    with pytest.raises(UnavailableError):
        await watched.store.record(adding("more"))


async def test_units_nobody_waits_for_become_durable_by_themselves(tmp_path: Path) -> None:
    watched = await Watched.open(tmp_path)
    watched.disk.failing_syncs = 1
    await accept(watched.store, adding("alone"))
    assert "may not be on the disk" in await watched.change()
    with pytest.raises(UnavailableError):
        await watched.store.close()


async def test_one_sync_serves_everybody_who_waits(watched: Watched) -> None:
    disk, store = watched.disk, watched.store
    await (await accept(store, adding("before"))).durable()
    disk.hold()
    receipts = [await store.record(adding(f"{n}")) for n in range(300)]
    assert disk.reached.wait(30)
    syncs = disk.syncs
    disk.let_go()
    for receipt in receipts:
        assert not isinstance(receipt, Conflict)
        await receipt.durable()
    assert disk.syncs - syncs < 20


async def test_a_checkpoint_is_turned_away_while_nothing_can_be_written(watched: Watched) -> None:
    await fill(watched)
    with pytest.raises(UnavailableError):
        await watched.store.put_checkpoint("note\n", 1)


async def test_the_queue_is_bounded_but_not_for_stops(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringfence.adapters.stores.sqlite.store.QUEUE_UNITS", 10)
    disk, store = watched.disk, watched.store
    disk.hold()
    receipts = [await store.record(adding(f"{n}")) for n in range(10)]
    with pytest.raises(UnavailableError, match="too many"):
        await store.record(adding("one more"))
    stop = await store.record(STOP)
    assert store.stops_on(a_reach()) == (a_stop(),)
    disk.let_go()
    for receipt in (*receipts, stop):
        assert not isinstance(receipt, Conflict)
        await receipt.journaled()
    await accept(store, adding("room again"))


async def test_closing_makes_everything_accepted_durable(tmp_path: Path) -> None:
    disk = FaultyDisk()
    watched = await Watched.open(tmp_path, disk)
    receipts = [await watched.store.record(adding(f"{n}")) for n in range(50)]
    await watched.store.close()
    for receipt in receipts:
        assert not isinstance(receipt, Conflict)
        await receipt.durable()
    assert sorted(os.listdir(tmp_path)) == ["ringfence.db", "stops.emergency"]


@pytest.mark.requirement("I3")
async def test_a_writer_that_dies_leaves_nobody_waiting(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    died: asyncio.Future[object] = loop.create_future()
    monkeypatch.setattr("threading.excepthook", lambda seen: loop.call_soon_threadsafe(died.set_result, seen))
    watched.disk.defect = RuntimeError("nobody thought of this")
    receipt = await watched.store.record(adding("lost"))
    assert not isinstance(receipt, Conflict)
    with pytest.raises(UnavailableError, match="stopped"):
        await receipt.durable()
    assert watched.store.is_degraded()
    with pytest.raises(UnavailableError, match="stopped"):
        await watched.store.record(adding("more"))
    stop = await watched.store.record(STOP)
    assert not isinstance(stop, Conflict)
    with pytest.raises(UnavailableError, match="only until a restart"):
        await stop.durable()
    assert watched.store.stops_on(a_reach()) == (a_stop(),)
    async with asyncio.timeout(30):
        await died
