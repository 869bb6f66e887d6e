"""Servers that ask the agent's client during a call, in-process: on the stream of a legacy call, in rounds of a modern one."""

from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.rules import ApprovalRules, Grants
from ringfence.ports.upstream import Declined, Failed, Granted, ServerRequest
from ringfence.testing.asgi import Exchange
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import DOCS, EVERYTHING, library_rules, library_upstreams
from ringfence.testing.scenario import REFUND, tool_rule
from ringfence.testing.world import World

EVERY_CAPABILITY = {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {}}
NAME = ServerRequest(
    "elicitation/create", {"message": "Your name?", "requestedSchema": {"type": "object", "properties": {"name": {}}}}
)
COLOUR = ServerRequest("elicitation/create", {"message": "A colour?", "requestedSchema": {"type": "object", "properties": {}}})
ROOTS = ServerRequest("roots/list", {})
SAMPLE = ServerRequest("sampling/createMessage", {"messages": [], "maxTokens": 10})
ADA = {"action": "accept", "content": {"name": "Ada"}}
HERE = {"roots": [{"uri": "file:///here"}]}
SEARCH = {"text": "x"}


class Desk:
    """A world with one agent at `/mcp/docs`, whose client can do everything."""

    def __init__(self, world: World, agent: Agent) -> None:
        self.world = world
        self.agent = agent
        self.docs: FakeUpstream = world.upstreams[DOCS]

    @classmethod
    async def build(
        cls, *rounds: dict[str, ServerRequest], grants: Grants = EVERYTHING, limits: GatewayLimits | None = None
    ) -> "Desk":
        world = await World.build(rules=library_rules(grants=grants), upstreams=library_upstreams())
        world.upstreams[DOCS].asks["search"] = rounds
        agent = Agent(gateway(world, limits=limits), await world.open_run("writer"), path="/mcp/docs")
        agent.capabilities = EVERY_CAPABILITY
        return cls(world, agent)

    def call(self, **params: Any) -> Exchange:
        return self.agent.modern_call("search", SEARCH, **params)

    async def leg(self, **params: Any) -> Any:
        return (await self.call(**params).done()).answer["result"]

    async def refused(self, **params: Any) -> Any:
        return (await self.call(**params).done()).answer["error"]

    async def decided(self) -> int:
        return len([entry for entry in await self.world.entries() if entry["kind"] == "decision"])

    async def outcomes(self) -> list[str]:
        return [entry["decision"] for entry in await self.world.entries() if entry["kind"] == "outcome"]


# --- modern: rounds --------------------------------------------------------------------------------------------------


@pytest.mark.requirement("I4")
async def test_a_question_ends_the_leg_and_the_retry_resumes_the_same_call() -> None:
    desk = await Desk.build({"who": NAME, "where": ROOTS})
    first = await desk.leg()
    assert first["resultType"] == "input_required"
    assert first["inputRequests"]["where"] == {"method": "roots/list", "params": {"_meta": {"ringfence/server": "docs"}}}
    assert first["inputRequests"]["who"]["params"]["message"] == "[docs] Your name?"
    second = await desk.leg(requestState=first["requestState"], inputResponses={"who": ADA, "where": HERE})
    assert second["resultType"] == "complete"
    assert second["content"][0]["text"] == '{"text":"x"}'
    assert desk.docs.answers == [{"who": Granted(ADA), "where": Granted(HERE)}]
    assert len(desk.docs.executed) == 1
    assert await desk.decided() == 1


async def test_several_rounds_each_have_their_own_state() -> None:
    desk = await Desk.build({"who": NAME}, {"colour": COLOUR})
    first = await desk.leg()
    second = await desk.leg(requestState=first["requestState"], inputResponses={"who": ADA})
    assert list(second["inputRequests"]) == ["colour"]
    assert second["requestState"] != first["requestState"]
    third = await desk.leg(requestState=second["requestState"], inputResponses={"colour": {"action": "decline"}})
    assert third["resultType"] == "complete"
    assert desk.docs.answers[1] == {"colour": Granted({"action": "decline"})}
    assert await desk.decided() == 1


@pytest.mark.parametrize("responses", [{}, {"other": ADA}, {"who": {"action": "perhaps"}}, {"who": HERE}])
async def test_a_missing_or_wrong_answer_is_asked_for_again(responses: dict[str, Any]) -> None:
    desk = await Desk.build({"who": NAME})
    first = await desk.leg()
    again = await desk.leg(requestState=first["requestState"], inputResponses=responses)
    assert again["inputRequests"] == first["inputRequests"]
    last = await desk.leg(requestState=again["requestState"], inputResponses={"who": ADA, "unknown": ADA})
    assert last["resultType"] == "complete"
    assert len(desk.docs.executed) == 1


