"""Decides calls of a coding agent under given permission lists, by a real configuration file and every check of the gateway."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ringfence.app.config.load import load_config
from ringfence.app.permissions.trial import Trial, Tried
from ringfence.app.wiring.judging import judging
from ringfence.core.model.identifiers import AgentId, Millis
from ringfence.core.model.local import Place
from ringfence.core.rules import AgentRule

AGENT = AgentId("coder")


@dataclass(frozen=True, slots=True)
class Decider:
    """One project under one set of lists."""

    root: str
    home: str
    trial: Trial

    async def decide(self, tool: str, given: Mapping[str, Any], cwd: str = ".") -> Tried:
        """`cwd` is relative to the project."""
        folder = self.root if cwd == "." else f"{self.root}/{cwd}"
        return await self.trial.decide(tool, given, Place(cwd=folder, roots=(self.root,), home=self.home))

    async def command(self, text: str, cwd: str = ".") -> Tried:
        return await self.decide("Bash", {"command": text}, cwd)


@asynccontextmanager
async def decider(folder: Path, root: Path, permissions: Mapping[str, Sequence[str]]) -> AsyncGenerator[Decider]:
    """A decider for the project in `root`, links followed; `folder` is for its configuration and lies outside."""
    rule = _configured(folder, root, permissions)
    async with judging() as judge:
        yield Decider(str(root), str(folder / "home"), Trial(rule, judge, Millis(0)))


def _configured(folder: Path, root: Path, permissions: Mapping[str, Sequence[str]]) -> AgentRule:
    (folder / "home").mkdir(exist_ok=True)
    config = folder / "ringfence.yaml"
    lists = {name: list(rules) for name, rules in permissions.items()}
    agent = {"purpose": "writes code", "permissions": lists, "local": {"roots": [str(root)]}}
    config.write_text(yaml.safe_dump({"version": 1, "agents": {str(AGENT): agent}}), encoding="utf-8")
    config.chmod(0o600)
    return load_config(config).rules.agents[AGENT]
