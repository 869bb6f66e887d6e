"""A gateway that meters a scripted model, and its agents with the vendor's own client."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
from tests.servers.gateway_process import GatewayProcess, People
from tests.servers.model_server import ModelServer, model_server

KEY = "sk-of-the-upstream-0001"
MODEL = "claude-opus-5-5"


@dataclass(frozen=True)
class Metered:
    """Everything that runs."""

    process: GatewayProcess
    people: People
    model: ModelServer
    folder: Path

    @property
    def base_url(self) -> str:
        return f"{self.process.url}/anthropic"

    def client(self, credential: str, retries: int = 0) -> anthropic.AsyncAnthropic:
        """An agent's: all that it is given is an address and its run's credential."""
        return anthropic.AsyncAnthropic(api_key=credential, base_url=self.base_url, max_retries=retries)

    async def meters(self, run: str) -> dict[str, tuple[int, int]]:
        """Spent and held of every meter that the run's requests are charged to, in its own units (money: millionths)."""
        meters = (await self.people.done("GET", f"/budget?run={run}"))["meters"]
        return {one["kind"]: (_whole(one, "used") - _whole(one, "held"), _whole(one, "held")) for one in meters}

    async def outcomes(self, run: str) -> list[dict[str, Any]]:
        """What the log says came of the run's requests."""
        log = await self.people.log()
        return [entry for entry in log if entry.get("run") == run and entry["kind"] == "outcome"]


def _whole(meter: Mapping[str, Any], key: str) -> int:
    return int(Decimal(meter[key]) * (1_000_000 if meter["kind"] == "spend" else 1))


def configuration(model: ModelServer, limits: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Nothing but an upstream, its key, an agent and its caps."""
    upstream = {"url": model.url, "credential": {"from": "file:key"}}
    return {
        "version": 1,
        "models": {"upstreams": {"main": upstream}, **more.pop("models", {})},
        "agents": {"coder": {"purpose": "Write code.", "limits": dict(limits)}},
        **more,
    }


@asynccontextmanager
async def metered(folder: Path, limits: Mapping[str, Any], **more: Any) -> AsyncGenerator[Metered]:
    """`ringfence up` in front of a scripted model."""
    async with model_server(KEY) as model:
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        config = folder / "ringfence.yaml"
        config.write_text(json.dumps(configuration(model, limits, **more)), "utf-8")
        async with GatewayProcess(config, folder / "state").running() as process, process.people() as people:
            await people.add_operator("ada", "admin")
            yield Metered(process, people, model, folder)


def scripted(**script: Any) -> list[Any]:
    """Messages that tell the scripted model what to answer."""
    return [{"role": "user", "content": f"script:{json.dumps(script)}"}]
