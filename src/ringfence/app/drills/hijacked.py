"""The agent of a drill: a real MCP client that sends whatever the script says, whatever the answers were."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import TextContent, TextResourceContents

DECISION: Final = "ringfence/decision"
APPROVAL: Final = "ringfence/approval"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent got for one call."""

    kind: Literal["result", "pending", "refused"]
    text: str
    code: str
    """The class of the rule that the agent was told; empty for a result."""
    entry: str
    """The entry that it was told."""
    ticket: str
    at: float
    """When it came, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Hijacked:
    """One connected client with the credential of one run."""

    client: Client

    async def tools(self) -> list[str]:
        """Names of the tools that exist for it."""
        return [tool.name for tool in (await self.client.list_tools(cache_mode="refresh")).tools]

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Call `server.tool`. A refusal is an answer too."""
        try:
            result = await self.client.call_tool(tool.replace(".", "__", 1), dict(arguments))
        except MCPError as error:
            return _refusal(error)
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
        return _told(text, result.meta or {})

    async def read(self, uri: str) -> Answer:
        """Read a resource."""
        try:
            result = await self.client.read_resource(uri)
        except MCPError as error:
            return _refusal(error)
        text = "\n".join(part.text for part in result.contents if isinstance(part, TextResourceContents))
        return _told(text, result.meta or {})


def _told(text: str, meta: Mapping[str, Any]) -> Answer:
    now = time.time()
    decision: Mapping[str, Any] = meta.get(DECISION) or {}
    approval: Mapping[str, Any] = meta.get(APPROVAL) or {}
    entry = str(decision.get("entry", approval.get("entry", "")))
    if approval:
        return Answer("pending", text, "approval", entry, str(approval.get("approval_id", "")), now)
    if decision:
        return Answer("refused", text, str(decision.get("code", "")), entry, "", now)
    return Answer("result", text, "", "", "", now)


def _refusal(error: MCPError) -> Answer:
    data: Any = error.data
    decision: Mapping[str, Any] = data.get(DECISION) or {} if isinstance(data, Mapping) else {}
    code = str(decision.get("code", "")) or "error"
    return Answer("refused", error.message, code, str(decision.get("entry", "")), "", time.time())


@asynccontextmanager
async def connected(url: str, credential: str) -> AsyncGenerator[Hijacked]:
    """An agent at work for the length of the block."""
    # The SDK's own factory keeps its default time-outs; it has no public name.
    async with (
        create_mcp_http_client(headers={"Authorization": f"Bearer {credential}"}) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        yield Hijacked(client)
