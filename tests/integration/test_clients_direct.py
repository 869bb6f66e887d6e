"""The client drivers against plain servers: what they see here, without a gateway, is what they must see behind one."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, TextContent
from tests.clients.drivers import DRIVERS, Driver, drive, started
from tests.servers.demo_servers import DemoServer

REFUND = {"order_id": "A-1001", "amount_cents": 100, "reason": "dent"}
PENDING = {"status": "approval_pending", "approval_id": "ap-1", "retry_after_s": 1, "expires_at": "2030-01-01T00:00:00Z"}

each_driver = pytest.mark.parametrize("driver", DRIVERS, ids=str)


class WaitingRoom:
    """A server that answers a gated call as the gateway does: with a pending approval, and later to a claim."""

    def __init__(self) -> None:
        self.approved = False
        self.claims: list[tuple[str, bool]] = []
        self.credentials: set[str | None] = set()

    def server(self) -> MCPServer:
        server = MCPServer("waiting-room", log_level="WARNING")

        @server.tool()
        async def refund(order_id: str, ctx: Context) -> CallToolResult:
            self.credentials.add((ctx.headers or {}).get("authorization"))
            return CallToolResult(
                content=[TextContent(text="waiting for a person")], is_error=True, _meta={"ringfence/approval": PENDING}
            )

        @server.tool()
        async def ringfence__claim(ticket: str) -> str:
            self.claims.append((ticket, self.approved))
            return "refunded"

        return server


@asynccontextmanager
async def served(server: MCPServer) -> AsyncGenerator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(server.streamable_http_app(), log_level="error", timeout_graceful_shutdown=1)
        runner = uvicorn.Server(config)
        task = asyncio.create_task(runner.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            runner.should_exit = True
            await task


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[tuple[DemoServer, str]]:
    """One server for all clients; its start takes longer than what they say to it."""
    server = DemoServer("payments", tmp_path_factory.mktemp("shop"))
    async with server.http() as url:
        yield server, url


@pytest.mark.asyncio(loop_scope="module")
@each_driver
async def test_a_driver_lists_and_calls_over_http(shop: tuple[DemoServer, str], driver: Driver) -> None:
    server, url = shop
    refund = {**REFUND, "reason": str(driver)}
    report = await drive(driver, "steps", json.dumps(["list", {"tool": "refund", "arguments": refund}]), url=url)
    assert "error" not in report, report
    [called] = report["steps"]
    assert set(report["tools"]) == {"get_balance", "refund", "issue_voucher", "change_payout_account"}
    assert report["tools"]["refund"]["required"] == ["order_id", "amount_cents", "reason"]
    assert report["protocol_version"] == driver.revision
    assert called["is_error"] is False
    assert called["structured"]["amount_cents"] == 100
    # The last of the two notifications may be lost to a client that settles the call first.
    assert report["progress"] in (1, 2)
    assert [call for call in server.executed() if call[1]["reason"] == str(driver)] == [("refund", refund)]


@each_driver
async def test_a_driver_calls_over_stdio(tmp_path: Path, driver: Driver) -> None:
    server = DemoServer("payments", tmp_path)
    called = await drive(driver, "call", "refund", json.dumps(REFUND), command=server.stdio)
    assert called["protocol_version"] == driver.revision
    assert called["result"]["is_error"] is False
    assert called["progress"] == 0
    assert server.executed() == [("refund", REFUND)]


@each_driver
async def test_a_driver_waits_for_its_go_and_claims(tmp_path: Path, driver: Driver) -> None:
    room, pending, go = WaitingRoom(), tmp_path / "pending", tmp_path / "go"
    async with (
        served(room.server()) as url,
        started(
            driver, "approve", "refund", json.dumps({"order_id": "A-1"}), url=url, bearer="run-1", pending=pending, go=go
        ) as running,
    ):
        told = await running.pending(pending)
        room.approved = True
        go.touch()
        report = await running.report()
    assert told == PENDING == report["pending"]
    assert report["claimed"]["text"] == "refunded"
    assert room.claims == [("ap-1", True)]
    assert room.credentials == {"Bearer run-1"}


@each_driver
async def test_a_driver_that_cannot_connect_says_so(driver: Driver) -> None:
    with socket.socket() as listener:
        # Bound but not listening: a connection is refused, and no one else can take the port meanwhile.
        listener.bind(("127.0.0.1", 0))
        report = await drive(driver, "list", url=f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
    assert report["error"]
    assert "tools" not in report