@pytest.mark.requirement("I4", "I17")
async def test_a_state_is_good_for_one_use_of_one_call_of_one_run() -> None:
    desk = await Desk.build({"who": NAME})
    state = (await desk.leg())["requestState"]
    answers = {"who": ADA}
    other_call = desk.agent.modern_call("search", {"text": "y"}, requestState=state, inputResponses=answers)
    assert (await other_call.done()).answer["error"]["code"] == -32602
    stranger = Agent(desk.agent.app, await desk.world.open_run("writer"), path="/mcp/docs")
    foreign = stranger.modern_call("search", SEARCH, requestState=state, inputResponses=answers)
    assert (await foreign.done()).answer["error"]["code"] == -32602
    assert (await desk.refused(requestState=state + "-x", inputResponses=answers))["code"] == -32602
    assert (await desk.leg(requestState=state, inputResponses=answers))["resultType"] == "complete"
    assert (await desk.refused(requestState=state, inputResponses=answers))["code"] == -32602
    assert len(desk.docs.executed) == 1


async def test_answers_that_come_with_the_first_request_are_used_for_the_first_question() -> None:
    desk = await Desk.build({"who": NAME}, {"who": NAME})
    first = await desk.leg(inputResponses={"who": ADA, "unknown": HERE})
    assert first["resultType"] == "input_required"
    assert desk.docs.answers == [{"who": Granted(ADA)}]


async def test_a_question_that_nobody_answers_in_time_cancels_the_call() -> None:
    desk = await Desk.build({"who": NAME})
    first = await desk.leg()
    await desk.world.clock.until_sleeping()
    desk.world.clock.advance(600_000)
    await desk.docs.until_cancelled(1)
    assert (await desk.refused(requestState=first["requestState"], inputResponses={"who": ADA}))["code"] == -32602
    assert await desk.outcomes() == ["ambiguous"]


@pytest.mark.requirement("I6")
async def test_a_kill_ends_a_suspended_call() -> None:
    desk = await Desk.build({"who": NAME})
    first = await desk.leg()
    desk.world.clock.advance(2_000)
    await desk.world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="x", by="operator:ada")
    assert len(desk.docs.cancelled) == 1
    told = await desk.leg(requestState=first["requestState"], inputResponses={"who": ADA})
    assert told["isError"] is True
    assert desk.docs.answers == []


async def test_a_client_that_leaves_while_it_waits_for_the_rest_takes_the_call_back() -> None:
    desk = await Desk.build({"who": NAME}, limits=GatewayLimits(watch_after_s=0))
    desk.docs.hanging.add("search")
    first = await desk.leg()
    second = desk.call(requestState=first["requestState"], inputResponses={"who": ADA})
    await desk.docs.until_answered(1)
    second.leave()
    await second.done()
    assert len(desk.docs.cancelled) == 1
    assert await desk.outcomes() == ["ambiguous"]


@pytest.mark.requirement("I19")
async def test_no_more_calls_than_allowed_wait_for_their_clients() -> None:
    desk = await Desk.build({"who": NAME}, limits=GatewayLimits(rounds_per_run=1))
    assert (await desk.leg())["resultType"] == "input_required"
    assert (await desk.leg())["resultType"] == "complete"
    (declined,) = desk.docs.answers[0].values()
    assert isinstance(declined, Declined)


async def test_what_the_client_did_not_declare_is_declined_without_asking_it() -> None:
    desk = await Desk.build({"sample": SAMPLE, "who": NAME})
    desk.agent.capabilities = {"sampling": {}}
    first = await desk.leg()
    assert list(first["inputRequests"]) == ["sample"]
    assert desk.docs.executed[0].capabilities == {"sampling": {}}


async def test_a_client_without_capabilities_is_never_asked() -> None:
    desk = await Desk.build({"who": NAME})
    desk.agent.capabilities = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    assert (await desk.leg())["resultType"] == "complete"
    assert desk.docs.answers == [{}]
    assert desk.docs.executed[0].capabilities == {}


