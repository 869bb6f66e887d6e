"""What a run was given stays with it: over retries, MCP sessions, both eras, restarts and kills of a real gateway."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.servers.gateway_process import ORDINARY, Clients, GatewayProcess, People

from ringfence.engine.steps import Step
from ringfence.testing.crashing import ARMED, BEFORE_COMMIT, COMMITTED

pytestmark = pytest.mark.requirement("I10", "I14")

MEMORY = Path(__file__).parents[1] / "servers" / "memory_server.py"
AGENTS_SOCKET = "agents.sock"
CLEAN = {"integrity": "trusted", "confidentiality": "public"}
UNTRUSTED = {"integrity": "untrusted", "confidentiality": "public"}
BOTH = {"integrity": "untrusted", "confidentiality": "confidential"}


def configured(folder: Path) -> Path:
    tools: dict[str, Any] = {
        "files.page": {"effect": "read", "sensitivity": "public", "outbound": False},
        "files.case": {"effect": "read", "sensitivity": "confidential", "outbound": False, "trust": "trusted"},
        "files.recall": {"effect": "read", "sensitivity": "public", "outbound": False, "trust": "trusted"},
    }
    document = {
        "version": 1,
        "servers": {"files": {"command": [sys.executable, str(MEMORY), str(folder / "notes")], "era": "legacy"}},
        "tools": tools,
        "agents": {"writer": {"purpose": "to test", "tools": ["*"], "only_mcp": True}},
    }
    path = folder / "ringfence.json"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return path


async def label_of(people: People, run: str) -> Mapping[str, str]:
    return (await people.done("GET", f"/runs/{run}"))["label"]


class Session:
    """A client of 2025-11-25 with an MCP session of its own, over one connection of its own."""

    def __init__(self, http: aiohttp.ClientSession, credential: str) -> None:
        self._http = http
        self._ids = itertools.count(1)
        self._headers = {
            "Authorization": f"Bearer {credential}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
        }

    async def begin(self) -> str:
        """Its session id."""
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": "initialize", "params": hello}
        async with self._http.post("/mcp", json=message, headers=self._headers) as response:
            assert response.status == 200, await response.text()
            session = response.headers.get("Mcp-Session-Id", "")
            await response.read()
        if session:
            self._headers["Mcp-Session-Id"] = session
        return session

    async def call(self, tool: str) -> str:
        """The raw answer."""
        params = {"name": tool, "arguments": {}}
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": "tools/call", "params": params}
        async with self._http.post("/mcp", json=message, headers=self._headers) as response:
            assert response.status == 200, await response.text()
            return await response.text()


async def test_nothing_that_a_client_does_resets_a_label(tmp_path: Path) -> None:
    """Retry, another connection, another MCP session, either era, listing, and a restart in the middle of it."""
    gateway = GatewayProcess(configured(tmp_path), tmp_path / "state")
    async with gateway.running(), gateway.people() as first:
        admin = await first.add_operator("ada", "admin")
        async with gateway.people(admin) as people:
            run, credential = await people.open_run("writer")
            assert await label_of(people, run) == CLEAN
            async with gateway.clients() as clients:
                assert (await clients.call(credential, "files__page", {})).is_result
                assert await label_of(people, run) == UNTRUSTED
                assert (await clients.call(credential, "files__page", {})).is_result
            for known in (UNTRUSTED, BOTH):
                async with aiohttp.ClientSession(gateway.url) as http:
                    session = Session(http, credential)
                    await session.begin()
                    assert '"result"' in await session.call("files__recall")
                    assert await label_of(people, run) == known
                    assert "case 4711" in await session.call("files__case")
                    assert await label_of(people, run) == BOTH
            async with gateway.clients() as clients:
                assert (await clients.call(credential, "files__recall", {})).is_result
                assert await label_of(people, run) == BOTH
        assert await gateway.stop() == 0
    async with gateway.running(), gateway.people(admin) as people, gateway.clients() as clients:
        assert await label_of(people, run) == BOTH
        assert (await clients.call(credential, "files__recall", {})).is_result
        assert await label_of(people, run) == BOTH
        child, _ = await people.open_run("writer", parent=run)
        assert await label_of(people, child) == BOTH
        status, refused = await people.ask("POST", f"/runs/{run}/endorse", {"reason": ""})
        assert (status, await label_of(people, run)) == (409, BOTH), refused
        await people.done("POST", f"/runs/{run}/endorse", {"reason": "read the page"})
        assert await label_of(people, run) == {**BOTH, "integrity": "trusted"}
        assert await label_of(people, child) == BOTH


async def test_a_run_that_the_agent_opens_itself_goes_on_with_what_the_one_before_has_read(tmp_path: Path) -> None:
    gateway = GatewayProcess(configured(tmp_path), tmp_path / "state")
    async with gateway.running(), gateway.people() as first, local(tmp_path) as http:
        admin = await first.add_operator("ada", "admin")
        _, credential = await own_run(http)
        assert (await Clients(http).call(credential, "files__page", {})).is_result
    async with gateway.running(), gateway.people(admin) as people, local(tmp_path) as http:
        run, _ = await own_run(http)
        assert await label_of(people, run) == UNTRUSTED
        theirs, _ = await people.open_run("writer")
        assert await label_of(people, theirs) == CLEAN
        await people.done("POST", "/labels/endorse", {"agent": "writer", "reason": "its memory was wiped"})
        fresh, _ = await own_run(http)
        assert (await label_of(people, run), await label_of(people, fresh)) == (UNTRUSTED, CLEAN)


def local(folder: Path) -> aiohttp.ClientSession:
    """As the stdio bridge: on the agents' socket, known by nothing but its local user."""
    connector = aiohttp.UnixConnector(path=str(folder / "state" / AGENTS_SOCKET))
    return aiohttp.ClientSession("http://localhost", connector=connector)


