"""The contract of trees of runs, on every store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.opening import DATABASE_NAME
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.model.grant import EVERYTHING
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.verdict import ReasonCode
from ringfence.testing.contracts.samples import a_run, opening
from ringfence.testing.contracts.store import accept, refuse
from ringfence.testing.contracts.trees import GRANT, TreeContract, closing, spawning

pytestmark = pytest.mark.requirement("I11")


class TestMemoryTrees(TreeContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        yield store
        await store.close()


class TestSqliteTrees(TreeContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = await open_store(tmp_path)
        yield store
        await store.close()


async def test_grants_and_counts_survive_a_restart(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    granted = replace(a_run("a", ancestors=("root",)), grant=GRANT)
    await accept(store, opening("root"), spawning(granted))
    await accept(store, *(spawning(a_run(name, ancestors=("root",))) for name in "bc"), closing("b"))
    await store.close()
    store = await open_store(tmp_path)
    try:
        assert await store.run(RunId("a")) == granted
        await accept(store, spawning(a_run("d", ancestors=("root",))))
        await refuse(store, spawning(a_run("e", ancestors=("root",))), ReasonCode.SPAWN_CAP)
    finally:
        await store.close()


async def test_a_run_of_an_earlier_version_has_what_its_agent_has(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await accept(store, opening("root"))
    await store.close()
    database = apsw.Connection(str(tmp_path / DATABASE_NAME))
    database.execute("update runs set doc = json_remove(doc, '$.grant')")
    assert "grant" not in str(database.execute("select doc from runs").get)
    database.close()
    store = await open_store(tmp_path)
    run = await store.run(RunId("root"))
    await store.close()
    assert run is not None
    assert run.grant == EVERYTHING
