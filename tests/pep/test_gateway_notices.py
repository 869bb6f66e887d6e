"""Change notices through the gateway, in-process: the GET stream of a legacy session, a modern `subscriptions/listen`."""

from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.pep.mcp_gateway.app import McpGateway
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.ports.upstream import Notice, NoticeKind
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import DOCS, WIKI, library_rules, library_upstreams
from ringfence.testing.scenario import definition
from ringfence.testing.world import World

ALL = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


class Listening:
    """A world with one agent."""

    def __init__(self, world: World, app: McpGateway, agent: Agent) -> None:
        self.world = world
        self.app = app
        self.agent = agent
        self.docs: FakeUpstream = world.upstreams[DOCS]

    @classmethod
    async def build(cls, path: str = "/mcp/docs", agent: str = "writer", limits: GatewayLimits | None = None) -> "Listening":
        world = await World.build(rules=library_rules(), upstreams=library_upstreams())
        app = gateway(world, limits=limits)
        return cls(world, app, Agent(app, await world.open_run(agent), path=path))

    async def stream(self, *subscriptions: str) -> Exchange:
        """The GET stream of a new session."""
        await self.agent.initialize()
        for uri in subscriptions:
            assert (await self.agent.legacy("resources/subscribe", {"uri": uri}).done()).json["result"] == {}
        stream = self.agent.stream()
        await stream.until_chunks(1)
        return stream

    async def listen(self, **notifications: Any) -> Exchange:
        listening = self.agent.modern("subscriptions/listen", {"notifications": notifications})
        await listening.until_events(1)
        return listening

    def add_prompt(self, name: str) -> None:
        self.docs.described = replace(self.docs.described, prompts=(*self.docs.described.prompts, {"name": name}))
        self.docs.announce(Notice(NoticeKind.PROMPTS))


async def leave(*streams: Exchange) -> None:
    for stream in streams:
        stream.leave()
        await stream.done()


# --- legacy ----------------------------------------------------------------------------------------------------------


async def test_a_session_hears_that_a_list_which_it_sees_has_changed() -> None:
    desk = await Listening.build()
    stream = await desk.stream()
    await desk.docs.until_heard()
    desk.add_prompt("new")
    assert await stream.until_events(1) == [{"jsonrpc": "2.0", "method": "notifications/prompts/list_changed"}]
    assert b"\nid:" not in stream.body
    await leave(stream)
    assert desk.docs.listeners == []


async def test_a_session_hears_of_the_resources_that_it_subscribed_to() -> None:
    desk = await Listening.build("/mcp")
    stream = await desk.stream("ringfence:docs:memo:1")
    await desk.docs.until_heard(frozenset({"memo:1"}))
    desk.docs.announce(Notice(NoticeKind.UPDATED, "memo:2"))
    desk.docs.announce(Notice(NoticeKind.UPDATED, "memo:1"))
    (told,) = await stream.until_events(1)
    assert told == {
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": {"uri": "ringfence:docs:memo:1"},
    }
    await desk.agent.legacy("resources/subscribe", {"uri": "ringfence:docs:memo:2"}).done()
    await desk.docs.until_heard(frozenset({"memo:1", "memo:2"}))
    await desk.agent.legacy("resources/unsubscribe", {"uri": "ringfence:docs:memo:1"}).done()
    await desk.docs.until_heard(frozenset({"memo:2"}))
    desk.docs.announce(Notice(NoticeKind.UPDATED, "memo:1"))
    desk.docs.announce(Notice(NoticeKind.UPDATED, "memo:2"))
    assert [event["params"]["uri"] for event in (await stream.until_events(2))[1:]] == ["ringfence:docs:memo:2"]
    await leave(stream)


@pytest.mark.requirement("I17")
async def test_only_what_the_agent_may_read_can_be_subscribed_to() -> None:
    desk = await Listening.build()
    await desk.agent.initialize()
    refused = (await desk.agent.legacy("resources/subscribe", {"uri": "file:///private/b.txt"}).done()).json["error"]
    assert (refused["code"], refused["data"]["uri"]) == (-32002, "file:///private/b.txt")
    guest = Agent(desk.app, await desk.world.open_run("guest"), path="/mcp/docs")
    await guest.initialize()
    assert (await guest.legacy("resources/subscribe", {"uri": "memo:1"}).done()).json["error"]["code"] == -32601


