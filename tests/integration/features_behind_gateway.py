"""One gateway before the logging server in both eras and on both transports, with its questions to the client granted."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.shop_behind_gateway import AGENT, Gateway, gateway_on
from tests.servers.event_log import events

SERVER = str(Path(__file__).parents[1] / "servers/logging_server.py")
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}
NARROW = "echoing"
TOOLS = ("echo", "slow", "ask", "log", "resources/read", "prompts/get", "completion/complete")
GRANTS = {"elicitation": {"form": True}, "roots": True, "logging": True}


@dataclass(frozen=True)
class Desk:
    """`web` is reached over HTTP and speaks both eras, `pipe` over stdio and knows only the legacy one."""

    gateway: Gateway
    log: Path

    def events(self, mark: str) -> list[str]:
        """What became of the calls with a mark among their arguments, by their server."""
        return events(self.log, mark)


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncGenerator[Desk]:
    """Servers and gateway for the length of the block."""
    log = folder / "log"
    web = await asyncio.create_subprocess_exec(sys.executable, SERVER, str(log), "http", stdout=asyncio.subprocess.PIPE)
    try:
        assert web.stdout is not None
        port = int(await web.stdout.readline())
        pipe = [sys.executable, SERVER, str(log), "stdio", "--legacy-only"]
        config: dict[str, Any] = {
            "version": 1,
            "servers": {
                "web": {"url": f"http://127.0.0.1:{port}/mcp", "grants": GRANTS},
                "pipe": {"command": pipe, "share": "server", "grants": GRANTS},
            },
            "tools": {f"{server}.{tool}": READ for server in ("web", "pipe") for tool in TOOLS},
            "agents": {
                AGENT: {"purpose": "asks and waits", "tools": ["*.*"], "only_mcp": True},
                NARROW: {"purpose": "echoes", "tools": ["*.echo"], "only_mcp": True},
            },
        }
        async with gateway_on(config, folder / "gateway") as gateway:
            yield Desk(gateway, log)
    finally:
        web.terminate()
        await web.wait()
