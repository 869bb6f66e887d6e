"""The MCP Inspector's two command lines as programs: `mcp-inspector --cli` and `mcpdo`.

The first makes one request a process, the second stays connected. Both are in the npm package that `make servers` sets up.
"""

import asyncio
import json
import os
import signal
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.real_servers import NODE, OFFICIAL, assert_set_up

ONE_SHOT = OFFICIAL / "inspector/clients/launcher/build/index.js"
CONNECTION = OFFICIAL / "inspector/clients/mcpdo/build/mcp-bin.js"
LONGEST_S = 60.0


@dataclass(frozen=True)
class Ended:
    """What a process left."""

    code: int
    output: str
    errors: str

    @property
    def printed(self) -> Any:
        """Its output, where it did not fail. Raises AssertionError."""
        assert self.code == 0, f"{self.output}\n{self.errors}"
        return json.loads(self.output)


async def ended(process: Process) -> Ended:
    """Wait for its end. Raises TimeoutError where it hangs."""
    try:
        async with asyncio.timeout(LONGEST_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


@dataclass(frozen=True)
class Inspector:
    """`--cli` against one endpoint: `target` is what it is started with to reach it."""

    target: Sequence[str]
    era: str
    home: Path

    async def start(self, method: str, *words: str) -> Process:
        """One request under way."""
        assert_set_up()
        return await asyncio.create_subprocess_exec(
            *(NODE, str(ONE_SHOT), "--cli", *self.target, "--protocol-era", self.era, "--method", method, *words),
            stdout=PIPE,
            stderr=PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
        )

    async def run(self, method: str, *words: str) -> Any:
        """What it prints for one request. Raises AssertionError where it fails."""
        return (await ended(await self.start(method, *words))).printed

    async def call(self, tool: str, arguments: dict[str, Any], *words: str) -> str:
        """The text of a call's result, which must not be an error."""
        given = ("--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        result = await self.run("tools/call", *given, *words)
        assert result["isError"] is False, result
        return result["content"][0]["text"]


def at_url(url: str, credential: str, home: Path, era: str) -> Inspector:
    """Over streamable HTTP."""
    header = f"Authorization: Bearer {credential}"
    return Inspector((url, "--transport", "http", "--header", header), era, home)


class Mcpdo:
    """One connection of `mcpdo`, kept by a process of its own in the background."""

    def __init__(self, home: Path) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "MCP_INSPECTOR_DAEMON_DIR": str(home / "d"),
            "MCP_INSPECTOR_SECRET_STORE": "memory",
        }

    async def start(self, *words: str, stdin: int | None = None) -> Process:
        """A command under way."""
        return await asyncio.create_subprocess_exec(
            *(NODE, str(CONNECTION), "--connection", "it", *words), stdin=stdin, stdout=PIPE, stderr=PIPE, env=self._environment
        )

    async def run(self, *words: str) -> Any:
        """What a command prints. Raises AssertionError where it fails."""
        return (await ended(await self.start("--format", "json", *words))).printed

    async def interrupted(self, *words: str, when: Callable[[], Awaitable[None]]) -> Ended:
        """A command in a terminal, and Ctrl-C: only there is a call taken back and not left to the background."""
        terminal, stdin = os.openpty()
        try:
            process = await self.start("--format", "text", *words, stdin=stdin)
            await when()
            process.send_signal(signal.SIGINT)
            return await ended(process)
        finally:
            os.close(stdin)
            os.close(terminal)


@asynccontextmanager
async def connected(url: str, credential: str, era: str) -> AsyncGenerator[Mcpdo]:
    """A connection for the length of the block."""
    assert_set_up()
    with tempfile.TemporaryDirectory(prefix="mcpdo") as home:  # short, for it holds a unix socket
        mcpdo = Mcpdo(Path(home))
        header = f"Authorization: Bearer {credential}"
        try:
            await mcpdo.run("connect", "--server-url", url, "--transport", "http", "--header", header, "--era", era)
            yield mcpdo
        finally:
            await mcpdo.run("daemon", "stop")
