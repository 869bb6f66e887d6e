"""The scripted agent: the official MCP client, pointed at the boundary. It decides nothing here; the script does."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import TextContent

PENDING = "ringfence/approval"
OWN = "ringfence__"


@dataclass(frozen=True)
class Answer:
    """What the agent got to know."""

    text: str
    is_error: bool
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The structured result."""
    is_pending: bool = False
    """Nobody has decided yet; the same call again asks how it stands."""


@dataclass(frozen=True)
class Agent:
    """One connected client with the credential of one run."""

    name: str
    run: str
    client: Client

    async def tools(self) -> list[str]:
        """The servers' tools that exist for it, as `server.tool`. The gateway's own are left out."""
        names = [tool.name for tool in (await self.client.list_tools()).tools]
        return [name.replace("__", ".", 1) for name in names if not name.startswith(OWN)]

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Call `server.tool`. A refusal is an answer too."""
        try:
            result = await self.client.call_tool(tool.replace(".", "__", 1), dict(arguments))
        except MCPError as error:
            return Answer(error.message, is_error=True)
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
        return Answer(text, bool(result.is_error), result.structured_content or {}, PENDING in (result.meta or {}))


@asynccontextmanager
async def connected(name: str, run: str, url: str, credential: str) -> AsyncGenerator[Agent]:
    """An agent at work for the length of the block."""
    # The SDK's own factory keeps its default time-outs; it has no public name.
    async with (
        create_mcp_http_client(headers={"Authorization": f"Bearer {credential}"}) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield Agent(name, run, client)
