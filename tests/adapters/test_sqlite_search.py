"""Searching a log that is partly in the index and partly not yet."""

import asyncio
from pathlib import Path

import pytest
from tests.adapters.faulty_disk import PATIENCE_S, Watched

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite import reader
from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.records.entry import EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditQuery
from ringfence.testing.contracts.samples import an_entry
from ringfence.testing.contracts.store import accept, adding, fails

QUERIES = [
    AuditQuery(),
    AuditQuery(agent="a1", limit=300),
    AuditQuery(agent="a1", limit=1000, oldest_first=True),
    AuditQuery(decision="deny", since=1100, until=2500, limit=1000),
    AuditQuery(kind="outcome", before=900, limit=7),
    AuditQuery(kind="outcome", before=900, limit=7, oldest_first=True),
    AuditQuery(run="r3", tool="t1", limit=1000),
    AuditQuery(call="c1023"),
    AuditQuery(text="NUMBER 5", limit=1000),
    AuditQuery(text="number 599", agent="a2"),
]


@pytest.mark.requirement("I20")
@pytest.mark.parametrize("entries", [100, 600, 1500])
async def test_every_query_answers_as_the_memory_store_does(tmp_path: Path, entries: int) -> None:
    plain, store = MemoryStore(), await open_store(tmp_path)
    for n in range(entries):
        kind = EntryKind.OUTCOME if n % 4 == 0 else EntryKind.DECISION
        names = {"run": f"r{n % 5}", "agent": f"a{n % 3}", "tool": f"t{n % 7}", "call": f"c{n}"}
        entry = an_entry(f"number {n}", kind=kind, at=1000 + n, decision="deny" if n % 3 else "allow", **names)
        await plain.record(Unit((entry,)))
        receipt = await store.record(Unit((entry,)))
        assert not isinstance(receipt, Conflict)
        if n % 37 == 0 or n == entries - 1:
            await receipt.journaled()
    for query in QUERIES:
        assert await store.query(query) == await plain.query(query), query
    await store.close()
    again = await open_store(tmp_path)
    for query in QUERIES:
        assert await again.query(query) == await plain.query(query), query
    await again.close()


async def test_a_query_sees_what_was_journaled_just_before(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for n in range(1200):
        await accept(store, Unit((an_entry(f"e{n}", call=f"c{n}"),)))
        if n % 50 == 0 or n > 1190:
            assert [record.seq for record in await store.query(AuditQuery(call=f"c{n}"))] == [n]
    await store.close()


async def test_a_query_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "DEADLINE_S", 0.0)
    monkeypatch.setattr(reader, "LOOK_EVERY", 10)
    store = await open_store(tmp_path)
    await accept(store, adding(*(str(n) for n in range(500))))
    with pytest.raises(UnavailableError, match="took longer"):
        await store.query(AuditQuery(text="nothing like it"))
    monkeypatch.setattr(reader, "DEADLINE_S", 60.0)
    assert await store.query(AuditQuery(text="nothing like it")) == ()
    await store.close()


async def test_reads_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WAITING", 3)
    store = await open_store(tmp_path)
    await accept(store, adding("one"))
    answers = await asyncio.gather(*(store.query(AuditQuery()) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(answer, UnavailableError) for answer in answers) == 7
    assert len(await store.query(AuditQuery())) == 1
    await store.close()


async def test_the_event_loop_turns_while_a_query_runs(tmp_path: Path) -> None:
    watched = await Watched.open(tmp_path)
    await accept(watched.store, adding(*(str(n) for n in range(500))))
    asked = asyncio.ensure_future(watched.store.query(AuditQuery(text="x")))
    turned = await watched.store.record(adding("meanwhile"))
    assert not isinstance(turned, Conflict)
    await asyncio.wait_for(turned.journaled(), PATIENCE_S)
    assert await asked == await watched.store.query(AuditQuery(text="x", before=500))
    await watched.store.close()


async def test_a_walk_through_the_log_ends_when_the_store_is_closed(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(store, adding(*(str(n) for n in range(600))))
    walk = store.leaves(0, 600)
    assert (await anext(walk)).seq == 0
    await store.close()
    with pytest.raises(UnavailableError):
        async for _ in walk:
            pass
    await fails(store.record_at(0))