async def test_nothing_is_asked_that_was_not_granted() -> None:
    desk = await Desk.build({"who": NAME, "where": ROOTS}, grants=Grants(roots=True))
    first = await desk.leg()
    assert list(first["inputRequests"]) == ["where"]
    await desk.leg(requestState=first["requestState"], inputResponses={"where": HERE})
    assert isinstance(desk.docs.answers[0]["who"], Declined)


async def test_prompts_may_ask_as_well() -> None:
    desk = await Desk.build()
    desk.docs.asks["prompts/get"] = ({"who": NAME},)
    first = (await desk.agent.modern("prompts/get", {"name": "greet"}).done()).answer["result"]
    assert first["resultType"] == "input_required"
    params = {"name": "greet", "requestState": first["requestState"], "inputResponses": {"who": ADA}}
    assert (await desk.agent.modern("prompts/get", params).done()).answer["result"]["echo"] == {"name": "greet"}


async def test_progress_follows_the_open_leg() -> None:
    desk = await Desk.build({"who": NAME})
    desk.docs.progress["search"] = ({"progress": 1},)
    first = await desk.call(_meta={"progressToken": "one"}).done()
    assert [message["params"]["progressToken"] for message in first.events[:-1]] == ["one"]


async def test_a_capability_that_the_server_requires_is_named() -> None:
    desk = await Desk.build()
    data = {"requiredCapabilities": {"sampling": {"x": 1}, "evil": {}}, "more": 1}
    desk.docs.replies["search"] = Failed(-32021, "needs sampling", data)
    desk.agent.capabilities = {}
    exchange = await desk.call().done()
    assert (exchange.status, exchange.answer["error"]["code"]) == (400, -32021)
    assert exchange.answer["error"]["data"]["requiredCapabilities"] == {"sampling": {}}
    await desk.agent.initialize()
    legacy = await desk.agent.legacy_call("search", SEARCH).done()
    assert legacy.answer["error"]["code"] == -32600


async def test_the_ladder_and_the_rounds_share_one_state() -> None:
    """First a person decides, then the client is asked: both carry the call on, and it executes once."""
    rules = library_rules(approvals=ApprovalRules(hold_s=30, legs=2))
    costly = tool_rule("docs.search", REFUND)
    rules = replace(rules, tools={**rules.tools, costly.id: costly})
    world = await World.build(rules=rules, upstreams=library_upstreams())
    world.upstreams[DOCS].asks["search"] = ({"who": NAME},)
    agent = Agent(gateway(world), await world.open_run("writer"), path="/mcp/docs")
    agent.capabilities = EVERY_CAPABILITY
    waiting = agent.modern_call("search", SEARCH)
    await world.clock.until_sleeping()
    world.clock.advance(30_000)
    first = (await waiting.done()).answer["result"]
    assert "inputRequests" not in first
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.approve(ticket)
    second = (await agent.modern_call("search", SEARCH, requestState=first["requestState"]).done()).answer["result"]
    assert list(second["inputRequests"]) == ["who"]
    params = {"requestState": second["requestState"], "inputResponses": {"who": ADA}}
    third = (await agent.modern_call("search", SEARCH, **params).done()).answer["result"]
    assert third["resultType"] == "complete"
    assert len(world.upstreams[DOCS].executed) == 1


# --- legacy: on the stream -------------------------------------------------------------------------------------------


async def test_a_legacy_client_is_asked_on_the_stream_of_the_call() -> None:
    desk = await Desk.build({"who": NAME})
    await desk.agent.initialize()
    call = desk.agent.legacy_call("search", SEARCH)
    (asked,) = await call.until_events(1)
    assert asked["method"] == "elicitation/create"
    assert asked["params"]["message"] == "[docs] Your name?"
    assert (await desk.agent.answer(asked["id"], ADA).done()).status == 202
    result = (await call.done()).answer["result"]
    assert result["content"][0]["text"] == '{"text":"x"}'
    assert desk.docs.answers == [{"who": Granted(ADA)}]


async def test_an_error_of_the_client_declines() -> None:
    desk = await Desk.build({"who": NAME})
    await desk.agent.initialize()
    call = desk.agent.legacy_call("search", SEARCH)
    (asked,) = await call.until_events(1)
    session = {"mcp_session_id": desk.agent.session, "mcp_protocol_version": "2025-11-25"}
    no = {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -1, "message": "no"}}
    assert (await desk.agent.post(no, desk.agent.headers(**session)).done()).status == 202
    await call.done()
    assert desk.docs.answers == [{"who": Declined(-1, "no")}]


