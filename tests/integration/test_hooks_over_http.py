"""The hook endpoint of a real gateway, asked over HTTP as a coding agent's client asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.servers.gateway_process import GatewayProcess, People

KEY = "AKIA" + "IOSFODNN7QXAMPLZ"


@dataclass(frozen=True)
class Client:
    """One run's."""

    session: aiohttp.ClientSession
    url: str
    credential: str
    project: Path

    async def post(self, name: str, **members: Any) -> dict[str, Any]:
        event = {"session_id": "s1", "cwd": str(self.project), "hook_event_name": name, **members}
        headers = {"authorization": f"Bearer {self.credential}"}
        async with self.session.post(f"{self.url}/hook", json=event, headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["content-length"] == str(len(await answer.read()))
            return await answer.json()

    async def bash(self, command: str, use: str) -> str:
        said = await self.post("PreToolUse", tool_name="Bash", tool_input={"command": command}, tool_use_id=use)
        return said["hookSpecificOutput"]["permissionDecision"]

    async def after(self, command: str, use: str, response: Mapping[str, Any]) -> dict[str, Any]:
        return await self.post(
            "PostToolUse", tool_name="Bash", tool_input={"command": command}, tool_use_id=use, tool_response=response
        )


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncGenerator[tuple[GatewayProcess, People, Path]]:
    project = tmp_path / "project"
    project.mkdir()
    (project / "keep").write_text("kept")
    (project / ".env").write_text("TOKEN=1")
    config = tmp_path / "ringfence.yaml"
    permissions = {"allow": ["Bash"], "deny": ["Bash(rm *)"], "ask": ["Bash(git push *)"]}
    agent = {"purpose": "Writes code.", "local": {"roots": [str(project)]}, "permissions": permissions}
    config.write_text(json.dumps({"version": 1, "servers": {}, "tools": {}, "agents": {"coder": agent}}))
    async with GatewayProcess(config, tmp_path / "state").running() as process, process.people() as people:
        await people.add_operator("ada", "admin")
        yield process, people, project


@pytest.mark.requirement("I1", "I4", "I9")
async def test_uses_are_decided_held_settled_and_recorded(gateway: tuple[GatewayProcess, People, Path]) -> None:
    process, people, project = gateway
    run, credential = await people.open_run("coder")
    async with aiohttp.ClientSession() as session:
        client = Client(session, process.url, credential, project)
        assert await client.bash("ls", "u1") == "allow"
        response = {"stdout": f"keep\n{KEY}\n", "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
        said = await client.after("ls", "u1", response)
        shown = said["hookSpecificOutput"]["updatedToolOutput"]
        assert shown["stdout"].startswith("keep\n")
        assert KEY not in shown["stdout"]
        assert await client.bash("true; /bin/r\\m -rf keep", "u2") == "deny"
        assert await client.bash("cat .env", "u3") == "deny"
        held = asyncio.ensure_future(client.bash("git push origin main", "u4"))
        ticket = await people.waiting()
        assert not held.done()
        await people.decide(ticket, "approve")
        assert await held == "allow"
        answers = await asyncio.gather(*(client.bash(f"ls -{'a' * index}", f"w{index}") for index in range(1, 21)))
        assert answers == ["allow"] * 20
        await people.done("POST", "/kill", {"scope": "run", "target": run, "reason": "as the test says"})
        killed = await client.post("PreToolUse", tool_name="Bash", tool_input={"command": "ls"}, tool_use_id="u9")
        assert killed["continue"] is False
        assert killed["hookSpecificOutput"]["permissionDecision"] == "deny"
    log = [entry for entry in await people.log() if entry.get("run") == run and str(entry.get("tool")).startswith("local.")]
    decisions = [entry["decision"] for entry in log if entry["kind"] == "decision"]
    assert decisions == ["allow", "deny", "deny", "ask", "allow", *["allow"] * 20, "deny"]
    outcomes = [entry["decision"] for entry in log if entry["kind"] == "outcome"]
    assert sorted(outcomes) == ["ambiguous"] * 21 + ["returned"]
    assert KEY not in json.dumps(log)


async def test_a_gateway_that_stops_ends_what_is_under_way_without_waiting_for_its_clients(
    gateway: tuple[GatewayProcess, People, Path],
) -> None:
    process, people, project = gateway
    _, credential = await people.open_run("coder")
    async with aiohttp.ClientSession() as session:
        client = Client(session, process.url, credential, project)
        assert await client.bash("ls", "u1") == "allow"
        held = asyncio.ensure_future(client.bash("git push", "u2"))
        await people.waiting()
        async with asyncio.timeout(8):  # less than what calls under way are waited for
            assert await process.stop() == 0
        assert await held == "deny"


@pytest.mark.requirement("I16")
async def test_what_files_say_of_commands_counts_once_it_is_loaded_anew_and_a_malformed_one_changes_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("TOKEN=1")
    commands, config = tmp_path / "commands.toml", tmp_path / "ringfence.yaml"
    commands.write_text('[shelve]\ndoes = "says"\nkind = "says"\nwords = "value*"\n')
    agent = {"purpose": "Writes code.", "local": {"roots": [str(tmp_path)]}, "permissions": {"allow": ["Bash"]}}
    config.write_text(json.dumps({"version": 1, "commands": ["commands.toml"], "agents": {"coder": agent}}))
    async with GatewayProcess(config, tmp_path / "state").running() as process, process.people() as people:
        await people.add_operator("ada", "admin")
        _, credential = await people.open_run("coder")
        async with aiohttp.ClientSession() as session:
            client = Client(session, process.url, credential, tmp_path)
            assert await client.bash("shelve .env", "u1") == "allow"
            commands.write_text('[shelve]\nkind = "fish"\n')
            status, answer = await people.ask("POST", "/reload", {})
            assert status == 409
            assert str(commands) in str(answer)
            assert await client.bash("shelve .env", "u2") == "allow"
            commands.write_text('[shelve]\ndoes = "reads"\nkind = "reads"\nwords = "read*"\n')
            await people.done("POST", "/reload", {})
            assert await client.bash("shelve .env", "u3") == "deny"


async def test_what_is_masked_in_a_command_is_masked_in_what_is_run(tmp_path: Path) -> None:
    config = tmp_path / "ringfence.yaml"
    scan = {"personal_data": {"arguments": "mask", "kinds": ["email"]}}
    agent = {
        "purpose": "Writes code.",
        "local": {"roots": [str(tmp_path)], "scan": scan},
        "permissions": {"allow": ["Bash(echo *)"]},
    }
    config.write_text(json.dumps({"version": 1, "servers": {}, "tools": {}, "agents": {"coder": agent}}))
    async with GatewayProcess(config, tmp_path / "state").running() as process, process.people() as people:
        await people.add_operator("ada", "admin")
        _, credential = await people.open_run("coder")
        async with aiohttp.ClientSession() as session:
            client = Client(session, process.url, credential, tmp_path)
            given = {"command": "echo ada@lovelace.org", "description": "say it"}
            said = await client.post("PreToolUse", tool_name="Bash", tool_input=given, tool_use_id="u1")
    decided = said["hookSpecificOutput"]
    assert decided["permissionDecision"] == "allow"
    assert decided["updatedInput"] == {"command": "echo [masked: email]", "description": "say it"}
