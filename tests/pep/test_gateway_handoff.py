"""Handoffs as clients see them: over MCP in both eras, and over plain HTTP for runtimes that speak none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.engine.runs.runs import Opened
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.gateway import HOST, Agent, gateway
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

pytestmark = [pytest.mark.requirement("I10"), pytest.mark.requirement("I17")]
HAND = "ringfence__handoff"
SCHEMA = {"type": "object", "properties": {"note": {"type": "string"}}, "additionalProperties": False}
UNTRUSTED = Label(Trust.UNTRUSTED, Sensitivity.INTERNAL)
ERAS = pytest.mark.parametrize("era", ["modern", "legacy"])


async def delegating() -> tuple[World, Opened]:
    rules = shop_rules()
    support = replace(rules.agents[SUPPORT], delegate=SpawnCaps(depth=2, children=5, tree=20))
    world = await World.build(rules=replace(rules, agents={**rules.agents, SUPPORT: support}))
    return world, await world.open_run()


async def connected(world: World, run: Opened | str, era: str) -> Agent:
    agent = Agent(gateway(world), run)
    if era == "legacy":
        await agent.initialize()
    return agent


async def called(agent: Agent, era: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    ask = agent.modern if era == "modern" else agent.legacy
    return (await ask("tools/call", {"name": name, "arguments": arguments}).done()).json["result"]


async def names(agent: Agent, era: str) -> set[str]:
    ask = agent.modern if era == "modern" else agent.legacy
    return {tool["name"] for tool in (await ask("tools/list").done()).json["result"]["tools"]}


async def child_of(agent: Agent, era: str) -> dict[str, Any]:
    return (await called(agent, era, "ringfence__delegate", {"task": "count", "result_schema": SCHEMA}))["structuredContent"]


async def plainly(world: World, verb: str, path: str, credential: str, value: Any = None, **more: str) -> Exchange:
    headers = {"host": HOST, "content-type": "application/json", "authorization": f"Bearer {credential}", **more}
    body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
    return await start(gateway(world), verb, path, headers, body).done()


async def label_of(world: World, run: RunId) -> Label:
    found = await world.store.run(run)
    assert found is not None
    return found.label


@ERAS
async def test_the_tool_appears_with_the_first_child_that_owes_a_result(era: str) -> None:
    world, opened = await delegating()
    parent = await connected(world, opened, era)
    assert HAND not in await names(parent, era)
    owing = await child_of(parent, era)
    assert HAND in await names(parent, era)
    assert HAND in await names(await connected(world, owing["credential"], era), era)


@ERAS
async def test_a_result_goes_from_child_to_parent(era: str) -> None:
    world, opened = await delegating()
    parent = await connected(world, opened, era)
    owing = await child_of(parent, era)
    child = await connected(world, owing["credential"], era)
    await called(child, era, "orders__get", {"order": "A"})
    assert (await called(child, era, HAND, {"schema": True}))["structuredContent"]["schema"] == SCHEMA
    missed = await called(child, era, HAND, {"result": {"note": 7}})
    assert missed["isError"] is True
    assert "/note" in missed["content"][0]["text"]
    assert (await called(child, era, HAND, {"result": {"note": "paid"}}))["isError"] is False
    taken = await called(parent, era, HAND, {"from": owing["run"]})
    assert taken["structuredContent"]["result"] == {"note": "paid"}
    assert await label_of(world, opened.run.id) == UNTRUSTED


@ERAS
async def test_a_stranger_to_every_handoff_is_told_what_it_is_told_of_any_unknown_tool(era: str) -> None:
    world, opened = await delegating()
    agent = await connected(world, opened, era)
    refused = await called(agent, era, HAND, {"from": "r_1"})
    unknown = await called(agent, era, "orders__nothing", {})
    assert refused["content"][0]["text"].split(" (")[0] == unknown["content"][0]["text"].split(" (")[0]


@ERAS
async def test_a_client_that_listens_is_told_that_its_list_has_changed(era: str) -> None:
    world, opened = await delegating()
    parent, other = await connected(world, opened, era), await connected(world, await world.open_run(), era)

    async def listening(agent: Agent) -> Exchange:
        if era == "legacy":
            stream = agent.stream()
            await stream.until_chunks(1)
            return stream
        stream = agent.modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
        await stream.until_events(1)
        return stream

    told, untold = await listening(parent), await listening(other)
    already = len(told.events)
    await called(parent, era, "ringfence__delegate", {"task": "owes nothing"})
    await child_of(parent, era)
    await told.until_events(already + 1)
    assert [event["method"] for event in told.events[already:]] == ["notifications/tools/list_changed"]
    assert len(untold.events) == already
    for stream in (told, untold):
        stream.leave()
        await stream.done()


async def test_runtimes_without_mcp_hand_over_and_take_on_the_same_path() -> None:
    world, opened = await delegating()
    owing = await child_of(await connected(world, opened, "modern"), "modern")
    await world.call(owing["credential"], "orders__get", {"order": "A"})
    path = f"/runs/handoff/{owing['run']}"
    early = await plainly(world, "GET", path, opened.credential)
    assert (early.status, early.json) == (200, {"from": owing["run"], "handed": False, "run": "open"})
    shown = await plainly(world, "POST", "/runs/handoff", owing["credential"], {"schema": True})
    assert shown.json == {"schema": SCHEMA, "handed": False}
    handed = await plainly(world, "POST", "/runs/handoff", owing["credential"], {"result": {"note": "paid"}})
    assert (handed.status, handed.json["to"]) == (200, opened.run.id)
    assert await label_of(world, opened.run.id) == CLEAN
    taken = await plainly(world, "GET", path, opened.credential)
    assert (taken.status, taken.json["result"], taken.json["label"]) == (200, {"note": "paid"}, UNTRUSTED.view())
    assert await label_of(world, opened.run.id) == UNTRUSTED
    assert await world.calls_used(RunId(owing["run"])) == (0, 3)


async def test_what_is_refused_over_plain_http_says_its_class_and_its_entry() -> None:
    world, opened = await delegating()
    owing = await child_of(await connected(world, opened, "modern"), "modern")
    other = await world.open_run()
    missed = await plainly(world, "POST", "/runs/handoff", owing["credential"], {"result": {"note": 7}})
    assert (missed.status, missed.json["error"]["code"]) == (403, "handoff")
    assert "/note" in missed.json["error"]["message"]
    strange = await plainly(world, "GET", f"/runs/handoff/{owing['run']}", other.credential)
    assert (strange.status, strange.json["error"]["code"]) == (403, "unknown_tool")
    assert strange.json["error"]["entry"].startswith("e")
    assert (await plainly(world, "GET", f"/runs/handoff/{owing['run']}", "rfr_nobody")).status == 401


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{}", b"{", {"from": "r_1"}, {"result": 1, "more": 2}, b'{"result":1,"result":2}']
)
async def test_a_body_that_is_no_handoff_is_refused_before_anything_is_decided(value: Any) -> None:
    world, opened = await delegating()
    owing = await child_of(await connected(world, opened, "modern"), "modern")
    before = len(await world.entries())
    assert (await plainly(world, "POST", "/runs/handoff", owing["credential"], value)).status == 400
    assert len(await world.entries()) == before


@pytest.mark.parametrize("path", ["/runs/handoff/", "/runs/handoff/x", "/runs/handoff/r_a/b", "/runs/handoff/r_A"])
async def test_a_path_that_names_no_run_leads_nowhere(path: str) -> None:
    world, opened = await delegating()
    assert (await plainly(world, "GET", path, opened.credential)).status == 404


async def test_each_place_has_its_own_verb() -> None:
    world, opened = await delegating()
    assert (await plainly(world, "GET", "/runs/handoff", opened.credential)).status == 405
    assert (await plainly(world, "POST", "/runs/handoff/r_a", opened.credential, {})).status == 405
