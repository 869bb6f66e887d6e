"""The world of one case: upstream servers with logs of their own, and a configuration in front of them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.cases import Case, Kind, Transport
from tests.crash.judge import Executed
from tests.servers.demo_servers import DemoServer

SWIFT = Path(__file__).parents[1] / "servers/swift_server.py"
AGENT = "support"
HOLD = {Kind.HELD: "20s"}
"""How long a call waits for a person: in most cases only until the client is told that it waits."""

_READ = "effect: read, reversible: true, bounded: true, costs_money: false, identity: false, outbound: false"
_SMALL = (
    "effect: write, reversible: true, bounded: true, costs_money: false, identity: false, outbound: false,"
    " sensitivity: internal, authority: []"
)
_LARGE = (
    "effect: write, bounded: true, costs_money: true, identity: false, outbound: false, sensitivity: internal, authority: []"
)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """How one case names, fills in and recognises its tool."""

    wire: str
    upstream: str

    def arguments(self, marker: str) -> dict[str, Any]:
        """Arguments that occur in no other call."""
        match self.upstream:
            case "search_orders":
                return {"customer": marker}
            case "add_note":
                return {"order_id": "A-1001", "text": marker}
            case "refund":
                return {"order_id": "A-1004", "amount_cents": 1, "reason": marker}
            case _:
                return {"who": marker}


def tool_of(case: Case) -> ToolUse:
    """The tool that a case is about."""
    if case.transport is Transport.STDIO:
        name = {Kind.READ: "look", Kind.WRITE: "put"}.get(case.kind, "pay")
        return ToolUse(f"swift__{name}", name)
    match case.kind:
        case Kind.READ:
            return ToolUse("orders__search_orders", "search_orders")
        case Kind.REGULATED_READ:
            return ToolUse("vault__search_orders", "search_orders")
        case Kind.WRITE:
            return ToolUse("orders__add_note", "add_note")
        case _:
            return ToolUse("payments__refund", "refund")


@dataclass(frozen=True, slots=True)
class Shop:
    """The demo's servers over HTTP, shared by all cases; each case knows its calls by a marker."""

    orders: DemoServer
    payments: DemoServer
    orders_url: str
    payments_url: str

    def configuration(self, case: Case, directory: Path) -> str:
        """`ringfence.yaml` of one case."""
        quorum = 2 if case.kind is Kind.HALF_VOTE else 1
        if case.transport is Transport.STDIO:
            command = json.dumps([sys.executable, str(SWIFT), str(directory / "swift.jsonl"), "stdio"])
            servers = f"  swift: {{command: {command}, share: server}}\n"
            tools = (
                f"  swift.look: {{{_READ}, sensitivity: public}}\n"
                f"  swift.put: {{{_SMALL}}}\n"
                f"  swift.pay: {{{_LARGE}, quorum: {quorum}}}\n"
            )
        else:
            servers = (
                f"  orders: {{url: {json.dumps(self.orders_url)}}}\n"
                f"  vault: {{url: {json.dumps(self.orders_url)}}}\n"
                f"  payments: {{url: {json.dumps(self.payments_url)}}}\n"
            )
            tools = (
                f"  orders.search_orders: {{{_READ}, sensitivity: public}}\n"
                f"  vault.search_orders: {{{_READ}, sensitivity: regulated}}\n"
                f"  orders.add_note: {{{_SMALL}}}\n"
                f"  payments.refund: {{{_LARGE}, quorum: {quorum}}}\n"
            )
        return (
            f"version: 1\nservers:\n{servers}tools:\n{tools}agents:\n"
            f"  {AGENT}: {{purpose: works in the tests, tools: ['*'], only_mcp: true}}\n"
            f"approvals: {{hold: {HOLD.get(case.kind, '1s')}, legs: 0}}\n"
        )

    def executed(self, case: Case, directory: Path, marker: str) -> list[Executed]:
        """What the upstream says that it executed for this case."""
        if case.transport is Transport.STDIO:
            calls = _swift_log(directory / "swift.jsonl")
        else:
            calls = [*self.orders.executed(), *self.payments.executed()]
        return [(tool, arguments) for tool, arguments in calls if _is_of(arguments, marker)]

    def all_executed(self) -> int:
        """Every executed call in both logs, whoever made it."""
        return len(self.orders.executed()) + len(self.payments.executed())


def _is_of(arguments: Mapping[str, Any], marker: str) -> bool:
    return any(isinstance(value, str) and value.startswith(f"{marker} ") for value in arguments.values())


def _swift_log(path: Path) -> list[Executed]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [(record["tool"], record["arguments"]) for record in map(json.loads, lines)]


@asynccontextmanager
async def open_shop(directory: Path) -> AsyncGenerator[Shop]:
    """Both servers, for the length of the block."""
    orders, payments = DemoServer("orders", directory), DemoServer("payments", directory)
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(server.http()) for server in (orders, payments)]
        yield Shop(orders, payments, *urls)


async def servers_gone(directory: Path, patience_s: float = 10.0) -> bool:
    """Wait until no stdio server of this case is left: what lay in its pipe has been executed, or never will be."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while _has_process(str(directory).encode()):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def _has_process(named: bytes) -> bool:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(SWIFT).encode() in words and any(word.startswith(named) for word in words):
            return True
    return False
