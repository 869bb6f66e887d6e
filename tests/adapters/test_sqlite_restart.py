"""What the SQLite store remembers: over a restart, a kill -9 and a power loss."""

import asyncio
import json
import os
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.faulty_disk import PATIENCE_S

from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.tree import merkle_root, root_hash
from ringfence.core.model.identifiers import CallId, Digest, OperatorName, RunId, TicketId
from ringfence.core.model.stop import StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.records.state import Account
from ringfence.core.records.unit import (
    AddStop,
    AddTicket,
    CastVote,
    CloseRun,
    LiftStop,
    MoveTicket,
    PutOperator,
    Release,
    RemoveOperator,
    Settle,
    Unit,
)
from ringfence.testing.contracts.samples import (
    a_reach,
    a_stop,
    a_ticket,
    a_vote,
    an_entry,
    an_operator,
    opening,
    reserving,
)
from ringfence.testing.contracts.store import accept, adding

ROOT = Path(__file__).parents[2]


def size_of(path: Path) -> int:
    return path.stat().st_size


async def leaves(store: SqliteStore) -> list[bytes]:
    return [record.leaf async for record in store.leaves(0, 1 << 40)]


@pytest.mark.requirement("I14")
async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(
        store,
        opening("root", credential="h1"),
        opening("child", ancestors=("root",), credential="h2"),
        opening("closed", credential="h3"),
        Unit((an_entry("closed"),), (CloseRun(RunId("closed")),)),
        reserving("c1", ("child", 9), ("root", 9)),
        reserving("c2", ("child", 9), ("root", 9)),
        reserving("c3", ("root", 9)),
        Unit((), (Settle(CallId("c2")),)),
        Unit((), (Release(CallId("c3")),)),
        Unit((an_entry("asked"),), (AddTicket(a_ticket("t1", run="child", quorum=2)),)),
        Unit((), (CastVote(TicketId("t1"), a_vote("ada")),)),
        Unit((), (AddTicket(a_ticket("t2", run="child", digest="d2")),)),
        Unit((), (MoveTicket(TicketId("t2"), frozenset({TicketState.PENDING}), TicketState.EXPIRED, 7, "time"),)),
        Unit((), (AddTicket(a_ticket("t3", run="child", digest="d2", created_at=1001)),)),
        Unit((an_entry("kill"),), (AddStop(a_stop("s1")), AddStop(a_stop("s2")))),
        Unit((), (LiftStop("s2"),)),
        Unit((), (AddStop(replace(a_stop("p1"), mode=StopMode.PAUSE)), AddStop(replace(a_stop("p2"), mode=StopMode.PAUSE)))),
        Unit((), (LiftStop("p2", 4000),)),
        Unit((), (LiftStop("p1", 5000),)),
        Unit((), (PutOperator(an_operator("ada"), new=True), PutOperator(an_operator("bob"), new=True))),
        Unit((), (RemoveOperator(OperatorName("bob")),)),
    )
    await store.put_checkpoint("note\n", 3)
    before = await leaves(store)
    head = await store.head()
    seen = await everything(store)
    await store.close()
    again = await open_store(tmp_path)
    assert await everything(again) == seen
    assert await leaves(again) == before
    assert await again.head() == head
    assert await again.checkpoint() == "note\n"
    assert root_hash(head.edge) == merkle_root(map(entry_hash, before))
    assert (await accept(again, adding("next"))).first_seq == head.size
    await again.close()


@pytest.mark.requirement("I14")
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
async def test_of_two_tickets_of_one_millisecond_the_later_stays_the_newest(tmp_path: Path, names: tuple[str, str]) -> None:
    old, new = names
    withdraw = MoveTicket(TicketId(old), frozenset({TicketState.PENDING}), TicketState.WITHDRAWN, 7, "replaced")
    store = await open_store(tmp_path)
    await accept(store, opening(), Unit((), (AddTicket(a_ticket(old)),)), Unit((), (withdraw, AddTicket(a_ticket(new)))))
    await store.close()
    again = await open_store(tmp_path)
    state = await again.call_state(RunId("run-1"), a_reach(), Digest("digest-1"))
    assert state is not None
    assert state.ticket == a_ticket(new)
    await again.close()


