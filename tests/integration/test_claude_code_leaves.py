"""The real coding agent on a terminal: a person leaves it, and what its run had ends with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.clients.coding_agent import program
from tests.clients.terminal import Terminal, on_terminal
from tests.integration.coding_behind_gateway import Coding, Task, bash, coding
from tests.servers.gateway_process import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="module")
KNOWN = {"hasCompletedOnboarding": True, "lastOnboardingVersion": "9.9.9", "theme": "dark"}
TRUSTED = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Coding]:
    async with coding(tmp_path_factory.mktemp("leaves")) as place:
        yield place


async def said_by_hooks(task: Task, start: str) -> None:
    """Wait until the client has told of something."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if any(entry["summary"].startswith(start) for entry in await task.log("observed")):
                return
            await asyncio.sleep(0.05)


async def state_of(task: Task) -> str:
    return (await task.at.people.done("GET", f"/runs/{task.run}"))["state"]


async def command(terminal: Terminal, name: str, task: Task, tells: str) -> None:
    """Give the client one of its own commands, and wait for what it tells of it."""
    terminal.type(name)
    await terminal.until(name)
    terminal.type("\r")
    await said_by_hooks(task, tells)


async def test_a_run_ends_when_its_client_is_left_and_not_when_a_conversation_is_cleared(place: Coding, tmp_path: Path) -> None:
    async with place.task(tmp_path) as task:
        machine = task.machine
        known = {**KNOWN, "projects": {str(machine.project): TRUSTED}}
        (machine.home / ".claude.json").write_text(json.dumps(known), "utf-8")
        started = machine.inside(str(program()))
        async with on_terminal(started, machine.project, machine.surroundings(TERM="xterm-256color")) as terminal:
            await said_by_hooks(task, "its client begins (startup)")
            await terminal.until("? for shortcuts")
            await command(terminal, "/clear", task, "its client has ended (clear)")
            await said_by_hooks(task, "its client begins (clear)")
            assert await state_of(task) == "open"
            await command(terminal, "/exit", task, "its client has ended (prompt_input_exit)")
            assert await asyncio.wait_for(terminal.process.wait(), PATIENCE_S) == 0
        assert await state_of(task) == "closed"
        again = await task.does([bash("touch after")])
        assert again.results() == []
        assert not task.has("after")
        assert place.model.executed == [], "a prompt that is resumed reaches no model"
