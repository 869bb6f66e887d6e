"""Hashes kept as tiles say what the leaves say, and bodies that were dropped are gone from the file."""

import asyncio
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.tree import merkle_root
from ringfence.core.records.unit import Unit
from ringfence.ports.audit import AuditLog
from ringfence.testing.contracts.samples import an_entry
from ringfence.testing.contracts.store import accept, adding

LONG = 70_000


async def filled(directory: Path, entries: int) -> SqliteStore:
    store = await open_store(directory)
    for start in range(0, entries, 500):
        await accept(store, adding(*(str(n) for n in range(start, min(entries, start + 500)))))
    return store


def tables(directory: Path) -> list[tuple[object, ...]]:
    db = apsw.Connection(str(directory / "ringfence.db"))
    found = db.execute("select level, count(*) from tiles group by level").fetchall()
    db.close()
    return [tuple(row) for row in found]


async def every_hash(log: AuditLog, size: int) -> list[bytes]:
    found: list[bytes] = []
    for level in range(3):
        for start in range(0, size >> (8 * level), 256):
            found += await log.hashes(level, start, min(256, (size >> (8 * level)) - start))
    return found


@pytest.mark.requirement("I12")
async def test_tiles_say_what_the_leaves_say_before_and_after_a_restart(tmp_path: Path) -> None:
    plain = MemoryStore()
    await accept(plain, adding(*(str(n) for n in range(3000))))
    store = await filled(tmp_path, 3000)
    expected = await every_hash(plain, 3000)
    assert await every_hash(store, 3000) == expected
    await store.close()
    assert tables(tmp_path) == [(0, 11)]
    again = await open_store(tmp_path)
    assert await every_hash(again, 3000) == expected
    await again.close()


@pytest.mark.requirement("I12")
async def test_a_log_from_before_there_were_tiles_answers_the_same_and_gets_them(tmp_path: Path) -> None:
    store = await filled(tmp_path, LONG)
    expected = await every_hash(store, LONG)
    await store.close()
    assert tables(tmp_path) == [(0, 273), (1, 1)]
    db = apsw.Connection(str(tmp_path / "ringfence.db"))
    db.execute("drop table tiles; pragma user_version = 2")
    db.close()
    again = await open_store(tmp_path)
    assert await every_hash(again, LONG) == expected
    await again.close()
    assert tables(tmp_path) == [(0, 273), (1, 1)]


async def test_dropping_bodies_changes_no_hash_and_leaves_none_of_them_in_the_files(tmp_path: Path) -> None:
    store = await open_store(tmp_path, salt=lambda: "5a17" * 8)
    for n in range(600):
        entry = replace(an_entry(f"entry {n}", at=n), body={"secret": f"horse battery {n}"})
        await accept(store, Unit((entry,)))
    before = await every_hash(store, 600)
    while await store.drop_bodies(300, 100):
        pass
    assert await every_hash(store, 600) == before
    leaves = [record.leaf async for record in store.leaves(0, 600)]
    assert [b"horse" in leaf for leaf in leaves] == [False] * 300 + [True] * 300
    assert sum(b"5a17" in leaf for leaf in leaves) == 300
    assert merkle_root(map(entry_hash, leaves)) == merkle_root(before[:600])
    await store.close()
    assert b"horse battery 299" not in (tmp_path / "ringfence.db").read_bytes()
    assert b"horse battery 300" in (tmp_path / "ringfence.db").read_bytes()
    again = await open_store(tmp_path)
    assert await again.drop_bodies(301, 100) == 1
    await again.close()


async def test_bodies_are_dropped_while_entries_come_in(tmp_path: Path) -> None:
    store = await filled(tmp_path, 1000)
    dropping = asyncio.ensure_future(store.drop_bodies(1 << 62, 400))
    await accept(store, adding("meanwhile"))
    assert await dropping == 400
    assert (await store.head()).size == 1001
    await store.close()
