"""What every official MCP client, as it is by default, gets from the real gateway before real servers."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.clients.drivers import DRIVERS, Driver, drive, started
from tests.integration.shop_behind_gateway import Gateway, Shop

each_driver = pytest.mark.parametrize("driver", DRIVERS, ids=str)


@pytest.mark.asyncio(loop_scope="module")
class ClientsContract:
    """Subclass it with the way in which the clients reach the gateway, beside a module fixture `shop`."""

    async def way(self, gateway: Gateway) -> dict[str, Any]:
        """What a driver is started with; a new run each time."""
        raise NotImplementedError

    def mark(self, request: pytest.FixtureRequest) -> str:
        """What no other test in the same shop says."""
        return f"{type(self).__name__}, {request.node.name}"

    @each_driver
    async def test_a_client_sees_its_own_tightened_tools_and_calls_them(
        self, shop: Shop, driver: Driver, request: pytest.FixtureRequest
    ) -> None:
        mark = self.mark(request)
        small = {"order_id": "A-1004", "amount_cents": 50, "reason": mark}
        steps = [
            "list",
            {"tool": "orders__get_order", "arguments": {"order_id": "A-1002"}},
            {"tool": "payments__refund", "arguments": small},
        ]
        report = await drive(driver, "steps", json.dumps(steps), **await self.way(shop.brief))
        assert "error" not in report, report
        tools, (read, written) = report["tools"], report["steps"]
        assert set(tools) == {
            *("orders__get_order", "payments__get_balance", "payments__refund", "tills__refund", "ringfence__claim")
        }
        assert "4000" in json.dumps(tools["payments__refund"]["properties"]["amount_cents"])
        assert "A-1004" not in json.dumps(tools["payments__refund"])
        assert tools["tills__refund"]["properties"]["order_id"]["enum"] == ["A-1004"]
        assert report["protocol_version"] == driver.revision
        assert read["is_error"] is False
        assert read["structured"]["customer"] == "Jonas Lindqvist"
        assert written["is_error"] is False
        assert written["structured"]["amount_cents"] == 50
        assert shop.refunds(mark) == [small]

    @pytest.mark.requirement("I4")
    @each_driver
    async def test_a_client_is_told_of_a_pending_approval_and_claims_it_once(
        self, shop: Shop, driver: Driver, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        pending, go, mark = tmp_path / "pending", tmp_path / "go", self.mark(request)
        refund = {"order_id": "A-1004", "amount_cents": 51, "reason": mark}
        async with started(
            driver, "approve", "payments__refund", json.dumps(refund), **await self.way(shop.brief), pending=pending, go=go
        ) as running:
            told = await running.pending(pending)
            ticket = await shop.brief.waiting(mark)
            assert (told["status"], told["approval_id"]) == ("approval_pending", ticket["id"])
            assert shop.refunds(mark) == []
            await shop.brief.approve(ticket)
            assert shop.refunds(mark) == []
            go.touch()
            report = await running.report()
        assert report["protocol_version"] == driver.revision
        assert report["result"]["is_error"] is True
        assert ticket["id"] in report["result"]["text"]
        assert report["claimed"]["is_error"] is False
        assert report["claimed"]["structured"]["amount_cents"] == 51
        assert shop.refunds(mark) == [refund]

    @pytest.mark.requirement("I4")
    @each_driver
    async def test_a_client_whose_call_is_approved_while_it_is_held_gets_the_result(
        self, shop: Shop, driver: Driver, request: pytest.FixtureRequest
    ) -> None:
        mark = self.mark(request)
        refund = {"order_id": "A-1004", "amount_cents": 51, "reason": mark}
        async with started(
            driver, "call", "tills__refund", json.dumps(refund), **await self.way(shop.patient), progress=True
        ) as running:
            ticket = await shop.patient.waiting(mark)
            assert shop.refunds(mark) == []
            await shop.patient.approve(ticket)
            report = await running.report()
        assert report["protocol_version"] == driver.revision
        assert report["result"]["is_error"] is False
        assert report["result"]["structured"]["amount_cents"] == 51
        assert report["progress"] >= 1  # that it waits; what the server says itself may come with the result, too late for some
        assert shop.refunds(mark) == [refund]