@pytest.mark.requirement("I19")
async def test_subscriptions_are_bounded() -> None:
    desk = await Listening.build(limits=GatewayLimits(subscriptions=1))
    await desk.stream("memo:1")
    assert "error" in (await desk.agent.legacy("resources/subscribe", {"uri": "memo:2"}).done()).json
    assert "result" in (await desk.agent.legacy("resources/subscribe", {"uri": "memo:1"}).done()).json
    await desk.app.close()


async def test_a_session_has_one_stream_of_its_own() -> None:
    desk = await Listening.build()
    assert (await desk.agent.stream().done()).status == 400
    stream = await desk.stream()
    assert (await desk.agent.stream().done()).status == 409
    assert (await desk.agent.stream(accept="application/json").done()).status == 406
    stranger = Agent(desk.app, await desk.world.open_run("writer"), path="/mcp/docs")
    stranger.session = desk.agent.session
    assert (await stranger.stream().done()).status == 404
    await leave(stream)
    again = desk.agent.stream(last_event_id="7")
    await again.until_chunks(1)
    assert again.body == b": keep-alive\n\n"
    await leave(again)


async def test_deleting_the_session_ends_its_stream() -> None:
    desk = await Listening.build()
    stream = await desk.stream()
    headers = desk.agent.headers(mcp_session_id=desk.agent.session, mcp_protocol_version="2025-11-25")
    assert (await start(desk.app, "DELETE", "/mcp/docs", headers).done()).status == 204
    assert (await stream.done()).complete


@pytest.mark.requirement("I19")
async def test_updates_that_pile_up_become_one_hint_to_list_anew() -> None:
    desk = await Listening.build(limits=GatewayLimits(told=2))
    uris = [f"memo:{number}" for number in range(5)]
    stream = await desk.stream(*uris)
    await desk.docs.until_heard(frozenset(uris))
    for uri in uris:
        desk.docs.announce(Notice(NoticeKind.UPDATED, uri))
    events = await stream.until_events(2)
    assert events[0]["method"] == "notifications/resources/list_changed"
    assert len(events) <= 3
    await leave(stream)


# --- modern ----------------------------------------------------------------------------------------------------------


async def test_listening_begins_with_what_is_granted() -> None:
    desk = await Listening.build()
    uris = ["memo:1", "file:///private/b.txt", "memo:1"]
    stream = await desk.listen(toolsListChanged=True, promptsListChanged=False, resourceSubscriptions=uris)
    (first,) = stream.events
    assert first == {
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {
            "_meta": {SUBSCRIPTION: 1},
            "notifications": {"toolsListChanged": True, "resourceSubscriptions": ["memo:1"]},
        },
    }
    await leave(stream)


async def test_a_listener_hears_what_it_asked_for_and_nothing_else() -> None:
    desk = await Listening.build()
    tools, prompts = await desk.listen(toolsListChanged=True), await desk.listen(promptsListChanged=True)
    await desk.docs.until_heard()
    desk.add_prompt("new")
    told = (await prompts.until_events(2))[1]
    assert told == {
        "jsonrpc": "2.0",
        "method": "notifications/prompts/list_changed",
        "params": {"_meta": {SUBSCRIPTION: 2}},
    }
    assert len(tools.events) == 1
    await leave(tools, prompts)


async def test_an_agent_hears_nothing_of_what_it_does_not_see() -> None:
    desk = await Listening.build()
    guest = Agent(desk.app, await desk.world.open_run("guest"), path="/mcp/docs")
    deaf = guest.modern("subscriptions/listen", {"notifications": {**ALL, "resourceSubscriptions": ["memo:1"]}})
    (first,) = await deaf.until_events(1)
    assert first["params"]["notifications"] == {"toolsListChanged": True}
    hearing = await desk.listen(**ALL)
    await desk.docs.until_heard()
    desk.add_prompt("new")
    await hearing.until_events(2)
    assert len(deaf.events) == 1
    await leave(deaf, hearing)


