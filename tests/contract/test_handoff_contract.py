"""The contract of handoffs, on every store, and over a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.verdict import ReasonCode
from ringfence.testing.contracts.handoffs import UNTRUSTED, HandoffContract, a_handoff, a_pair, handing
from ringfence.testing.contracts.store import accept, refuse
from ringfence.testing.fakes.store import FakeStore

pytestmark = [pytest.mark.requirement("I10"), pytest.mark.requirement("I11")]


class TestMemoryStore(HandoffContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        yield store
        await store.close()


class TestSqliteStore(HandoffContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = await open_store(tmp_path)
        yield store
        await store.close()


class TestFakeStore(HandoffContract):
    @pytest.fixture
    async def store(self) -> FakeStore:
        return FakeStore(MemoryStore())


async def test_what_was_handed_over_and_what_is_owed_survive_a_restart(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await a_pair(store)
    handed = a_handoff(result='{"total":3}', label=UNTRUSTED)
    await accept(store, handing(handed))
    await store.close()

    store = await open_store(tmp_path)
    try:
        assert await store.handoff(RunId("child")) == handed
        assert await store.expects(RunId("root"))
        await refuse(store, handing(a_handoff(result="{}")), ReasonCode.HANDOFF)
    finally:
        await store.close()
