"""The official Python client against the running gateway, in both eras, over HTTP and through the stdio bridge."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import CallToolResult, TextContent
from tests.integration.bridged import Bridged

from ringfence.app.bridge.bridge import DONE, REFUSED, UNAVAILABLE
from ringfence.core.model.ticket import TicketState
from ringfence.core.rules import ApprovalRules
from ringfence.ports.notifier import AlertKind
from ringfence.testing.scenario import ORDERS, PAYMENTS, shop_rules
from ringfence.testing.serving import served
from ringfence.testing.world import World

HOLD = ApprovalRules(hold_s=30, legs=1)
MODES = ["legacy", "2026-07-28", "auto"]
REFUND = {"order": "A1", "amount": 25}


@pytest.fixture
async def world() -> World:
    return await World.build(rules=shop_rules(approvals=HOLD))


@pytest.fixture(params=[(way, mode) for way in ("http", "bridge") for mode in MODES], ids=lambda pair: "-".join(pair))
async def client(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> AsyncIterator["Driver"]:
    way, mode = request.param
    path = tmp_path / "agents.sock"
    async with served(world, agents_socket=path) as plane:
        if way == "http":
            opened = await world.open_run()
            headers = {"authorization": f"Bearer {opened.credential}"}
            async with create_mcp_http_client(headers=headers) as http:
                yield Driver(streamable_http_client(plane.url(), http_client=http), mode)
        else:
            bridged = Bridged(path)
            yield Driver(bridged.transport(), mode)
            assert await bridged.end() == DONE
            assert await world.store.runs() == ()


class Driver:
    """Runs a dialogue in the test's own task, where the client's cancel scopes have to live."""

    def __init__(self, transport: Any, mode: str) -> None:
        self.client = Client(transport, mode=mode)


def text(result: CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


async def test_it_lists_and_calls(client: Driver, world: World) -> None:
    async with client.client as mcp:
        names = [tool.name for tool in (await mcp.list_tools()).tools]
        assert names[-1] == "ringfence__claim"
        assert text(await mcp.call_tool("orders__get", {"order": "A1"})) == '{"order":"A1"}'
        refused = await mcp.call_tool("orders__get", {"order": 7})
        assert refused.is_error
        unknown = await mcp.call_tool("payments__steal", {})
        assert unknown.is_error
        assert text(unknown).startswith("unknown tool")
    assert len(world.upstreams[ORDERS].executed) == 1


async def test_many_calls_at_once_get_their_own_answers(client: Driver) -> None:
    async with client.client as mcp:
        answers = await asyncio.gather(*(mcp.call_tool("orders__get", {"order": f"A{n}"}) for n in range(25)))
    assert [text(answer) for answer in answers] == [f'{{"order":"A{n}"}}' for n in range(25)]


@pytest.mark.requirement("I4")
async def test_it_waits_for_an_approval_and_gets_the_result(client: Driver, world: World) -> None:
    async with client.client as mcp:
        waiting = asyncio.create_task(mcp.call_tool("payments__refund", REFUND))
        await world.notifier.until(AlertKind.APPROVAL_WAITING)
        (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
        await world.approve(ticket)
        assert text(await waiting) == '{"amount":25,"order":"A1"}'
    assert len(world.upstreams[PAYMENTS].executed) == 1


@pytest.mark.requirement("I4")
async def test_it_is_told_that_the_approval_is_pending_and_claims_it_later(client: Driver, world: World) -> None:
    async with client.client as mcp:
        waiting = asyncio.create_task(mcp.call_tool("payments__refund", REFUND))
        while not waiting.done():
            # One hold in the legacy era, two in the modern one.
            sleeping = asyncio.create_task(world.clock.until_sleeping())
            await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            if sleeping.done():
                world.clock.advance(30_000)
            else:
                sleeping.cancel()
        told = text(await waiting)
        found = re.search(r"ticket (t_[a-z2-7]+)", told)
        assert found is not None, told
        await world.approve(found[1])
        assert text(await mcp.call_tool("ringfence__claim", {"ticket": found[1]})) == '{"amount":25,"order":"A1"}'
    assert len(world.upstreams[PAYMENTS].executed) == 1


async def test_progress_reaches_the_callback(client: Driver, world: World) -> None:
    world.upstreams[ORDERS].progress["get"] = ({"progress": 1, "total": 2, "message": "half"}, {"progress": 2, "total": 2})
    seen: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with client.client as mcp:
        await mcp.call_tool("orders__get", {"order": "A1"}, progress_callback=note)
    assert seen == [(1, 2, "half"), (2, 2, None)]


@pytest.mark.requirement("I2")
async def test_cancelling_reaches_the_server(client: Driver, world: World) -> None:
    orders = world.upstreams[ORDERS]
    async with client.client as mcp:
        calling = asyncio.create_task(mcp.call_tool("orders__slow", {"order": "A1"}))
        await orders.until_executed(1)
        calling.cancel()
        await asyncio.wait([calling])
        await orders.until_cancelled(1)
        assert text(await mcp.call_tool("orders__get", {"order": "A1"})) == '{"order":"A1"}'


# --- the bridge by itself --------------------------------------------------------------------------------------------

PING = b'{"jsonrpc":"2.0","id":"p","method":"ping"}'


async def test_without_a_gateway_the_bridge_says_what_to_do(tmp_path: Path) -> None:
    bridged = Bridged(tmp_path / "nothing.sock")
    bridged.send(PING)
    answer = await bridged.answer()
    assert answer["id"] == "p"
    assert "no gateway answers" in answer["error"]["message"]
    assert await bridged.task == UNAVAILABLE
    assert "ringfence up" in bridged.errors[0]


async def test_an_agent_that_may_not_be_opened_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    async with served(world, agents_socket=path):
        bridged = Bridged(path, agent="nobody")
        bridged.send(PING)
        assert "may not open runs" in (await bridged.answer())["error"]["message"]
        assert await bridged.task == REFUSED


async def test_what_is_not_a_message_is_refused_by_the_gateway_and_recorded(world: World, tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    async with served(world, agents_socket=path):
        bridged = Bridged(path)
        for line in (b"not json", b"[]", b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}'):
            bridged.send(line)
            assert (await bridged.answer())["error"]["code"] in (-32700, -32600)
        bridged.send(PING)
        assert "initialize" in (await bridged.answer())["error"]["message"]
        assert await bridged.end() == DONE
    assert len([entry for entry in await world.entries() if entry["tool"] == "malformed"]) == 4


async def test_the_bridge_renews_its_run(world: World, tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    async with served(world, agents_socket=path):
        bridged = Bridged(path, renew_at=1e-5)
        bridged.send(PING)
        await bridged.answer()
        (run,) = await world.store.runs()
        assert run.expires_at is not None
        world.clock.advance(100_000)
        async with asyncio.timeout(10):
            while (await world.store.runs())[0].expires_at == run.expires_at:
                bridged.send(PING)
                await bridged.answer()
        assert await bridged.end() == DONE


async def test_a_line_without_an_end_is_cut_off(world: World, tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    async with served(world, agents_socket=path):
        bridged = Bridged(path)
        for _ in range(70):
            bridged.stdin.feed_data(b"x" * 65_536)
        assert (await bridged.answer())["error"]["code"] == -32600
        assert await bridged.task == DONE


async def test_a_gateway_that_goes_away_is_an_error_for_each_call(world: World, tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    async with served(world, agents_socket=path):
        bridged = Bridged(path)
        bridged.send(PING)
        await bridged.answer()
    bridged.send(PING)
    assert "not reachable" in (await bridged.answer())["error"]["message"]
    assert await bridged.end() == UNAVAILABLE