async def test_an_answer_that_is_no_result_of_the_method_declines() -> None:
    desk = await Desk.build({"who": NAME})
    await desk.agent.initialize()
    call = desk.agent.legacy_call("search", SEARCH)
    (asked,) = await call.until_events(1)
    await desk.agent.answer(asked["id"], {"action": "perhaps"}).done()
    await call.done()
    assert isinstance(desk.docs.answers[0]["who"], Declined)


@pytest.mark.requirement("I17")
async def test_an_answer_counts_only_from_the_session_that_was_asked_and_only_once() -> None:
    desk = await Desk.build({"who": NAME})
    await desk.agent.initialize()
    stranger = Agent(desk.agent.app, await desk.world.open_run("writer"), path="/mcp/docs")
    await stranger.initialize()
    call = desk.agent.legacy_call("search", SEARCH)
    (asked,) = await call.until_events(1)
    assert (await stranger.answer(asked["id"], ADA).done()).status == 400
    stranger.session = desk.agent.session
    assert (await stranger.answer(asked["id"], ADA).done()).status == 404
    for unknown in (1, "rf-unknown"):
        assert (await desk.agent.answer(unknown, ADA).done()).status == 400
    assert desk.docs.answers == []
    assert (await desk.agent.answer(asked["id"], ADA).done()).status == 202
    await call.done()
    assert (await desk.agent.answer(asked["id"], ADA).done()).status == 400


async def test_a_client_that_does_not_answer_in_time_has_declined() -> None:
    desk = await Desk.build({"who": NAME})
    await desk.agent.initialize()
    call = desk.agent.legacy_call("search", SEARCH)
    (asked,) = await call.until_events(1)
    desk.world.clock.advance(300_000)
    events = (await call.done()).events
    assert events[1]["method"] == "notifications/cancelled"
    assert events[1]["params"]["requestId"] == asked["id"]
    assert isinstance(desk.docs.answers[0]["who"], Declined)
    assert "result" in events[2]


async def test_a_legacy_client_that_has_left_is_not_waited_for() -> None:
    desk = await Desk.build({"who": NAME})
    await desk.agent.initialize()
    call = desk.agent.legacy_call("search", SEARCH)
    await call.until_events(1)
    call.leave()
    await call.done()
    assert isinstance(desk.docs.answers[0]["who"], Declined)
    assert await desk.outcomes() == ["returned"]


async def test_cancelling_a_call_withdraws_its_questions() -> None:
    desk = await Desk.build({"who": NAME})
    await desk.agent.initialize()
    call = desk.agent.legacy_call("search", SEARCH)
    (asked,) = await call.until_events(1)
    await desk.agent.legacy("notifications/cancelled", {"requestId": 2}).done()
    await call.done()
    assert len(desk.docs.cancelled) == 1
    assert (await desk.agent.answer(asked["id"], ADA).done()).status == 400


async def test_reads_of_a_legacy_client_can_be_cancelled_too() -> None:
    desk = await Desk.build()
    desk.docs.hanging.add("resources/read")
    await desk.agent.initialize()
    read = desk.agent.legacy("resources/read", {"uri": "memo:1"})
    await desk.docs.until_executed(1)
    await desk.agent.legacy("notifications/cancelled", {"requestId": 2}).done()
    await read.done()
    assert len(desk.docs.cancelled) == 1


# --- logs ------------------------------------------------------------------------------------------------------------

LOGS = (
    {"level": "debug", "data": "quiet"},
    {"level": "warning", "logger": "store\n", "data": {"n": 1}},
    {"level": "error", "data": "x" * 40_000},
    {"level": "loud", "data": "?"},
)


def logged(exchange: Exchange) -> list[Any]:
    if exchange.header("content-type") != "text/event-stream":
        return []
    return [message["params"] for message in exchange.events if message.get("method") == "notifications/message"]


async def test_a_legacy_client_hears_logs_from_the_level_that_it_set() -> None:
    desk = await Desk.build()
    desk.docs.logs["search"] = LOGS
    await desk.agent.initialize()
    assert logged(await desk.agent.legacy_call("search", SEARCH).done()) == []
    assert (await desk.agent.legacy("logging/setLevel", {"level": "info"}).done()).json["result"] == {}
    heard = logged(await desk.agent.legacy_call("search", SEARCH).done())
    assert heard[0] == {"level": "warning", "logger": "store", "data": {"n": 1}}
    assert heard[1]["data"].startswith("(left out")
    assert len(heard) == 2
    assert desk.docs.executed[1].log_level == "info"
    assert (await desk.agent.legacy("logging/setLevel", {"level": "loud"}).done()).json["error"]["code"] == -32602


