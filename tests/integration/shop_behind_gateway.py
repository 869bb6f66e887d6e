"""Two gateway processes before the same real servers.

`brief` soon tells a client that its approval is pending; `patient` holds the call until a person has decided.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.demo_servers import DemoServer
from tests.servers.gateway_process import ORDINARY, GatewayProcess, People

AGENT = "support"
PATIENCE_S = 30
TRIES, POLL_S = 3000, 0.01
APPROVALS = {"brief": {"hold": "1s", "legs": 1}, "patient": {"hold": "60s", "legs": 1}}
REFUND = {
    "bounded": True,
    "identity": False,
    # Nobody states a task here that names an order: who approves is the only word on one.
    "authority": [],
    "when": [{"if": "amount_cents <= 50", "reversible": True, "costs_money": False}],
    "tighten": {"properties": {"amount_cents": {"maximum": 4000}}},
}
READ = {"effect": "read", "sensitivity": "internal", "outbound": False}


def configuration(orders: str, payments: DemoServer, tills: str, approvals: dict[str, Any]) -> dict[str, Any]:
    """`payments` is reached over stdio; `tills` is the same shop's payments over HTTP."""
    return {
        "version": 1,
        "servers": {
            "orders": {"url": orders},
            "payments": {"command": payments.stdio, "share": "server"},
            "tills": {"url": tills},
        },
        "tools": {
            "orders.get_order": READ,
            "orders.cancel_order": {},
            "payments.get_balance": READ,
            "payments.refund": REFUND,
            "payments.issue_voucher": {},
            "tills.refund": REFUND,
        },
        "agents": {
            AGENT: {
                "purpose": "answers customers",
                "tools": ["orders.get_order", "payments.get_balance", "*.refund"],
                "tighten": {"tills.refund": {"properties": {"order_id": {"enum": ["A-1004"]}}}},
                "only_mcp": True,
            },
            "warehouse": {"purpose": "cancels orders", "tools": ["orders.cancel_order"], "only_mcp": True},
        },
        "approvals": approvals,
    }


@dataclass(frozen=True)
class Gateway:
    """One running gateway, and its first operator at the control socket."""

    process: GatewayProcess
    people: People
    state: Path

    async def waiting(self, mark: str) -> dict[str, Any]:
        """The ticket whose card shows a mark, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for ticket in await self.people.pending():
                    if mark in json.dumps(ticket):
                        return ticket
                await asyncio.sleep(POLL_S)

    async def approve(self, ticket: dict[str, Any]) -> None:
        """One approval of exactly this card."""
        status, answer = await self.people.decide(ticket, "approve")
        assert status == 200, answer


@dataclass(frozen=True)
class Shop:
    """Everything that runs."""

    brief: Gateway
    patient: Gateway
    payments: DemoServer

    def refunds(self, mark: str) -> list[dict[str, Any]]:
        """Arguments of the refunds that were executed for a reason, by the server's own log."""
        return [given for tool, given in self.payments.executed() if tool == "refund" and given["reason"] == mark]


def connect_command(gateway: Gateway) -> list[str]:
    """`ringfence connect`, as an MCP client would start it."""
    return [*ORDINARY, "connect", "--agent", AGENT, "--state", str(gateway.state)]


def written(config: dict[str, Any], folder: Path) -> Path:
    """The configuration as a file in a new directory."""
    folder.mkdir()
    file = folder / "ringfence.yaml"
    file.write_text(json.dumps(config), "utf-8")
    return file


@asynccontextmanager
async def gateway_on(config: dict[str, Any], folder: Path) -> AsyncGenerator[Gateway]:
    """`ringfence up` on a configuration and a state directory of its own, with one operator."""
    state = folder / "state"
    async with GatewayProcess(written(config, folder), state).running() as process, process.people() as people:
        await people.add_operator("ada", "admin")
        yield Gateway(process, people, state)
        assert await process.stop() == 0, process.errors()


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncGenerator[Shop]:
    """Servers and gateways for the length of the block."""
    payments = DemoServer("payments", folder)
    async with AsyncExitStack() as stack:
        orders, tills = [await stack.enter_async_context(server.http()) for server in (DemoServer("orders", folder), payments)]
        gateways = {
            name: await stack.enter_async_context(gateway_on(configuration(orders, payments, tills, approvals), folder / name))
            for name, approvals in APPROVALS.items()
        }
        yield Shop(gateways["brief"], gateways["patient"], payments)


async def eventually(holds: Callable[[], bool]) -> None:
    """What another process writes can only be looked at again and again. Raises AssertionError."""
    for _ in range(TRIES):
        if holds():
            return
        await asyncio.sleep(POLL_S)
    raise AssertionError("it never came to hold")
