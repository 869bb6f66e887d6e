"""Wires what the gateway knows of the machine that agents' clients run on: their shell, their files, their homes."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.adapters.files.disk import DiskFiles
from ringfence.adapters.parsers.shfmt import ShfmtParser
from ringfence.adapters.parsers.sql import SqlglotReader
from ringfence.app.command_profiles import KnownCommands
from ringfence.core.commands.profile import CommandProfiles
from ringfence.core.model.local import Judgement, Place
from ringfence.core.rules import AgentRule
from ringfence.core.scan.scanner import Scanner
from ringfence.core.shell.written import Written
from ringfence.engine.local.judging import Judging

IGNORES_CASE = sys.platform == "darwin"


class GatewayJudging:
    """Says what calls would do. Made at the first of them: most gateways have no agent with a client of its own."""

    def __init__(self, scanner: Scanner, files: DiskFiles, commands: KnownCommands) -> None:
        self._scanner = scanner
        self._files = files
        self._commands = commands
        self._parser: ShfmtParser | None = None
        self._made: tuple[Judging, CommandProfiles] | None = None

    async def judge(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        place: Place,
        *,
        written: Callable[[str], Written],
        secret_scan: bool = True,
        guarded: Callable[[str], bool] | None = None,
    ) -> Judgement:
        return await self._judging().judge(tool, arguments, place, written=written, secret_scan=secret_scan, guarded=guarded)

    async def close(self) -> None:
        if self._parser is not None:
            await self._parser.close()

    def _judging(self) -> Judging:
        profiles = self._commands.current()
        if self._made is None or self._made[1] is not profiles:
            self._parser = self._parser or ShfmtParser()
            judging = Judging(
                parser=self._parser, files=self._files, sql=SqlglotReader(), profiles=profiles, scanner=self._scanner
            )
            self._made = judging, profiles
        return self._made[0]


def home_of(rule: AgentRule) -> str:
    """The home directory of the user that an agent's client is: the one whom its rules name, else the gateway's own."""
    if rule.local is not None and rule.local.home:
        return rule.local.home
    try:
        return pwd.getpwuid(min(rule.uids, default=os.getuid())).pw_dir
    except KeyError:
        return ""