async def own_run(http: aiohttp.ClientSession) -> tuple[str, str]:
    """Run and credential of a run that no operator opened."""
    async with http.post("/runs", json={"agent": "writer", "task": "tidy up"}) as response:
        opened = await response.json()
        assert response.status == 200, opened
        return opened["run"], opened["credential"]


@pytest.mark.parametrize("point", [Step.SENT, BEFORE_COMMIT, COMMITTED, Step.JOURNAL, Step.REPLY, "answered"])
async def test_no_client_has_a_result_whose_label_a_kill_took_away(tmp_path: Path, point: str) -> None:
    """Killed at each step of the tainting call, and right after it was answered."""
    config, state = configured(tmp_path), tmp_path / "state"
    dies = point != "answered"
    build = (
        (sys.executable, "-m", "ringfence.testing.crashing", "--at", f"{point}:1", "--watch", str(tmp_path), "--")
        if dies
        else ORDINARY
    )
    gateway, got = GatewayProcess(config, state, build), False
    async with gateway.running(), gateway.people() as first, gateway.clients() as clients:
        admin = await first.add_operator("ada", "admin")
        run, credential = await first.open_run("writer")
        # So that its server runs and what it lists is pinned: only the call is left to die in.
        assert (await clients.call(credential, "files__recall", {})).is_result
        (tmp_path / ARMED).touch()
        with suppress(aiohttp.ClientError, ConnectionError):
            got = (await clients.call(credential, "files__page", {})).is_result
        await (gateway.ended() if dies else gateway.kill())
    # Who is told does not wait for the fsync of a read, so a client may have the result of a process that died in it.
    assert got is not dies or point == COMMITTED
    again = GatewayProcess(config, state)
    async with again.running(), again.people(admin) as people:
        known = await label_of(people, run)
        entries = [entry for entry in await people.log() if entry["kind"] == "decision" and entry["tool"] == "files.page"]
        # The label is there exactly where the decision is: no result can have left without both.
        assert known == (UNTRUSTED if entries else CLEAN)
        assert known == UNTRUSTED or not got
