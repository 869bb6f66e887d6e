"""Wires what says what a call of a client's own tool would do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ringfence.adapters.files.disk import DiskFiles
from ringfence.adapters.parsers.shfmt import Shfmt
from ringfence.adapters.parsers.sql import SqlglotReader
from ringfence.app.command_profiles import command_profiles
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.local.judging import Judging


@asynccontextmanager
async def judging() -> AsyncGenerator[Judging]:
    """For calls that nobody makes: no gateway is there. Raises ConfigError."""
    parser = Shfmt()
    try:
        yield Judging(parser=parser, files=DiskFiles(), sql=SqlglotReader(), profiles=command_profiles(), scanner=Scanner())
    finally:
        await parser.close()
