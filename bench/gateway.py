"""Ringfence itself: its own command, its own state on the real disk, a run for each client."""

import asyncio
import shutil
import string
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.driver import BenchFault
from bench.processes import Processes, Running
from bench.targets import Client, Target
from bench.upstream import HAUL, HAUL_BYTES, PLAIN, READ, WRITE
from ringfence.adapters.wire.mcp import JSON_TYPE, SSE_TYPE, Era, modern_headers, modern_meta
from ringfence.core.decision import CHECKS

PROGRAM = Path(sys.executable).with_name("ringfence")
TEMPLATE = Path(__file__).with_name("ringfence.yaml.in")
POLICIES = Path(__file__).with_name("policies")
AGENT, PLAIN_AGENT, HAULER, SERVER = "bench", "plain", "hauler", "echo"
HAULS = 10
"""Megabytes of untrusted text that a run has read before it is measured."""
HAULING = 8
"""Runs that have; clients share them, because reading so much for each would take minutes."""
TASK = 'Measure: write notes with the tags "parcel" and "late", limit 20.'
"""What gives the values of the notes, which are held to it."""


def checks_on() -> list[str]:
    """The checks that the build under measurement joins for each call."""
    return [check.__name__ for check in CHECKS]


def start(started: Processes, root: Path, upstream: str) -> tuple[Running, str]:
    """The gateway in front of the echo server, and the host that agents reach it at. Raises: NotStarted."""
    config, state = root / "ringfence.yaml", root / "state"
    config.write_text(string.Template(TEMPLATE.read_text("utf-8")).substitute(UPSTREAM=upstream), "utf-8")
    shutil.copytree(POLICIES, root / "policies")
    command = [str(PROGRAM), "up", "--config", str(config), "--state", str(state), "--port", "0"]
    running = started.start("ringfence", command)
    return running, running.said(r"^ready.* agents http://([^/\s]+)")


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of Ringfence. Each client has a run of its own, but for the last two."""

    read: Target
    """The public read with every check on."""
    plain: Target
    """One that no limit and no policy names."""
    write: Target
    """The durable write."""
    read_after: Target
    """In runs that have read ten megabytes of untrusted text."""
    write_after: Target

    @property
    def all(self) -> list[Target]:
        return [self.read, self.plain, self.write, self.read_after, self.write_after]


async def targets(running: Running, host: str, control: Path, most: int) -> Measured:
    """Everything, ready to be called. Raises: BenchFault."""
    runs, plain_runs, haulers = await _runs(control, {AGENT: most, PLAIN_AGENT: most, HAULER: HAULING})
    for hauler in haulers:
        await _haul(host, hauler)
    shared = [haulers[number % HAULING] for number in range(most)]
    everything = "a public read with its own limits and policy"
    after = f"in runs that have read {HAULS} MB of untrusted text each"
    return Measured(
        Target(
            "ringfence, read", f"{everything}: in the journal before its result leaves", _clients(host, READ, runs), running
        ),
        Target("ringfence, plain read", "one that no limit and no policy names", _clients(host, PLAIN, plain_runs), running),
        Target(
            "ringfence, write", "a reversible write, on the disk (fsync) before it leaves", _clients(host, WRITE, runs), running
        ),
        Target("ringfence, read after 10 MB", f"the first, {after}", _clients(host, READ, shared), running),
        Target(
            "ringfence, write after 10 MB",
            f"the write, its values held to the task, {after}",
            _clients(host, WRITE, shared),
            running,
        ),
    )


async def _haul(host: str, credential: str) -> None:
    tool = f"{SERVER}__{HAUL}"
    headers = {
        "Authorization": f"Bearer {credential}",
        "Accept": f"{JSON_TYPE}, {SSE_TYPE}",
        **modern_headers("tools/call", tool),
    }
    async with aiohttp.ClientSession(f"http://{host}", headers=headers) as agent:
        for part in range(HAULS):
            params = {"name": tool, "arguments": {"part": part}, "_meta": modern_meta()}
            message = {"jsonrpc": "2.0", "id": part, "method": "tools/call", "params": params}
            async with agent.post("/mcp", json=message) as response:
                said = await response.read()
            if len(said) < HAUL_BYTES:
                raise BenchFault(f"a megabyte was not read: {response.status} {said[:300]!r}")


def _clients(host: str, tool: str, credentials: Sequence[str]) -> list[Client]:
    return [
        Client(host, "/mcp", f"{SERVER}__{tool}", Era.MODERN, {"authorization": f"Bearer {credential}"})
        for credential in credentials
    ]


async def _runs(control: Path, agents: Mapping[str, int]) -> list[list[str]]:
    connector = aiohttp.UnixConnector(path=str(control))
    async with aiohttp.ClientSession("http://localhost", connector=connector) as people:

        async def ask(path: str, body: dict[str, str]) -> dict[str, str]:
            async with people.post(f"/api/v1{path}", json=body) as response:
                response.raise_for_status()
                return await response.json()

        admin = await ask("/operators", {"name": "bench", "role": "admin"})
        people.headers["Authorization"] = f"Bearer {admin['credential']}"
        opened: list[list[str]] = []
        for agent, most in agents.items():
            runs = await asyncio.gather(*(ask("/runs", {"agent": agent, "task": TASK}) for _ in range(most)))
            opened.append([run["credential"] for run in runs])
        return opened
