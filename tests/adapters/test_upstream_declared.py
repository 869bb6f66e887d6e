"""What is declared to a server while it is asked what it has: its lists may depend on it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CLIENT_CAPABILITIES_META_KEY
from tests.servers.raw_http import Exchange, RawServer, handshake, raw_server, response, result

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions, StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.adapters.wire.mcp import Era

SAMPLING = {"sampling": {}}
PLAIN = {"name": "plain", "inputSchema": {"type": "object"}}
ASKS = {"name": "asks", "inputSchema": {"type": "object"}}
CHILD = """
import json, sys
modern, sampling = sys.argv[1] == "modern", False
for line in sys.stdin:
    message = json.loads(line)
    params = message.get("params", {})
    if "id" not in message:
        continue
    if message["method"] == "initialize":
        sampling = "sampling" in params["capabilities"]
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif message["method"] == "server/discover" and modern:
        result = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    elif message["method"] == "tools/list":
        if modern:
            sampling = "sampling" in params["_meta"]["io.modelcontextprotocol/clientCapabilities"]
        names = ["plain", "asks"] if sampling else ["plain"]
        result = {"resultType": "complete", "tools": [{"name": n, "inputSchema": {"type": "object"}} for n in names]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def names(tools: Any) -> list[str]:
    return [tool["name"] for tool in tools]


@pytest.mark.parametrize("era", list(Era))
async def test_an_http_server_lists_by_what_is_declared(era: Era) -> None:
    sessions: dict[str, bool] = {}

    async def answer(exchange: Exchange) -> None:
        message = exchange.message
        if message.get("method") == "initialize":
            sessions[f"s-{message['id']}"] = "sampling" in message["params"]["capabilities"]
        if message.get("method") == "tools/list":
            meta = message["params"].get("_meta", {})
            known = sessions.get(exchange.header("mcp-session-id") or "", False)
            tools = [PLAIN, ASKS] if known or "sampling" in meta.get(CLIENT_CAPABILITIES_META_KEY, {}) else [PLAIN]
            exchange.writer.write(response(json.dumps(result(exchange, tools=tools)).encode()))
        elif not await handshake(exchange, legacy=era is Era.LEGACY):
            exchange.writer.write(response(json.dumps(result(exchange, resources=[], prompts=[], content=[])).encode()))

    async with raw_server(answer) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        try:
            await _check(upstream)
            await _again(upstream, server)
        finally:
            await upstream.close()


async def _again(upstream: HttpUpstream, server: RawServer) -> None:
    """Sessions are kept for each set of capabilities."""
    opened = server.methods().count("initialize")
    await upstream.describe(SAMPLING)
    await upstream.describe()
    assert server.methods().count("initialize") == opened <= 2


@pytest.mark.parametrize("era", list(Era))
async def test_a_stdio_server_lists_by_what_is_declared(era: Era, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD)
    upstream = StdioUpstream(StdioOptions(command=sys.executable, args=(str(child), str(era))))
    try:
        await _check(upstream)
    finally:
        await upstream.close()


async def _check(upstream: HttpUpstream | StdioUpstream) -> None:
    plain = await upstream.describe()
    rich = await upstream.describe(SAMPLING)
    assert (names(plain.tools), names(rich.tools)) == (["plain"], ["plain", "asks"])
    assert (plain.declared, rich.declared) == ({}, SAMPLING)
    assert names((await upstream.describe()).tools) == ["plain"]