async def test_a_change_that_has_come_and_gone_is_told_to_those_who_see_the_list() -> None:
    desk = await Listening.build()
    stream = await desk.listen(**ALL)
    await desk.docs.until_heard()
    desk.docs.announce(Notice(NoticeKind.TOOLS))
    assert (await stream.until_events(2))[1]["method"] == "notifications/tools/list_changed"
    await leave(stream)


async def test_a_changed_tool_that_is_hidden_now_is_told_of() -> None:
    desk = await Listening.build()
    stream = await desk.listen(**ALL)
    await desk.docs.until_heard()
    desk.docs.tools = (definition("search", {"text": {"type": "integer"}}, ["text"]),)
    desk.docs.announce(Notice(NoticeKind.TOOLS))
    assert (await stream.until_events(2))[1]["method"] == "notifications/tools/list_changed"
    await leave(stream)


@pytest.mark.requirement("I17")
async def test_a_stream_ends_with_the_credential_that_opened_it() -> None:
    desk = await Listening.build()
    opened = await desk.world.open_run("writer")
    desk.agent = Agent(desk.app, opened, path="/mcp/docs")
    stream = await desk.listen(**ALL)
    await desk.docs.until_heard()
    await desk.world.runs.close(opened.run.id, by="operator:ada", why="done")
    desk.add_prompt("new")
    events = (await stream.done()).events
    assert events[1:] == [{"jsonrpc": "2.0", "id": 1, "result": {"resultType": "complete", "_meta": {SUBSCRIPTION: 1}}}]


@pytest.mark.requirement("I11")
@pytest.mark.parametrize("how", ["close", "kill", "expire"])
async def test_a_stream_ends_with_the_run_above_the_one_that_opened_it(how: str) -> None:
    desk = await Listening.build()
    parent = await desk.world.open_run("writer")
    child = await desk.world.open_run("writer", parent=parent.run)
    desk.agent = Agent(desk.app, child, path="/mcp/docs")
    stream = await desk.listen(**ALL)
    await desk.docs.until_heard()
    if how == "close":
        await desk.world.runs.close(parent.run.id, by="operator:ada", why="done")
    elif how == "kill":
        scope = Scope(ScopeKind.RUN, parent.run.id)
        await desk.world.stops.stop(StopMode.KILL, scope, reason="enough", by="operator:ada")
    else:
        desk.world.clock.advance(600_000)
        await desk.world.runs.renew(child.run.id, child.credential)
        desk.world.clock.advance(300_000)
    desk.add_prompt("new")
    assert [event.get("method") for event in (await stream.done()).events[1:]] == [None]


async def test_streams_end_politely_when_the_gateway_does() -> None:
    desk = await Listening.build("/mcp")
    stream = await desk.listen(**ALL)
    await desk.docs.until_heard()
    await desk.app.close()
    assert (await stream.done()).events[-1]["result"]["resultType"] == "complete"
    assert desk.docs.listeners == desk.world.upstreams[WIKI].listeners == []
    assert (await desk.agent.modern("subscriptions/listen", {"notifications": {}}).done()).status == 429


@pytest.mark.requirement("I19")
async def test_the_streams_of_a_run_are_bounded() -> None:
    desk = await Listening.build(limits=GatewayLimits(streams_per_run=1))
    stream = await desk.listen(**ALL)
    assert (await desk.agent.modern("subscriptions/listen", {"notifications": {}}).done()).status == 429
    await leave(stream)
    again = await desk.listen(**ALL)
    await leave(again)


@pytest.mark.parametrize(
    "notifications",
    [None, [], {"toolsListChanged": "yes"}, {"resourceSubscriptions": "memo:1"}, {"resourceSubscriptions": [7]}],
)
async def test_a_filter_that_is_none_is_refused(notifications: Any) -> None:
    desk = await Listening.build()
    exchange = await desk.agent.modern("subscriptions/listen", {"notifications": notifications}).done()
    assert exchange.json["error"]["code"] == -32602


async def test_nothing_of_this_leaves_an_entry() -> None:
    desk = await Listening.build()
    before = len(await desk.world.entries())
    stream = await desk.stream("memo:1")
    await leave(stream)
    await leave(await desk.listen(**ALL))
    assert len(await desk.world.entries()) == before
