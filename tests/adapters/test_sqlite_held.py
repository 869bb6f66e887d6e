"""A unit for which nobody waits is kept back a moment, to be written together with the next one, and never longer."""

import asyncio
from pathlib import Path

from tests.adapters.faulty_disk import PATIENCE_S

from ringfence.adapters.stores.sqlite.pending import Pending, Stage
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.records.unit import Settle, Unit
from ringfence.ports.audit import AuditQuery
from ringfence.testing.contracts.samples import an_entry, opening, reserving
from ringfence.testing.contracts.store import accept


async def recorded(store: SqliteStore) -> Pending:
    pending = await store.record(Unit((an_entry(),)))
    assert isinstance(pending, Pending)
    return pending


async def test_a_unit_for_which_nobody_waits_is_written_all_the_same(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    pending = await recorded(store)
    async with asyncio.timeout(PATIENCE_S):
        while not await store.query(AuditQuery(limit=10)):
            pass
    assert pending.first_seq == 0
    await store.close()


async def test_who_waits_for_a_unit_waits_for_those_before_it_too(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    first = await recorded(store)
    second = await recorded(store)
    await second.journaled()
    assert first.stage >= Stage.JOURNALED
    third = await recorded(store)
    fourth = await recorded(store)
    await fourth.durable()
    assert third.stage is Stage.DURABLE
    await store.close()


async def test_a_store_that_closes_writes_what_it_kept_back(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await recorded(store)
    await store.close()
    again = await open_store(tmp_path)
    assert (await again.head()).size == 1
    await again.close()


async def test_a_call_that_is_over_within_one_batch_leaves_its_account_and_no_hold(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(store, opening())
    await store.record(reserving("c_1", ("run-1", None)))
    over = await store.record(Unit((an_entry(),), (Settle(CallId("c_1")),)))
    assert isinstance(over, Pending)
    await over.durable()
    await store.close()
    again = await open_store(tmp_path)
    assert await again.holds() == {}
    assert (await again.account(RunId("run-1"))).spent == 1
    await again.close()
