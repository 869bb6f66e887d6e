"""A real gateway, a real MCP server and a real Postgres: one call, one role, and no role afterwards, also after kill -9."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.app.cli_kit import short_folder
from tests.servers.gateway_process import PATIENCE_S, Answer, GatewayProcess
from tests.servers.real_postgres import PASSWORD, RealPostgres, real_postgres

SERVER = Path(__file__).parents[1] / "servers" / "database_server.py"
READ = {
    "effect": "read",
    "reversible": True,
    "bounded": True,
    "costs_money": False,
    "identity": False,
    "outbound": False,
    "sensitivity": "internal",
}
MINT = {"minter": "sales", "grants": [{"on": "table orders", "privileges": ["select"]}]}


@pytest.fixture(scope="module")
def postgres() -> Generator[RealPostgres]:
    with real_postgres() as server:
        asyncio.run(server.run("create table orders (id int)", "insert into orders values (7)", "select 1"))
        asyncio.run(server.run("create table customers (id int)", "select 1"))
        yield server


def configuration(folder: Path, postgres: RealPostgres) -> Path:
    secret = folder / "sales.dsn"
    secret.write_text(postgres.dsn(), "utf-8")
    secret.chmod(0o600)
    settings = {
        "version": 1,
        "minters": {"sales": {"postgres": {"from": "file:sales.dsn"}}},
        "servers": {"db": {"command": [sys.executable, str(SERVER)]}},
        "tools": {
            "db.query": {**READ, "credential": {"argument": "/dsn", "mint": MINT}},
            "db.tattle": {**READ, "credential": {"argument": "/dsn", "mint": MINT}},
            "db.linger": {**READ, "credential": {"argument": "/dsn", "mint": MINT}},
            "db.by_variable": {**READ, "credential": {"env": "DATABASE_URL", "mint": MINT}},
        },
        "agents": {"analyst": {"purpose": "looks at orders", "tools": ["db.*"]}},
    }
    config = folder / "ringfence.yaml"
    config.write_text(json.dumps(settings), "utf-8")
    return config


@asynccontextmanager
async def folder_of(postgres: RealPostgres) -> AsyncGenerator[tuple[Path, Path]]:
    """Configuration and state."""
    with short_folder() as folder:
        yield configuration(folder, postgres), folder / "state"


async def admit(gateway: GatewayProcess) -> None:
    async with gateway.people() as people:
        await people.add_operator("ada", "admin")


@asynccontextmanager
async def served(config: Path, state: Path) -> AsyncGenerator[GatewayProcess]:
    """A gateway with its first operator."""
    async with GatewayProcess(config, state).running() as gateway:
        await admit(gateway)
        yield gateway


def said(answer: Answer) -> Any:
    text = answer.result["content"][0]["text"]
    return json.loads(text) if text.startswith("{") else text


async def call(gateway: GatewayProcess, tool: str, arguments: dict[str, Any]) -> Answer:
    async with gateway.people() as people, gateway.clients() as clients:
        _, credential = await people.open_run("analyst")
        return await clients.call(credential, tool, arguments)


async def until_roles(postgres: RealPostgres, count: int) -> list[str]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if len(roles := await postgres.roles()) == count:
                return roles
            await asyncio.sleep(0.02)


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("tool", ["db__query", "db__by_variable"])
async def test_a_tool_works_under_a_role_of_its_own_that_is_gone_with_the_answer(postgres: RealPostgres, tool: str) -> None:
    async with folder_of(postgres) as (config, state), served(config, state) as gateway:
        answer = said(await call(gateway, tool, {"sql": "select id from orders"}))
        assert answer["rows"] == [[7]]
        assert answer["role"].startswith("rf_")
        assert await postgres.roles() == []
        for beyond in ("select * from customers", "delete from orders", "set role postgres", "create role more"):
            assert said(await call(gateway, tool, {"sql": beyond})) == "42501"
        assert await postgres.roles() == []
        async with gateway.people() as people:
            log = await people.log()
        outcomes = [entry["body"]["credential"] for entry in log if entry["kind"] == "outcome"]
        assert outcomes[0] == answer["role"]
        assert len(set(outcomes)) == 5


@pytest.mark.requirement("I9")
async def test_the_argument_is_neither_shown_nor_taken_and_no_value_is_written_down(postgres: RealPostgres) -> None:
    async with folder_of(postgres) as (config, state), served(config, state) as gateway:
        refused = await call(gateway, "db__query", {"sql": "select 1", "dsn": postgres.dsn()})
        assert not refused.is_result
        told = said(await call(gateway, "db__query", {"sql": "select current_setting('application_name')"}))
        assert told["role"].startswith("rf_")
        told_on = said(await call(gateway, "db__tattle", {}))
        assert "postgresql" not in told_on
        assert "rf_" not in told_on
        await gateway.stop()
        written = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
        assert b"minted by sales" in written
        assert PASSWORD.encode() not in written
        assert b"postgresql://rf_" not in written


@pytest.mark.requirement("I8")
async def test_the_role_of_a_call_is_gone_after_kill_9_and_a_restart(postgres: RealPostgres) -> None:
    async with folder_of(postgres) as (config, state):
        gateway = GatewayProcess(config, state)
        await gateway.start()
        await admit(gateway)
        lingering = asyncio.create_task(call(gateway, "db__linger", {}))
        roles = await until_roles(postgres, 1)
        await gateway.kill()
        with pytest.raises((aiohttp.ClientError, OSError)):
            await lingering
        assert await postgres.roles() == roles
        async with GatewayProcess(config, state).running() as again:
            await until_roles(postgres, 0)
            sessions = await postgres.run(f"select count(*) from pg_stat_activity where usename = '{roles[0]}'")
            assert sessions == [(0,)]
            assert said(await call(again, "db__query", {"sql": "select id from orders"}))["rows"] == [[7]]
        assert await postgres.roles() == []


@pytest.mark.requirement("I8")
async def test_a_kill_of_the_run_ends_the_role(postgres: RealPostgres) -> None:
    async with (
        folder_of(postgres) as (config, state),
        served(config, state) as gateway,
        gateway.people() as people,
        gateway.clients() as clients,
    ):
        run, credential = await people.open_run("analyst")
        lingering = asyncio.create_task(clients.call(credential, "db__linger", {}))
        await until_roles(postgres, 1)
        await people.done("POST", "/kill", {"scope": {"run": run}, "reason": "the test says so"})
        await until_roles(postgres, 0)
        assert not (await lingering).is_result
