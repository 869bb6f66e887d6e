"""Real servers from PyPI and npm, of both eras, over stdio and HTTP, behind one gateway: what they have works in both eras."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, TextResourceContents
from tests.servers.gateway_process import ORDINARY, GatewayProcess
from tests.servers.real_servers import Real, assert_set_up, over_http, over_stdio, prepare

from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE

MODERN, LEGACY = "2026-07-28", "legacy"
AGENT = "clerk"
ANALYST = "analyst"
"""Has tools that run any SQL, which the rules take for harmless: a list of permissions alone keeps tables."""
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}
LEAST = 10

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Behind:
    """One gateway with all of them behind it."""

    url: str
    credential: str
    analyst: str
    """The credential of a run of ANALYST."""
    servers: Sequence[Real]

    @asynccontextmanager
    async def client(self, place: str, mode: str, credential: str = "") -> AsyncGenerator[Client]:
        """The official client at one endpoint."""
        headers = {"Authorization": f"Bearer {credential or self.credential}"}
        async with (
            create_mcp_http_client(headers=headers) as http,
            Client(streamable_http_client(f"{self.url}{place}", http_client=http), mode=mode) as client,
        ):
            yield client


async def configuration(servers: Sequence[Real], folder: Path) -> Path:
    """What `ringfence init` proposes for all of them, with the calls of this test allowed."""
    mcp_json, proposed = folder / "mcp.json", folder / "proposed.yaml"
    mcp_json.write_text(json.dumps({"mcpServers": {server.id: server.configured for server in servers}}), "utf-8")
    init = await asyncio.create_subprocess_exec(
        *ORDINARY, "init", str(mcp_json), "--output", str(proposed), stdout=PIPE, stderr=PIPE
    )
    _, errors = await init.communicate()
    assert init.returncode == 0, errors.decode()
    config: dict[str, Any] = yaml.safe_load(proposed.read_text("utf-8"))
    for server in servers:
        config["tools"][f"{server.id}.{server.call}"] |= READ
        config["tools"] |= {f"{server.id}.{method}": READ for method in (READ_RESOURCE, GET_PROMPT, COMPLETE)}
    everything = [f"{server.id}.*" for server in servers]
    # What one of them is told to fetch is on this machine, which is the operator's own.
    config["provenance"] = {"hosts": ["127.0.0.1", "localhost"]}
    config["tools"]["sqlite.write_query"] |= READ
    config["tools"]["alchemy.execute_query"] |= READ
    config["agents"] = {
        AGENT: {"purpose": "looks at everything", "tools": everything, "only_mcp": True},
        ANALYST: {
            "purpose": "asks databases",
            "tools": ["sqlite.*", "alchemy.*"],
            "only_mcp": True,
            "permissions": {"deny": ["Bash(*DROP TABLE*)"], "ask": ["mcp__alchemy__execute_query(*DELETE FROM*)"]},
        },
    }
    file = folder / "ringfence.yaml"
    file.write_text(json.dumps(config), "utf-8")
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Behind]:
    assert_set_up()
    folder = tmp_path_factory.mktemp("real")
    place = prepare(folder)
    async with AsyncExitStack() as stack:
        servers = [*over_stdio(place), *await stack.enter_async_context(over_http(place))]
        gateway = GatewayProcess(await configuration(servers, folder), folder / "state")
        process = await stack.enter_async_context(gateway.running())
        people = await stack.enter_async_context(process.people())
        await people.add_operator("ada", "admin")
        _, credential = await people.open_run(AGENT)
        _, analyst = await people.open_run(ANALYST)
        yield Behind(process.url, credential, analyst, servers)
        log = await people.log()
        assert await process.stop() == 0, process.errors()
    decided = [entry for entry in log if entry["kind"] == "decision" and entry["agent"] == AGENT]
    refused = [entry for entry in decided if entry["decision"] != "allow"]
    assert refused == []


def server_of(behind: Behind, name: str) -> Real:
    return next(server for server in behind.servers if server.id == name)


NAMES = [server.id for server in over_stdio(Path())] + ["everything-http", "git-http"]


async def asked(client: Client, server: Real) -> tuple[bool, str]:
    """(whether it ended in an error, the text)."""
    try:
        result = await client.call_tool(server.call, dict(server.arguments))
    except MCPError as error:
        return True, str(error)
    assert isinstance(result, CallToolResult)
    return bool(result.is_error), "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def test_there_are_enough_of_them() -> None:
    assert len(set(NAMES)) >= LEAST


@pytest.mark.parametrize("mode", [LEGACY, MODERN])
@pytest.mark.parametrize("name", NAMES)
async def test_a_real_server_works_behind_the_gateway_in_both_eras(behind: Behind, name: str, mode: str) -> None:
    server = server_of(behind, name)
    async with behind.client(f"/mcp/{name}", mode) as client:
        assert len((await client.list_tools()).tools) == server.tools
        failed, text = await asked(client, server)
        assert (failed, server.says in text) == (server.fails, True), text
        if server.resource:
            assert server.resource in [str(resource.uri) for resource in (await client.list_resources()).resources]
            (content, *_) = (await client.read_resource(server.resource)).contents
            assert isinstance(content, TextResourceContents)
            assert server.holds in content.text
        if server.prompt:
            assert server.prompt in [prompt.name for prompt in (await client.list_prompts()).prompts]


@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_all_of_them_are_one_list_at_the_common_endpoint(behind: Behind, mode: str) -> None:
    async with behind.client("/mcp", mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        expected = sum(server.tools for server in behind.servers)
        assert len([name for name in names if not name.startswith("ringfence__")]) == expected
        for name in ("time", "everything-http"):
            server = server_of(behind, name)
            result = await client.call_tool(f"{name}__{server.call}", dict(server.arguments))
            assert isinstance(result, CallToolResult)
            assert server.says in str(result.content)


async def test_a_rule_about_statements_holds_for_real_servers_of_databases(behind: Behind) -> None:
    tools = {"sqlite": "write_query", "alchemy": "execute_query"}
    for name, tool in tools.items():
        async with behind.client(f"/mcp/{name}", LEGACY, behind.analyst) as client:

            async def said(sql: str, client: Client = client, tool: str = tool) -> str:
                result = await client.call_tool(tool, {"query": sql})
                assert isinstance(result, CallToolResult)
                return "\n".join(block.text for block in result.content if isinstance(block, TextContent))

            for sql in ("drop   table orders", "DROP/**/TABLE orders", "select 1; drop table if exists [orders]"):
                assert "permission" in await said(sql), sql
            assert "permission" not in await said("insert into orders values ('; drop table orders; --')")
    async with behind.client("/mcp/sqlite", LEGACY, behind.analyst) as client:
        result = await client.call_tool("list_tables", {})
        assert isinstance(result, CallToolResult)
        assert "orders" in str(result.content)
