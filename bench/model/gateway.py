"""Ringfence in front of the model: an upstream, a key, caps that are never reached, and a run for each client."""

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.gateway import PROGRAM
from bench.model.streams import Place
from bench.processes import Processes, Running

AGENT = "bench"
LIMITS = {
    "spend": ["1000000 per run", "1000000 per day"],
    "tokens": "1000000000 per run",
    "tokens_out": "1000000000 per run",
    "model_calls": "1000000 per run",
    "streams": 4000,
    "guards": {"no_progress": False, "burn": False},
}
"""Every kind of cap on models, so that each is charged. The guards that a bench is right to be paused by are off."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One that is up."""

    process: Running
    host: str
    port: int
    control: Path
    operator: str

    def place(self, credential: str) -> Place:
        return Place(self.host, self.port, "/anthropic", credential)


def configuration(upstream: str) -> dict[str, Any]:
    return {
        "version": 1,
        "models": {"upstreams": {"main": {"url": upstream, "credential": {"from": "file:key"}}}},
        "agents": {AGENT: {"purpose": "Asks as fast as it is answered.", "run_ttl": "2h", "limits": LIMITS}},
    }


async def start(started: Processes, root: Path, upstream: str) -> Gateway:
    """Raises: NotStarted."""
    config, key = root / "ringfence.yaml", root / "key"
    config.write_text(json.dumps(configuration(upstream)), "utf-8")
    key.write_text("sk-of-the-bench-0001", "utf-8")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    state = root / "state"
    process = started.start("ringfence", [str(PROGRAM), "up", "--config", str(config), "--state", str(state), "--port", "0"])
    host, port = process.said(r"^ready.* agents http://([^/\s]+)").rsplit(":", 1)
    control = state / "control.sock"
    admin = await asked(control, "", "/operators", {"name": "bench", "role": "admin"})
    return Gateway(process, host, int(port), control, admin["credential"])


async def open_runs(gateway: Gateway, count: int) -> list[tuple[str, str]]:
    """Id and credential of each."""
    found: list[tuple[str, str]] = []
    for _ in range(count):
        run = await asked(gateway.control, gateway.operator, "/runs", {"agent": AGENT, "task": "Measure."})
        found.append((run["run"], run["credential"]))
    return found


async def asked(control: Path, operator: str, path: str, body: Mapping[str, str]) -> dict[str, Any]:
    """What the control plane answers."""
    headers = {"Authorization": f"Bearer {operator}"} if operator else {}
    connector = aiohttp.UnixConnector(path=str(control))
    async with (
        aiohttp.ClientSession("http://localhost", connector=connector, headers=headers) as people,
        people.post(f"/api/v1{path}", json=body) as response,
    ):
        response.raise_for_status()
        return await response.json()