async def everything(store: SqliteStore) -> list[object]:
    chain = await store.call_state(RunId("child"), a_reach("child", "root"), Digest("d2"))
    return [
        await store.runs(),
        await store.run(RunId("closed")),
        [await store.credential(name) for name in ("h1", "h2", "h3")],
        [await store.account(RunId(name)) for name in ("root", "child", "closed")],
        await store.holds(),
        await store.tickets(frozenset(TicketState)),
        await store.stops(),
        await store.pauses(),
        await store.operators(),
        chain,
    ]


@pytest.mark.requirement("I14")
async def test_a_restart_keeps_every_kind_of_text(tmp_path: Path) -> None:
    reason = 'ångström \u202e a\u0000b "q" \\ 🦊 \u2028'
    store = await open_store(tmp_path)
    await accept(store, opening(), Unit((an_entry(reason),), (AddStop(a_stop(reason=reason)),)))
    await store.close()
    again = await open_store(tmp_path)
    assert await again.stops() == (a_stop(reason=reason),)
    assert (await leaves(again))[1] == an_entry(reason).leaf(1)
    await again.close()


@pytest.mark.requirement("I1")
@pytest.mark.requirement("I14")
@pytest.mark.parametrize("lines", [40, 700])
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, lines: int) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.adapters.recording_child", str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert child.stdout is not None
    said = [await asyncio.wait_for(child.stdout.readline(), PATIENCE_S) for _ in range(lines)]
    child.kill()
    said += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    acknowledged = [int(line.split()[1]) for line in said if line.endswith(b"\n")]
    assert len(acknowledged) >= lines

    store = await open_store(tmp_path)
    head = await store.head()
    assert head.size > max(acknowledged)
    log = [json.loads(leaf) for leaf in await leaves(store)]
    kinds = Counter(entry["summary"] for entry in log)
    held = {entry["call"] for entry in log if entry["summary"] == "allowed"} - {
        entry["call"] for entry in log if entry["summary"] == "settled"
    }
    assert set(await store.holds()) == held
    assert await store.account(RunId("run-1")) == Account(held=len(held), spent=kinds["settled"])
    assert len(await store.tickets(frozenset({TicketState.PENDING}))) == kinds["asked"]
    assert len(await store.stops()) == kinds["killed"]
    await store.close()


@pytest.mark.requirement("I1")
@pytest.mark.requirement("I2")
async def test_a_power_loss_at_any_prefix_of_the_log_keeps_what_was_durable(tmp_path: Path) -> None:
    """The write-ahead log is cut at many places, as if only so much of it had reached the disk."""
    live, copy = tmp_path / "live", tmp_path / "copy"
    os.mkdir(live)
    store = await open_store(live)
    durable: list[tuple[int, int]] = []
    for n in range(12):
        receipt = await accept(store, adding(f"first {n}"), opening(f"run-{n}"))
        await receipt.durable()
        durable.append((size_of(live / "ringfence.db-wal"), (await store.head()).size))
    whole = await leaves(store)
    journal = (live / "ringfence.db-wal").read_bytes()
    for cut in sorted({*range(0, len(journal), 4099), *(size + d for size, _ in durable for d in (-1, 0)), len(journal)}):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(live, copy, ignore=shutil.ignore_patterns("*-shm"))
        (copy / "ringfence.db-wal").write_bytes(journal[:cut])
        recovered = await open_store(copy)
        kept = await leaves(recovered)
        promised = max((count for size, count in durable if size <= cut), default=0)
        assert promised <= len(kept) <= len(whole)
        assert kept == whole[: len(kept)]
        assert len(await recovered.runs()) * 2 == len(kept)
        await recovered.close()
    await store.close()


async def test_many_entries_are_moved_into_the_database_and_stay_searchable(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(store, opening())
    for n in range(40):
        await accept(store, *(Unit((an_entry(f"{n}/{k} {'x' * 2000}", call=f"c{n}-{k}"),)) for k in range(100)))
    assert size_of(tmp_path / "ringfence.db") > 1_000_000
    assert size_of(tmp_path / "ringfence.db-wal") < 64_000_000
    await store.close()
    again = await open_store(tmp_path)
    head = await again.head()
    assert head.size == 4001
    assert root_hash(head.edge) == merkle_root([entry_hash(leaf) for leaf in await leaves(again)])
    await again.close()
