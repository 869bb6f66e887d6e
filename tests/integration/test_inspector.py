"""The MCP Inspector's command line lists and calls through the gateway, in both eras."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from tests.servers.gateway_process import GatewayProcess
from tests.servers.real_servers import NODE, OFFICIAL, assert_set_up

INSPECTOR = OFFICIAL / "inspector/clients/launcher/build/index.js"
READ = {"effect": "read", "sensitivity": "public", "outbound": False}
CONFIG: dict[str, Any] = {
    "version": 1,
    "servers": {"clock": {"command": [sys.executable, "-m", "mcp_server_time"]}},
    "tools": {"clock.get_current_time": READ, "clock.convert_time": {}},
    "agents": {"dev": {"purpose": "tells the time", "tools": ["clock.get_current_time"], "only_mcp": True}},
}
LONGEST_S = 60.0


class Inspector:
    """The Inspector against one endpoint."""

    def __init__(self, url: str, credential: str, home: Path) -> None:
        self._url = url
        self._credential = credential
        self._home = home

    async def run(self, era: str, method: str, *words: str) -> dict[str, Any]:
        """What it prints for one request. Raises AssertionError where it fails."""
        header = f"Authorization: Bearer {self._credential}"
        options = ("--transport", "http", "--header", header, "--protocol-era", era, "--method", method)
        process = await asyncio.create_subprocess_exec(
            NODE,
            str(INSPECTOR),
            "--cli",
            self._url,
            *options,
            *words,
            stdout=PIPE,
            stderr=PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(self._home)},
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, f"{output.decode()}\n{errors.decode()}"
        return json.loads(output)


@pytest.fixture
async def inspector(tmp_path: Path) -> AsyncGenerator[Inspector]:
    assert_set_up()
    config = tmp_path / "ringfence.yaml"
    config.write_text(json.dumps(CONFIG), "utf-8")
    async with GatewayProcess(config, tmp_path / "state").running() as process, process.people() as people:
        await people.add_operator("ada", "admin")
        _, credential = await people.open_run("dev")
        yield Inspector(f"{process.url}/mcp", credential, tmp_path)


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_the_inspector_lists_and_calls_through_the_gateway(inspector: Inspector, era: str) -> None:
    listed = await inspector.run(era, "tools/list")
    assert [tool["name"] for tool in listed["tools"] if not tool["name"].startswith("ringfence__")] == [
        "clock__get_current_time"
    ]
    called = await inspector.run(era, "tools/call", "--tool-name", "clock__get_current_time", "--tool-arg", "timezone=UTC")
    assert not called.get("isError")
    assert json.loads(called["content"][0]["text"])["timezone"] == "UTC"
