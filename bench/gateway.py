"""Ringfence itself: its own command, its own state on the real disk, a run for each client."""

import asyncio
import shutil
import string
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bench.processes import Processes, Running
from bench.targets import Client, Target
from bench.upstream import PLAIN, READ, WRITE
from ringfence.adapters.wire.mcp import Era
from ringfence.core.decision import CHECKS

PROGRAM = Path(sys.executable).with_name("ringfence")
TEMPLATE = Path(__file__).with_name("ringfence.yaml.in")
POLICIES = Path(__file__).with_name("policies")
AGENT, PLAIN_AGENT, SERVER = "bench", "plain", "echo"
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


async def targets(running: Running, host: str, control: Path, most: int) -> tuple[Target, Target, Target]:
    """The public read with every check on, one that no limit and no policy names, the durable write; a run for each client."""
    runs, plain_runs = await _runs(control, most)
    everything = "a public read with its own limits and policy"
    return (
        Target(
            "ringfence, read", f"{everything}: in the journal before its result leaves", _clients(host, READ, runs), running
        ),
        Target("ringfence, plain read", "one that no limit and no policy names", _clients(host, PLAIN, plain_runs), running),
        Target(
            "ringfence, write", "a reversible write, on the disk (fsync) before it leaves", _clients(host, WRITE, runs), running
        ),
    )


def _clients(host: str, tool: str, credentials: Sequence[str]) -> list[Client]:
    return [
        Client(host, "/mcp", f"{SERVER}__{tool}", Era.MODERN, {"authorization": f"Bearer {credential}"})
        for credential in credentials
    ]


async def _runs(control: Path, most: int) -> list[list[str]]:
    connector = aiohttp.UnixConnector(path=str(control))
    async with aiohttp.ClientSession("http://localhost", connector=connector) as people:

        async def ask(path: str, body: dict[str, str]) -> dict[str, str]:
            async with people.post(f"/api/v1{path}", json=body) as response:
                response.raise_for_status()
                return await response.json()

        admin = await ask("/operators", {"name": "bench", "role": "admin"})
        people.headers["Authorization"] = f"Bearer {admin['credential']}"
        opened: list[list[str]] = []
        for agent in (AGENT, PLAIN_AGENT):
            runs = await asyncio.gather(*(ask("/runs", {"agent": agent, "task": TASK}) for _ in range(most)))
            opened.append([run["credential"] for run in runs])
        return opened
