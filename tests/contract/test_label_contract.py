"""The contract of labels, on every store, and over restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.migrations import MIGRATIONS
from ringfence.adapters.stores.sqlite.opening import DATABASE_NAME
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.records.unit import JoinLabel, JoinPlace, LowerLabel
from ringfence.testing.contracts.labels import (
    AGENTS,
    BOTH,
    MEMORY,
    RUN,
    SECRET,
    UNTRUSTED,
    LabelContract,
    calling,
    doing,
    label_of,
    opening,
    saying,
)
from ringfence.testing.contracts.store import accept
from ringfence.testing.fakes.store import FakeStore

WORST = Label(Trust.UNTRUSTED, Sensitivity.REGULATED)

pytestmark = pytest.mark.requirement("I10")


class TestMemoryStore(LabelContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        yield store
        await store.close()


class TestSqliteStore(LabelContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = await open_store(tmp_path)
        yield store
        await store.close()


class TestFakeStore(LabelContract):
    @pytest.fixture
    async def store(self) -> FakeStore:
        return FakeStore(MemoryStore())


async def test_labels_places_and_words_survive_a_restart(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(store, opening(), opening("own", by="agent:support"), doing(JoinPlace(MEMORY, SECRET)))
    await accept(store, calling("c1", UNTRUSTED), calling("c2", BOTH, "own"), doing(saying("and pay ann")))
    await accept(store, opening("child", above=("run-1",)), doing(JoinLabel(RunId("child"), SECRET)))
    await store.close()

    store = await open_store(tmp_path)
    assert [await label_of(store, run) for run in ("run-1", "own", "child")] == [UNTRUSTED, BOTH, BOTH]
    assert await store.labels() == {AGENTS: BOTH, MEMORY: SECRET}
    run = await store.run(RUN)
    assert run is not None
    assert [words.text for words in run.words] == ["and pay ann"]
    holds = await store.holds()
    assert {call: hold.brings for call, hold in holds.items()} == {"c1": UNTRUSTED, "c2": BOTH}
    await store.close()


async def test_what_was_lowered_stays_lowered_and_rises_again(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(store, opening(), doing(JoinLabel(RUN, BOTH)), doing(LowerLabel(RUN, CLEAN, expected=BOTH)))
    await store.close()
    store = await open_store(tmp_path)
    assert await label_of(store) == CLEAN
    await accept(store, calling("c1", UNTRUSTED))
    await store.close()
    store = await open_store(tmp_path)
    assert await label_of(store) == UNTRUSTED
    await store.close()


async def test_in_a_store_from_before_there_were_labels_every_run_has_the_worst(tmp_path: Path) -> None:
    """Nobody took note of what they had read."""
    store = await open_store(tmp_path)
    await accept(store, opening(), opening("own", by="agent:support"), calling("c1", None))
    await store.close()
    aged(tmp_path / DATABASE_NAME)
    store = await open_store(tmp_path)
    assert [await label_of(store, run) for run in ("run-1", "own")] == [WORST, WORST]
    assert await store.labels() == {AGENTS: WORST}
    await accept(store, opening("new"), calling("c2", BOTH, "new"))
    await store.close()
    store = await open_store(tmp_path)
    assert [await label_of(store, run) for run in ("run-1", "new")] == [WORST, BOTH]
    await store.close()


def aged(file: Path) -> None:
    """The database as the version before labels left it."""
    before = next(place for place, script in enumerate(MIGRATIONS) if "table if not exists labels" in script)
    db = apsw.Connection(str(file))
    for table, members in (("runs", ("label", "words", "result_schema")), ("holds", ("brings",))):
        for key, doc in list(db.execute(f"select id, doc from {table}")):
            paths = ", ".join(f"'$.{member}'" for member in members)
            db.execute(f"update {table} set doc = json_remove(?, {paths}) where id = ?", (doc, key))
    db.execute("drop table labels")
    db.execute("drop table if exists handoffs")
    db.execute(f"pragma user_version = {before}")
    db.close()
