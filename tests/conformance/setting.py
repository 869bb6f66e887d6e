"""The reference server and the gateway before it, as processes, on an ordinary configuration."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from tests.servers.gateway_process import ORDINARY, GatewayProcess, People

from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE

HERE = Path(__file__).parent
REFERENCE = HERE / ".reference/examples/servers/everything-server"
SERVER = "everything"
METHODS = (READ_RESOURCE, GET_PROMPT, COMPLETE)
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}
GRANTS = {"sampling": True, "elicitation": {"form": True}, "roots": True, "logging": True}
START_S = 30.0


@asynccontextmanager
async def reference_server(log: Path) -> AsyncGenerator[str]:
    """The reference server on a free loopback port, its requests written to `log`; gives the URL."""
    environment = {**os.environ, "PYTHONPATH": str(REFERENCE)}
    program = (sys.executable, str(HERE / "reference_server.py"), str(log))
    with log.with_suffix(".errors").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(*program, stdout=PIPE, stderr=errors, env=environment)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            word, _, port = (await process.stdout.readline()).decode().partition(" ")
        assert word == "listening", log.with_suffix(".errors").read_text("utf-8")
        # Named, not numbered: the suite checks what a browser would send.
        yield f"http://localhost:{int(port)}/mcp"
    finally:
        process.terminate()
        await process.wait()


async def configuration(url: str, folder: Path, *, denied: frozenset[str] = frozenset(), closed: bool = False) -> Path:
    """What `ringfence init` proposes for the server, with what an operator adds who trusts it.

    `denied` tools are not given to the agent; `closed` keeps the default of refusing arguments that no schema declares.
    """
    mcp_json, proposed = folder / "mcp.json", folder / "proposed.yaml"
    mcp_json.write_text(json.dumps({"mcpServers": {SERVER: {"url": url}}}), "utf-8")
    process = await asyncio.create_subprocess_exec(
        *ORDINARY, "init", str(mcp_json), "--output", str(proposed), stdout=PIPE, stderr=PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    config: dict[str, Any] = yaml.safe_load(proposed.read_text("utf-8"))
    config["servers"][SERVER] |= {"grants": GRANTS} | ({} if closed else {"closed_schemas": False})
    names = [*config["tools"], *(f"{SERVER}.{method}" for method in METHODS)]
    config["tools"] = {name: {**_kept(config["tools"].get(name, {})), **READ} for name in names}
    config["agents"] = {
        "suite": {
            "purpose": "proves that nothing breaks behind the gateway",
            "tools": [f"{SERVER}.*"] if not denied else sorted(set(names) - {f"{SERVER}.{tool}" for tool in denied}),
            "only_mcp": True,
            "unsafe_anonymous": True,
        }
    }
    file = folder / "ringfence.yaml"
    file.write_text(json.dumps(config, indent=1), "utf-8")
    return file


def _kept(profile: Mapping[str, Any]) -> dict[str, Any]:
    return {key: profile[key] for key in ("pin",) if key in profile}


@asynccontextmanager
async def gateway(config: Path, state: Path) -> AsyncGenerator[tuple[str, People]]:
    """`ringfence up` on the configuration; gives the endpoint of the server and an operator."""
    async with GatewayProcess(config, state).running() as process, process.people() as people:
        await people.add_operator("ada", "admin")
        yield f"{process.url.replace('127.0.0.1', 'localhost')}/mcp/{SERVER}", people
