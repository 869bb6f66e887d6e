"""A client that takes a call back: in either era and on either way, the server's own log shows that the call was cancelled."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from tests.integration.shop_behind_gateway import AGENT, Gateway, connect_command, eventually, gateway_on
from tests.servers.event_log import events

SERVER = str(Path(__file__).parents[1] / "servers/logging_server.py")
MODES = {"legacy": "legacy", "modern": "2026-07-28"}
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Slow:
    """A gateway before a slow server that is reached in two ways, and the server's log."""

    gateway: Gateway
    log: Path

    def events(self, mark: str) -> list[str]:
        """What became of a call, by its server."""
        return events(self.log, mark)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Slow]:
    folder = tmp_path_factory.mktemp("slow")
    log = folder / "log"
    web = await asyncio.create_subprocess_exec(sys.executable, SERVER, str(log), "http", stdout=asyncio.subprocess.PIPE)
    try:
        assert web.stdout is not None
        port = int(await web.stdout.readline())
        config = {
            "version": 1,
            "servers": {
                "web": {"url": f"http://127.0.0.1:{port}/mcp"},
                "pipe": {"command": [sys.executable, SERVER, str(log), "stdio"], "share": "server"},
            },
            "tools": {"web.slow": READ, "pipe.slow": READ},
            "agents": {AGENT: {"purpose": "waits", "tools": ["*.slow"], "only_mcp": True}},
        }
        async with gateway_on(config, folder / "gateway") as gateway:
            yield Slow(gateway, log)
    finally:
        web.terminate()
        await web.wait()


@asynccontextmanager
async def client_of(gateway: Gateway, way: str, era: str) -> AsyncGenerator[Client]:
    """The official Python client."""
    async with AsyncExitStack() as stack:
        if way == "connect":
            command, *arguments = connect_command(gateway)
            place: Any = StdioServerParameters(command=command, args=arguments)
        else:
            _, credential = await gateway.people.open_run(AGENT)
            headers = {"Authorization": f"Bearer {credential}"}
            http = await stack.enter_async_context(create_mcp_http_client(headers=headers))
            place = streamable_http_client(f"{gateway.process.url}/mcp", http_client=http)
        yield await stack.enter_async_context(Client(place, mode=MODES[era]))


@pytest.mark.parametrize("server", ["web", "pipe"])
@pytest.mark.parametrize("era", MODES)
@pytest.mark.parametrize("way", ["http", "connect"])
async def test_a_call_that_its_client_takes_back_is_cancelled_at_the_server(
    slow: Slow, way: str, era: str, server: str, request: pytest.FixtureRequest
) -> None:
    mark = request.node.name
    async with client_of(slow.gateway, way, era) as client:
        arguments = {"mark": mark, "release": "/nonexistent/never"}
        call = asyncio.create_task(client.call_tool(f"{server}__slow", arguments))
        await eventually(lambda: "start" in slow.events(mark))
        call.cancel()
        await asyncio.wait([call])
        await eventually(lambda: "cancelled" in slow.events(mark))
        again = await client.call_tool(f"{server}__slow", {"mark": mark})
    assert call.cancelled()
    assert not again.is_error
    assert slow.events(mark) == ["start", "cancelled", "start", "end"]
    outcomes = [entry["decision"] for entry in await slow.gateway.people.log() if entry["kind"] == "outcome"]
    assert outcomes[-2:] == ["ambiguous", "returned"]


@pytest.mark.parametrize("era", MODES)
@pytest.mark.parametrize("way", ["http", "connect"])
async def test_progress_of_the_server_arrives_while_the_call_is_under_way(
    slow: Slow, way: str, era: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    told: list[tuple[float, float | None, str | None]] = []
    release = tmp_path / "release"

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with client_of(slow.gateway, way, era) as client:
        arguments = {"mark": request.node.name, "release": str(release), "steps": 3}
        call = asyncio.create_task(client.call_tool("web__slow", arguments, progress_callback=on_progress))
        await eventually(lambda: bool(told))
        assert not call.done()
        release.touch()
        await call
    assert told[0] == (1, 3, "step 1")
