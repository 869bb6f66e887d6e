"""The real coding agent behind a real gateway, installed as an operator installs it; the model says what the test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.coding_agent import Machine, Turn, finished, shown_to_model
from tests.servers.demo_servers import DemoServer
from tests.servers.gateway_process import ORDINARY, PATIENCE_S, GatewayProcess, People
from tests.servers.model_script import Script
from tests.servers.model_server import Executed, ModelServer, model_server

AGENT = "coder"
HASTY = "hasty"
"""The same agent, whose calls wait for a person no longer than the shortest time that there is."""
DISCREET = "discreet"
"""The same agent, whose calls are made without what they say about people."""
KEY = "sk-of-the-upstream-0001"
PERMISSIONS = {
    "deny": ["Bash(rm *)", "Read(./.env)", "Read(./secrets/**)"],
    "ask": ["Bash(git push *)", "Bash(mkdir asked*)"],
    "allow": ["Bash", "Read", "Edit", "Write", "Agent"],
}
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}
Call = tuple[str, Mapping[str, Any]]


def bash(command: str, **more: Any) -> Call:
    """A call of the client's shell."""
    return "Bash", {"command": command, "description": "as the test says", **more}


def says(*calls: Call) -> Script:
    """One answer of the model: calls, or where there are none its last words."""
    return Script(text=("on it",) if calls else ("done",), tools=calls)


@dataclass(frozen=True)
class Coding:
    """Everything that runs."""

    process: GatewayProcess
    people: People
    model: ModelServer
    orders: DemoServer
    managed: Path
    state: Path

    @asynccontextmanager
    async def task(self, folder: Path, agent: str = AGENT, **environment: str) -> AsyncGenerator[Task]:
        """A run of its own, on a machine of its own, with the model waiting for its first line."""
        run, credential = await self.people.open_run(agent)
        self.model.executed.clear()
        self.model.queue.clear()
        self.model.choose = None
        machine = Machine.made(folder / "machine", self.managed, RINGFENCE_RUN=credential, **environment)
        machine.put("keep/f", "kept\n")
        yield Task(self, machine, run)


@dataclass(frozen=True)
class Task:
    """One piece of work."""

    at: Coding
    machine: Machine
    run: str

    @property
    def kept(self) -> bool:
        """Whether what must not go is still there."""
        return (self.machine.project / "keep/f").is_file()

    def has(self, name: str) -> bool:
        return (self.machine.project / name).exists()

    def will(self, *answers: list[Call]) -> None:
        """The calls of the model's answers, one by one, and then its last words."""
        self.at.model.queue[:] = [*(says(*each) for each in answers), says()]

    async def does(self, *answers: list[Call], options: tuple[str, ...] = (), **environment: str) -> Turn:
        """One prompt, and what came of it once the model had said all this."""
        self.will(*answers)
        return await self.machine.prompt("do it", *options, **environment)

    @asynccontextmanager
    async def doing(self, *answers: list[Call]) -> AsyncGenerator[asyncio.Task[Turn]]:
        """The same, while the block goes on; the block has to wait for it."""
        self.will(*answers)
        going = asyncio.create_task(finished(await self.machine.begin("do it")))
        try:
            yield going
        finally:
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)

    def shown(self) -> list[str]:
        """Every result that any request brought to the model."""
        return [text for request in self.at.model.executed for text in shown_to_model(request.body)]

    async def log(self, *kinds: str) -> list[dict[str, Any]]:
        """This run's entries, oldest first."""
        log = await self.at.people.log()
        return [entry for entry in log if entry.get("run") == self.run and (not kinds or entry["kind"] in kinds)]

    async def decided(self, tool: str) -> list[dict[str, Any]]:
        """The decisions about one tool."""
        return [entry for entry in await self.log("decision") if entry.get("tool") == tool]

    async def kill(self) -> None:
        """Answered when nothing new can start."""
        await self.at.people.done("POST", "/kill", {"scope": "run", "target": self.run, "reason": "as the test says"})

    async def waiting(self) -> dict[str, Any]:
        """This run's ticket, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for ticket in await self.at.people.pending():
                    if ticket["run"] == self.run:
                        return ticket
                await asyncio.sleep(0.01)

    async def ended_or_waiting(self, going: asyncio.Task[Turn]) -> None:
        """Wait until the turn is over, or a person is asked."""
        asked = asyncio.create_task(self.waiting())
        await asyncio.wait({asked, going}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

    async def decision(self, tool: str) -> dict[str, Any]:
        """The first decision about a tool, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if found := await self.decided(tool):
                    return found[0]
                await asyncio.sleep(0.01)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what the client or its commands do on the disk."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if holds():
                    return
                await asyncio.sleep(0.01)


def subagents(*answers: Script, of: str) -> Callable[[Executed], Script | None]:
    """Answers for the subagent whose prompt holds a mark, one by one; everybody else is left to the queue."""
    queue = list(answers)

    def choose(executed: Executed) -> Script | None:
        first = json.dumps(executed.body["messages"][0])
        return queue.pop(0) if of in first and queue else None

    return choose


async def install(managed: Path, url: str, config: Path) -> None:
    """As an operator does it."""
    command = [*ORDINARY, "claude-code", "install", "--agent", AGENT, "--config", str(config), "--url", url]
    installing = await asyncio.create_subprocess_exec(*command, "--managed-dir", str(managed), stdout=-1, stderr=-2)
    said, _ = await installing.communicate()
    assert installing.returncode == 0, said.decode()


def configuration(model: ModelServer, orders: DemoServer, **more: Any) -> dict[str, Any]:
    agent = {"purpose": "Writes code.", "tools": ["orders.get_order"], "permissions": PERMISSIONS}
    return {
        "version": 1,
        "models": {"upstreams": {"main": {"url": model.url, "credential": {"from": "file:key"}}}},
        "servers": {"orders": {"command": orders.stdio, "share": "server"}},
        "tools": {"orders.get_order": READ},
        "agents": {
            AGENT: {**agent, "local": {"client": "claude-code"}},
            DISCREET: {**agent, "local": {"client": "claude-code", "scan": {"personal_data": {"arguments": "mask"}}}},
            HASTY: {**agent, "local": {"client": "claude-code", "hold": "1s"}},
        },
        "approvals": {"hold": "60s", "legs": 1},
        **more,
    }


@asynccontextmanager
async def coding(folder: Path, **more: Any) -> AsyncGenerator[Coding]:
    """`ringfence up` in front of a scripted model, and managed settings that lead to it."""
    async with AsyncExitStack() as open_:
        model = await open_.enter_async_context(model_server(KEY))
        orders = DemoServer("orders", folder)
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        config = folder / "ringfence.yaml"
        config.write_text(json.dumps(configuration(model, orders, **more)), "utf-8")
        process = await open_.enter_async_context(GatewayProcess(config, folder / "state").running())
        people = await open_.enter_async_context(process.people())
        await people.add_operator("ada", "admin")
        managed = folder / "managed"
        managed.mkdir()
        await install(managed, process.url, config)
        yield Coding(process, people, model, orders, managed, folder / "state")
