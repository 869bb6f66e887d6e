"""Wires what says what a call of a client's own tool would do, where no gateway is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from ringfence.adapters.files.disk import DiskFiles
from ringfence.app.command_profiles import KnownCommands, OwnCommands
from ringfence.app.wiring.local import IGNORES_CASE, GatewayJudging, home_of
from ringfence.core.model.local import Place
from ringfence.core.rules import AgentRule
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.local.judged import Judges


@asynccontextmanager
async def judging(commands: OwnCommands | None = None) -> AsyncGenerator[Judges]:
    """For calls that nobody makes, on this machine's files."""
    judges = GatewayJudging(Scanner(), DiskFiles(ignores_case=IGNORES_CASE), KnownCommands(commands))
    try:
        yield judges
    finally:
        await judges.close()


def place_of(rule: AgentRule, cwd: Path) -> Place:
    """Where a call of an agent would be made, if its client had been started in `cwd` and is there still."""
    here = str(cwd.resolve())
    roots = rule.local.roots if rule.local is not None else ()
    return Place(cwd=here, roots=roots or (here,), home=home_of(rule), ignores_case=IGNORES_CASE)
