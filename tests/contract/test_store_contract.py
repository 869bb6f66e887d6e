"""The store's contract, on every store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.testing.contracts.store import StoreContract
from ringfence.testing.fakes.store import FakeStore

pytestmark = [pytest.mark.requirement(promise) for promise in ("I5", "I7", "I11")]


class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        yield store
        await store.close()

    @pytest.fixture
    async def log(self, store: MemoryStore) -> MemoryStore:
        return store


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = await open_store(tmp_path)
        yield store
        await store.close()

    @pytest.fixture
    async def log(self, store: SqliteStore) -> SqliteStore:
        return store


class TestFakeStore(StoreContract):
    @pytest.fixture
    async def memory(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    async def store(self, memory: MemoryStore) -> FakeStore:
        return FakeStore(memory)

    @pytest.fixture
    async def log(self, memory: MemoryStore) -> MemoryStore:
        return memory
