"""Servers that die behind a running gateway: their own tools fail, at once, everything else goes on, and people see why."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.test_upstream_http_reach import deaf_port
from tests.servers.gateway_process import Clients, GatewayProcess, People

SERVERS = Path(__file__).parents[1] / "servers"
TRIES, POLL_S = 600, 0.05
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}


def configured(folder: Path, deaf: int) -> Path:
    (folder / "tools.json").write_text(json.dumps([{"name": "get", "inputSchema": {"type": "object"}}]), "utf-8")
    steady = [sys.executable, str(SERVERS / "turncoat_server.py"), str(folder / "tools.json"), str(folder / "executed")]
    document = {
        "version": 1,
        "servers": {
            "fragile": {
                "command": [sys.executable, str(SERVERS / "fragile_server.py"), str(folder / "well")],
                "env": {"DB_USER": "db-user-canary"},
            },
            "steady": {"command": steady, "era": "legacy"},
            "deaf": {"url": f"http://127.0.0.1:{deaf}/mcp"},
        },
        "tools": {"fragile.get": READ, "fragile.die": READ, "steady.get": READ, "deaf.get": READ},
        "agents": {"support": {"purpose": "looks", "tools": ["*"], "only_mcp": True}},
    }
    path = folder / "ringfence.json"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return path


async def server(people: People, name: str) -> Mapping[str, Any]:
    return await people.done("GET", f"/servers/{name}")


async def until_state(people: People, name: str, *states: str) -> Mapping[str, Any]:
    for _ in range(TRIES):
        found = await server(people, name)
        if found["state"] in states:
            return found
        await asyncio.sleep(POLL_S)
    raise AssertionError(f"{name} is never {states}")


async def get(clients: Clients, credential: str, name: str) -> str | None:
    """None for the server's own answer, else the gateway's word."""
    answer = await clients.call(credential, f"{name}__get", {})
    return None if answer.is_result else answer.code


@pytest.mark.requirement("I3", "I9", "I13")
async def test_a_server_that_dies_takes_its_own_tools_along_and_comes_back_by_itself(tmp_path: Path) -> None:
    well = tmp_path / "well"
    well.touch()
    with deaf_port() as port:
        gateway = GatewayProcess(configured(tmp_path, port), tmp_path / "state")
        async with gateway.running(), gateway.people() as first:
            admin = await first.add_operator("ada", "admin")
            async with gateway.people(admin) as people, gateway.clients() as clients:
                run, credential = await people.open_run("support")
                assert await get(clients, credential, "fragile") is None
                assert await get(clients, credential, "steady") is None
                assert (await server(people, "deaf"))["state"] in ("backing_off", "unreachable", "starting")

                well.unlink()
                died = await clients.call(credential, "fragile__die", {})
                assert died.code == "ambiguous"
                assert await get(clients, credential, "fragile") == "not_sent"
                assert await get(clients, credential, "fragile") == "not_sent"
                assert await get(clients, credential, "steady") is None
                found = await until_state(people, "fragile", "backing_off", "unreachable", "starting")
                assert "server process" in found["error"]
                assert found["restarts"] >= 1
                assert any("no database; asked as [hidden]" in line for line in found["stderr"])
                assert "\033" not in "".join(found["stderr"])
                outcomes = [entry for entry in await people.log() if entry["kind"] == "outcome" and entry["run"] == run]
                assert "the next try is in" in json.dumps(outcomes) or "it is being started again" in json.dumps(outcomes)
                assert "db-user-canary" not in json.dumps(await people.log()) + gateway.errors()

                well.touch()
                for _ in range(TRIES):
                    if await get(clients, credential, "fragile") is None:
                        break
                    await asyncio.sleep(POLL_S)
                assert (await until_state(people, "fragile", "up"))["failing_since"] is None
                assert await get(clients, credential, "steady") is None
            assert await gateway.stop() == 0
