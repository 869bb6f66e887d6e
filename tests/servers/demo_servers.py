"""Run the demo's servers as processes, and read what they say that they executed."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.event_log import records

SERVERS = Path(__file__).parents[2] / "demo/servers"


@dataclass(frozen=True)
class DemoServer:
    """One of the demo's servers (`orders`, `payments`) over files of its own in a directory."""

    name: str
    directory: Path

    @property
    def program(self) -> list[str]:
        """The command without a transport."""
        database, log = self.directory / f"{self.name}.sqlite", self.directory / f"{self.name}.jsonl"
        return [sys.executable, str(SERVERS / f"{self.name}.py"), "--db", str(database), "--log", str(log)]

    @property
    def stdio(self) -> list[str]:
        """The command of a client that speaks stdio."""
        return [*self.program, "--stdio"]

    def executed(self) -> list[tuple[str, dict[str, Any]]]:
        """Tool and arguments of every executed call, in order."""
        log = self.directory / f"{self.name}.jsonl"
        return [(record["tool"], record["arguments"]) for record in records(log)]

    @asynccontextmanager
    async def http(self) -> AsyncGenerator[str]:
        """Serve on a free loopback port for the length of the block; gives the URL."""
        process = await asyncio.create_subprocess_exec(*self.program, "--port", "0", stdout=PIPE)
        try:
            assert process.stdout is not None
            word, port = (await process.stdout.readline()).decode().split()
            assert word == "listening"
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            await process.communicate()
