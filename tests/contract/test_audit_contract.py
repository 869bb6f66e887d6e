"""The audit log's contract, on every store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.testing.contracts.audit import AuditContract

pytestmark = [pytest.mark.requirement(promise) for promise in ("I2", "I12", "I20")]


class TestMemoryLog(AuditContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        yield store
        await store.close()

    @pytest.fixture
    async def log(self, store: MemoryStore) -> MemoryStore:
        return store


class TestSqliteLog(AuditContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = await open_store(tmp_path)
        yield store
        await store.close()

    @pytest.fixture
    async def log(self, store: SqliteStore) -> SqliteStore:
        return store
