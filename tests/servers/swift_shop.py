"""Swift servers over every transport behind one gateway configuration, and what their logs say."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SWIFT = Path(__file__).with_name("swift_server.py")
SERVERS = ("modern", "legacy", "piped")
"""Two over HTTP, one of each era, and one over stdio."""

_SMALL = "reversible: true, bounded: true, costs_money: false, identity: false, outbound: false"
_PROFILES = {
    "look": f"effect: read, sensitivity: public, {_SMALL}",
    "put": f"effect: write, sensitivity: internal, authority: [], {_SMALL}",
    "pay": "sensitivity: internal, authority: [], bounded: true, identity: false, outbound: false",
}


@dataclass(frozen=True, slots=True)
class Executed:
    """One executed call, by the server's own record."""

    at: int
    """CLOCK_MONOTONIC, nanoseconds."""
    server: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SwiftShop:
    """The servers, each with its log in a directory."""

    directory: Path
    urls: Mapping[str, str] = field(default_factory=dict[str, str])

    def configuration(self, agents: str, *, hold: str = "1s") -> str:
        """`ringfence.yaml` with the given agents: lines such as `  alpha: {purpose: p, tools: ['*'], only_mcp: true}`."""
        command = json.dumps([sys.executable, str(SWIFT), str(self.log("piped")), "stdio"])
        servers = [f"  {name}: {{url: {json.dumps(url)}, share: agent}}" for name, url in self.urls.items()]
        servers.append(f"  piped: {{command: {command}, share: server}}")
        tools = [f"  {server}.{tool}: {{{profile}}}" for server in SERVERS for tool, profile in _PROFILES.items()]
        sections = [
            "version: 1",
            "servers:",
            *servers,
            "tools:",
            *tools,
            "agents:",
            agents,
            f"approvals: {{hold: {hold}, legs: 0}}",
        ]
        return "\n".join(sections) + "\n"

    def log(self, server: str) -> Path:
        return self.directory / f"{server}.jsonl"

    def executed(self) -> list[Executed]:
        """Every executed call of every server, by time."""
        found: list[Executed] = []
        for server in SERVERS:
            log = self.log(server)
            for line in log.read_bytes().splitlines() if log.exists() else ():
                record = json.loads(line)
                found.append(Executed(record["at"], server, record["tool"], record["arguments"]))
        return sorted(found, key=lambda call: call.at)


@asynccontextmanager
async def swift_shop(directory: Path) -> AsyncGenerator[SwiftShop]:
    """Both HTTP servers, for the length of the block; the gateway starts the third."""
    async with AsyncExitStack() as stack:
        shop = SwiftShop(directory)
        urls = {kind: await stack.enter_async_context(_http(shop.log(kind), kind)) for kind in ("modern", "legacy")}
        yield SwiftShop(directory, urls)


@asynccontextmanager
async def _http(log: Path, kind: str) -> AsyncGenerator[str]:
    process = await asyncio.create_subprocess_exec(sys.executable, str(SWIFT), str(log), kind, stdout=PIPE)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}/mcp"
    finally:
        process.kill()
        await process.communicate()