async def test_a_modern_client_hears_logs_only_where_the_request_asks_for_them() -> None:
    desk = await Desk.build()
    desk.docs.logs["search"] = LOGS
    level = {"io.modelcontextprotocol/logLevel": "error"}
    assert logged(await desk.call().done()) == []
    assert [message["level"] for message in logged(await desk.call(_meta=level).done())] == ["error"]
    wrong = {"io.modelcontextprotocol/logLevel": "loud"}
    assert (await desk.refused(_meta=wrong))["code"] == -32602


async def test_logs_that_were_not_granted_are_not_heard() -> None:
    desk = await Desk.build(grants=Grants())
    desk.docs.logs["search"] = LOGS
    level = {"io.modelcontextprotocol/logLevel": "debug"}
    assert logged(await desk.call(_meta=level).done()) == []
    await desk.agent.initialize()
    assert (await desk.agent.legacy("logging/setLevel", {"level": "info"}).done()).json["error"]["code"] == -32601


async def test_at_the_common_endpoint_a_log_names_its_server() -> None:
    desk = await Desk.build()
    desk.docs.logs["search"] = LOGS[1:2]
    desk.agent.path = "/mcp"
    level = {"io.modelcontextprotocol/logLevel": "debug"}
    (heard,) = logged(await desk.agent.modern_call("docs__search", SEARCH, _meta=level).done())
    assert heard["logger"] == "docs/store"


# --- who asks, and about what ----------------------------------------------------------------------------------------

LINK = {"type": "resource_link", "uri": "memo:1", "name": "memo"}
EMBEDDED = {"type": "resource", "resource": {"uri": "memo:2", "text": "two"}}
TOLD = {"type": "tool_result", "toolUseId": "t", "content": [LINK, {"type": "text", "text": "memo:1"}]}
PICTURED = {"messages": [{"role": "user", "content": [TOLD, EMBEDDED]}, {"role": "user", "content": LINK}], "maxTokens": 10}


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize(("path", "prefix", "name"), [("/mcp/docs", "", "search"), ("/mcp", "ringfence:docs:", "docs__search")])
async def test_resources_in_what_a_server_samples_have_the_endpoints_uris(era: str, path: str, prefix: str, name: str) -> None:
    desk = await Desk.build({"sample": ServerRequest("sampling/createMessage", PICTURED)})
    desk.agent.path = path
    if era == "modern":
        call = await desk.agent.modern_call(name, SEARCH).done()
        params = call.answer["result"]["inputRequests"]["sample"]["params"]
    else:
        await desk.agent.initialize()
        held = desk.agent.legacy_call(name, SEARCH)
        params = (await held.until_events(1))[0]["params"]
        held.leave()
        await held.done()
    first, second = (message["content"] for message in params["messages"])
    assert second["uri"] == f"{prefix}memo:1"
    assert first[0]["content"] == [{**LINK, "uri": f"{prefix}memo:1"}, {"type": "text", "text": "memo:1"}]
    assert first[1]["resource"] == {"uri": f"{prefix}memo:2", "text": "two"}


async def test_whoever_asks_is_named_to_people_and_to_programs() -> None:
    spoken = ServerRequest("sampling/createMessage", {**SAMPLE.params, "systemPrompt": "Be brief."})
    desk = await Desk.build({"one": SAMPLE, "two": spoken, "three": NAME, "four": ROOTS})
    asked = {key: item["params"] for key, item in (await desk.leg())["inputRequests"].items()}
    assert asked["one"]["systemPrompt"] == "[docs] A server asks for this text."
    assert asked["two"]["systemPrompt"] == "[docs] Be brief."
    assert all(params["_meta"] == {"ringfence/server": "docs"} for params in asked.values())


async def test_a_server_can_neither_ask_in_anothers_name_nor_reach_what_is_the_clients_own() -> None:
    meta = {"ringfence/server": "wiki", "progressToken": 1, "io.modelcontextprotocol/related-task": {}, "com.example/x": 1}
    desk = await Desk.build({"where": ServerRequest("roots/list", {"_meta": meta})})
    asked = (await desk.leg())["inputRequests"]["where"]["params"]
    assert asked["_meta"] == {"ringfence/server": "docs", "com.example/x": 1}
