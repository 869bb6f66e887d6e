"""The promises of a minter, kept by the fake and by roles in a real Postgres."""

from __future__ import annotations

from collections.abc import Generator

import asyncpg
import pytest
from tests.servers.real_postgres import RealPostgres, real_postgres

from ringfence.adapters.minters.postgres import PostgresMinter
from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.system.entropy import SystemEntropy
from ringfence.ports.minter import Minted, Minter
from ringfence.ports.secrets import Secret
from ringfence.testing.contracts.minter import MinterContract
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.minter import FakeMinter


@pytest.fixture(scope="module")
def postgres() -> Generator[RealPostgres]:
    with real_postgres() as server:
        yield server


class TestFakeMinter(MinterContract):
    _shared: FakeMinter | None = None

    async def minter(self) -> Minter:
        fresh, before = FakeMinter(FakeClock()), self._shared
        if before is not None:
            fresh.in_force = before.in_force
        self._shared = fresh
        return fresh

    async def works(self, minted: Minted) -> bool:
        assert self._shared is not None
        return minted.id in self._shared.in_force


class TestPostgresMinter(MinterContract):
    @pytest.fixture(autouse=True)
    async def _database(self, postgres: RealPostgres) -> None:
        self.postgres = postgres
        await postgres.run("drop table if exists orders", "create table orders (id int, note text)", "select 1")

    async def minter(self) -> Minter:
        async def dsn() -> Secret:
            return Secret(self.postgres.dsn())

        return PostgresMinter(dsn, "contract", SystemClock(), SystemEntropy())

    async def works(self, minted: Minted) -> bool:
        try:
            return await self.postgres.run("select 1 from orders limit 1", dsn=minted.values["dsn"].reveal()) == []
        except asyncpg.InvalidPasswordError:
            return False
