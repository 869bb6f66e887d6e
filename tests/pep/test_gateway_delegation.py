"""Delegation as an agent's client sees it, in both eras: what a child is shown, and how it is opened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.model.grant import Grant, SpawnCaps
from ringfence.core.model.identifiers import ToolId
from ringfence.engine.runs.runs import Opened
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

pytestmark = pytest.mark.requirement("I11")
OWN = ["ringfence__claim", "ringfence__delegate"]


async def delegating() -> World:
    rules = shop_rules()
    support = replace(rules.agents[SUPPORT], delegate=SpawnCaps(depth=2, children=5, tree=20))
    return await World.build(rules=replace(rules, agents={**rules.agents, SUPPORT: support}))


async def child_of(world: World, parent: Opened, *tools: str) -> Opened:
    opened = await world.runs.open(
        SUPPORT, "x", by="operator:ada", trusted=True, parent=parent.run.id,
        asked=Grant(tools=frozenset(ToolId(tool) for tool in tools)),
    )  # fmt: skip
    assert isinstance(opened, Opened)
    return opened


async def names(agent: Agent, era: str) -> list[str]:
    ask = agent.modern if era == "modern" else agent.legacy
    return sorted(tool["name"] for tool in (await ask("tools/list").done()).json["result"]["tools"])


async def connected(world: World, opened: Opened | str, era: str, path: str = "/mcp") -> Agent:
    agent = Agent(gateway(world), opened, path=path)
    if era == "legacy":
        await agent.initialize()
    return agent


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_list_shows_what_the_run_was_given_and_no_more(era: str) -> None:
    world = await delegating()
    parent = await world.open_run()
    child = await child_of(world, parent, "orders.get", "payments.refund")
    assert await names(await connected(world, child, era), era) == ["orders__get", "payments__refund", "ringfence__claim"]
    assert await names(await connected(world, child, era, "/mcp/orders"), era) == ["get"]
    assert set(OWN) < set(await names(await connected(world, parent, era), era))
    assert await names(await connected(world, parent, era, "/mcp/orders"), era) == ["boom", "get", "note", "slow"]
    # What is kept of one run's list is not another's.
    other = await child_of(world, parent, "orders.note")
    assert await names(await connected(world, other, era), era) == ["orders__note", "ringfence__claim"]


async def test_a_child_of_another_agent_is_shown_what_both_have() -> None:
    world = await delegating()
    reader = await world.open_run("reader")
    opened = await world.runs.open(SUPPORT, "x", by="operator:ada", trusted=True, parent=reader.run.id)
    assert isinstance(opened, Opened)
    assert await names(await connected(world, opened, "modern"), "modern") == ["orders__get", "ringfence__claim"]


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_an_agent_opens_a_child_and_the_child_works(era: str) -> None:
    world = await delegating()
    agent = await connected(world, await world.open_run(), era)
    call = agent.modern_call if era == "modern" else agent.legacy_call
    answer = (await call("ringfence__delegate", {"task": "look A up", "tools": ["orders__get", "orders__gone"]}).done()).answer[
        "result"
    ]
    opened: dict[str, Any] = answer["structuredContent"]
    assert opened["dropped"] == ["tools: orders__gone"]
    child = await connected(world, opened["credential"], era)
    assert await names(child, era) == ["orders__get", "ringfence__claim"]
    call = child.modern_call if era == "modern" else child.legacy_call
    assert (await call("orders__get", {"order": "A"}).done()).answer["result"].get("isError") is not True
    refused = (await call("orders__note", {"order": "A", "text": "x"}).done()).answer["result"]
    assert refused["isError"] is True
    assert refused["content"][0]["text"].startswith("unknown tool")


async def test_the_tool_is_not_at_a_servers_own_endpoint() -> None:
    world = await delegating()
    agent = await connected(world, await world.open_run(), "modern", "/mcp/orders")
    refused = (await agent.modern_call("ringfence__delegate", {"task": "x"}).done()).answer["result"]
    assert refused["content"][0]["text"].startswith("unknown tool")
    assert len(await world.store.runs()) == 1
