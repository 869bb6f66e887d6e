"""Ringfence itself: its own command, its own state on the real disk, a run for each client."""

import asyncio
import string
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bench.processes import Processes, Running
from bench.targets import Client, Target
from bench.upstream import READ, WRITE
from ringfence.adapters.wire.mcp import Era
from ringfence.core.decision import CHECKS

PROGRAM = Path(sys.executable).with_name("ringfence")
TEMPLATE = Path(__file__).with_name("ringfence.yaml.in")
AGENT, SERVER = "bench", "echo"


def checks_on() -> list[str]:
    """The checks that the build under measurement joins for each call."""
    return [check.__name__ for check in CHECKS]


def start(started: Processes, root: Path, upstream: str) -> tuple[Running, str]:
    """The gateway in front of the echo server, and the host that agents reach it at. Raises: NotStarted."""
    config, state = root / "ringfence.yaml", root / "state"
    config.write_text(string.Template(TEMPLATE.read_text("utf-8")).substitute(UPSTREAM=upstream), "utf-8")
    command = [str(PROGRAM), "up", "--config", str(config), "--state", str(state), "--port", "0"]
    running = started.start("ringfence", command)
    return running, running.said(r"^ready.* agents http://([^/\s]+)")


async def targets(running: Running, host: str, control: Path, most: int) -> tuple[Target, Target]:
    """The public read and the durable write, each client with a run of its own."""
    runs = await _runs(control, most)
    return (
        Target("ringfence, read", "a public read: recorded before its result leaves", _clients(host, READ, runs), running),
        Target(
            "ringfence, write",
            "a reversible write: on the disk (fsync) before it is sent",
            _clients(host, WRITE, runs),
            running,
        ),
    )


def _clients(host: str, tool: str, credentials: Sequence[str]) -> list[Client]:
    return [
        Client(host, "/mcp", f"{SERVER}__{tool}", Era.MODERN, {"authorization": f"Bearer {credential}"})
        for credential in credentials
    ]


async def _runs(control: Path, most: int) -> list[str]:
    connector = aiohttp.UnixConnector(path=str(control))
    async with aiohttp.ClientSession("http://localhost", connector=connector) as people:

        async def ask(path: str, body: dict[str, str]) -> dict[str, str]:
            async with people.post(f"/api/v1{path}", json=body) as response:
                response.raise_for_status()
                return await response.json()

        admin = await ask("/operators", {"name": "bench", "role": "admin"})
        people.headers["Authorization"] = f"Bearer {admin['credential']}"
        opened = [ask("/runs", {"agent": AGENT, "task": "measure"}) for _ in range(most)]
        return [run["credential"] for run in await asyncio.gather(*opened)]
