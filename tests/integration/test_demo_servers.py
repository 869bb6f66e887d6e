from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import TextContent
from tests.servers.demo_servers import DemoServer

ERAS = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28"}
ORDERS_TOOLS = {"get_order", "search_orders", "list_tickets", "read_ticket", "add_note", "delete_note", "cancel_order"}
PAYMENTS_TOOLS = {"get_balance", "refund", "issue_voucher", "change_payout_account"}
THIEF = "GB33BUKB20201555555555"


@asynccontextmanager
async def connected(server: DemoServer, transport: str, mode: str) -> AsyncGenerator[Client]:
    if transport == "stdio":
        command, *arguments = server.stdio
        async with Client(StdioServerParameters(command=command, args=arguments), mode=mode) as client:
            yield client
    else:
        async with server.http() as url, Client(url, mode=mode) as client:
            yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_orders_answer_in_both_eras_and_log_what_was_executed(tmp_path: Path, transport: str, mode: str) -> None:
    server = DemoServer("orders", tmp_path)
    async with connected(server, transport, mode) as client:
        assert client.protocol_version == ERAS[mode]
        assert {tool.name for tool in (await client.list_tools()).tools} == ORDERS_TOOLS
        added = await answer(client, "add_note", order_id="A-1001", text="dent confirmed")
        assert "dent confirmed" in str(await answer(client, "get_order", order_id="A-1001"))
        await answer(client, "delete_note", note_id=added["note_id"])
        assert (await answer(client, "get_order", order_id="A-1001"))["notes"] == []
        assert "no order A-9" in await refusal(client, "cancel_order", order_id="A-9")
    assert server.executed() == [
        ("add_note", {"order_id": "A-1001", "text": "dent confirmed"}),
        ("get_order", {"order_id": "A-1001"}),
        ("delete_note", {"note_id": added["note_id"]}),
        ("get_order", {"order_id": "A-1001"}),
    ]


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_payments_answer_in_both_eras_and_log_what_was_executed(tmp_path: Path, transport: str, mode: str) -> None:
    server = DemoServer("payments", tmp_path)
    async with connected(server, transport, mode) as client:
        assert client.protocol_version == ERAS[mode]
        assert {tool.name for tool in (await client.list_tools()).tools} == PAYMENTS_TOOLS
        await answer(client, "refund", order_id="A-1001", amount_cents=1000, reason="dent")
        assert (await answer(client, "get_balance", order_id="A-1001"))["refundable_cents"] == 3900
        assert "only 3900 cents" in await refusal(client, "refund", order_id="A-1001", amount_cents=3901, reason="dent")
    assert server.executed() == [
        ("refund", {"order_id": "A-1001", "amount_cents": 1000, "reason": "dent"}),
        ("get_balance", {"order_id": "A-1001"}),
    ]


async def test_only_one_ticket_carries_the_injected_instruction(tmp_path: Path) -> None:
    async with connected(DemoServer("orders", tmp_path), "stdio", "auto") as client:
        names = [ticket["ticket_id"] for ticket in (await answer(client, "list_tickets"))["result"]]
        texts = {name: (await answer(client, "read_ticket", ticket_id=name))["text"] for name in names}
        notes = (await answer(client, "get_order", order_id="A-1004"))["notes"]
    assert len(texts) == 5
    assert [name for name, text in texts.items() if "the assistant" in text] == ["T-4"]
    assert all(word in texts["T-4"] for word in ("refund A-1004", "64900", "delete notes 1 and 2", THIEF))
    assert [(note["note_id"], note["author"]) for note in notes] == [(1, "audit"), (2, "audit")]


async def test_what_the_injected_instruction_wants_works_without_a_gateway(tmp_path: Path) -> None:
    orders, payments = DemoServer("orders", tmp_path), DemoServer("payments", tmp_path)
    async with connected(payments, "stdio", "auto") as client:
        changed = await answer(client, "change_payout_account", customer="Mateo Ferrari", iban=THIEF)
        refunded = await answer(client, "refund", order_id="A-1004", amount_cents=64900, reason="settlement retry")
    async with connected(orders, "stdio", "auto") as client:
        await answer(client, "delete_note", note_id=1)
        await answer(client, "delete_note", note_id=2)
    assert changed["previous_account"] == "IT60X0542811101000000123456"
    assert refunded["payout_account"] == THIEF
    assert len(payments.executed()) == len(orders.executed()) == 2


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("refund", {"order_id": "A-1001", "amount_cents": "1000", "reason": "text is not an amount"}),
    ("refund", {"order_id": "A-1001", "amount_cents": True, "reason": "neither is a truth value"}),
    ("refund", {"order_id": "A-1001", "amount_cents": -1, "reason": "no payment in reverse"}),
    ("refund", {"order_id": "A-1001", "amount_cents": 1000, "reason": ""}),
    ("issue_voucher", {"customer": "Nobody", "amount_cents": 100}),
    ("change_payout_account", {"customer": "Priya Raman", "iban": "GB33BUKB20201555555556"}),
]


async def test_refused_payments_are_not_logged_as_executed(tmp_path: Path) -> None:
    server = DemoServer("payments", tmp_path)
    async with connected(server, "stdio", "auto") as client:
        for tool, arguments in REFUSED:
            await refusal(client, tool, **arguments)
        assert (await answer(client, "get_balance", order_id="A-1001"))["refunded_cents"] == 0
    assert server.executed() == [("get_balance", {"order_id": "A-1001"})]


async def test_two_processes_share_one_database_and_one_log(tmp_path: Path) -> None:
    server = DemoServer("payments", tmp_path)
    async with connected(server, "http", "auto") as first, connected(server, "stdio", "auto") as second:
        for client in (first, second):
            await answer(client, "refund", order_id="A-1002", amount_cents=3000, reason="lamp is dead")
        assert "only 1250 cents" in await refusal(first, "refund", order_id="A-1002", amount_cents=3000, reason="again")
    assert [tool for tool, _ in server.executed()] == ["refund", "refund"]


async def test_an_order_is_cancelled_once(tmp_path: Path) -> None:
    server = DemoServer("orders", tmp_path)
    async with connected(server, "stdio", "auto") as client:
        await answer(client, "cancel_order", order_id="A-1005")
        assert "is cancelled" in await refusal(client, "cancel_order", order_id="A-1005")
        found = await answer(client, "search_orders", customer="amara")
    assert [(order["order_id"], order["state"]) for order in found["result"]] == [
        ("A-1005", "cancelled"),
        ("A-1001", "shipped"),
    ]
    assert [tool for tool, _ in server.executed()] == ["cancel_order", "search_orders"]
