"""The promises of a minter, kept by the fake, by roles in a real Postgres and by roles of AWS (against moto, not AWS)."""

from __future__ import annotations

from collections.abc import Generator

import asyncpg
import pytest
from tests.servers.moto_server import REGION, Moto, moto_server
from tests.servers.real_postgres import RealPostgres, real_postgres

from ringfence.adapters.minters.aws_sts import StsMinter, StsOptions
from ringfence.adapters.minters.postgres import PostgresMinter
from ringfence.adapters.system.clock import SystemClock
from ringfence.adapters.system.entropy import SystemEntropy
from ringfence.ports.minter import Minted, Minter, Need
from ringfence.ports.secrets import Secret
from ringfence.testing.contracts.minter import EndingMinterContract, MinterContract
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.minter import FakeMinter


@pytest.fixture(scope="module")
def postgres() -> Generator[RealPostgres]:
    with real_postgres() as server:
        yield server


class TestFakeMinter(EndingMinterContract):
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


class TestPostgresMinter(EndingMinterContract):
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


@pytest.fixture(scope="module")
def moto() -> Generator[Moto]:
    with moto_server() as server:
        yield server


WHO = """
import boto3, botocore.exceptions
client = boto3.client("sts", endpoint_url=url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
                      aws_session_token=token)
try:
    answer = client.get_caller_identity()["Arn"]
except botocore.exceptions.ClientError:
    answer = ""
"""


class TestStsMinterAgainstMotoNotAws(MinterContract):
    secret = "secret_access_key"
    _moto: Moto

    @pytest.fixture(autouse=True)
    def _server(self, moto: Moto) -> None:
        self._moto = moto

    def need(self) -> Need:
        return Need(role=self._moto.role, policy='{"Version":"2012-10-17","Statement":[]}', lifetime_s=900, margin_s=300)

    async def minter(self) -> Minter:
        async def credential() -> tuple[Secret, Secret, None]:
            return Secret(self._moto.key_id), Secret(self._moto.secret), None

        return StsMinter(StsOptions(region=REGION, endpoint=self._moto.url, credential=credential), SystemClock())

    async def works(self, minted: Minted) -> bool:
        key, secret, token = (minted.values[name].reveal() for name in ("access_key_id", "secret_access_key", "session_token"))
        who = await self._moto.as_client(WHO, key=key, secret=secret, token=token)
        return ":assumed-role/reader/r_" in who
