"""A client's `_meta` on its way to a server, and a result's on its way back, in-process, in both eras."""

from typing import Any

import pytest

from ringfence.core.model.identifiers import ServerId
from ringfence.core.model.ticket import TicketState
from ringfence.core.rules import ApprovalRules
from ringfence.ports.upstream import Answered
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import DOCS, library_rules, library_upstreams
from ringfence.testing.scenario import PAYMENTS, shop_rules
from ringfence.testing.world import World

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FIRST = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "a=1"}
SECOND = {"traceparent": f"00-{TRACE}-00f067aa0ba902b8-01"}
SENT = {
    **FIRST,
    "baggage": "user=7",
    "progressToken": 5,
    "com.example/key": {"a": [1]},
    "io.modelcontextprotocol/related-task": {"taskId": "x"},
    "ringfence/approval": {"status": "approved"},
}
METHODS: list[tuple[str, dict[str, Any]]] = [
    ("tools/call", {"name": "search", "arguments": {"text": "x"}}),
    ("resources/read", {"uri": "memo:1"}),
    ("prompts/get", {"name": "greet"}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "who", "value": ""}}),
]


class Client:
    """An agent that speaks one era."""

    def __init__(self, agent: Agent, era: str) -> None:
        self.agent = agent
        self.era = era

    @classmethod
    async def connect(cls, world: World, era: str, agent: str, path: str) -> "Client":
        client = cls(Agent(gateway(world), await world.open_run(agent), path=path), era)
        if era == "legacy":
            await client.agent.initialize()
        return client

    async def ask(self, method: str, params: dict[str, Any], meta: dict[str, Any]) -> Any:
        ask = self.agent.modern if self.era == "modern" else self.agent.legacy
        return (await ask(method, {**params, "_meta": meta}).done()).answer


async def library() -> World:
    return await World.build(rules=library_rules(), upstreams=library_upstreams())


def sent(world: World, server: ServerId) -> list[Any]:
    return [dict(sending.meta) for sending in world.upstreams[server].executed]


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize(("method", "params"), METHODS, ids=[method for method, _ in METHODS])
async def test_trace_context_and_vendor_keys_reach_the_server_and_nothing_else(
    era: str, method: str, params: dict[str, Any]
) -> None:
    world = await library()
    client = await Client.connect(world, era, "writer", "/mcp/docs")
    assert "result" in await client.ask(method, params, SENT)
    assert sent(world, DOCS) == [{**FIRST, "com.example/key": {"a": [1]}}]


@pytest.mark.requirement("I2")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_log_names_the_trace_and_the_digest_of_what_else_was_said(era: str) -> None:
    world = await library()
    client = await Client.connect(world, era, "writer", "/mcp/docs")
    await client.ask("tools/call", METHODS[0][1], SENT)
    await client.ask("tools/call", METHODS[0][1], {})
    with_meta, without = [entry["body"] for entry in await world.entries() if entry["kind"] == "decision"]
    assert with_meta["trace"] == TRACE
    assert with_meta["client_meta"]["bytes"] == len('{"com.example/key":{"a":[1]}}')
    assert "user=7" not in str(with_meta)
    assert not {"trace", "client_meta"} & without.keys()
    assert with_meta["digest"] == without["digest"]


async def test_a_denied_call_is_recorded_with_its_trace() -> None:
    world = await library()
    client = await Client.connect(world, "modern", "guest", "/mcp/docs")
    await client.ask("resources/read", {"uri": "memo:1"}, FIRST)
    entry = (await world.entries())[-1]
    assert (entry["decision"], entry["body"]["trace"]) == ("deny", TRACE)


@pytest.mark.requirement("I4")
async def test_an_approved_call_is_the_same_under_another_trace_and_carries_no_vendor_key() -> None:
    world = await World.build(rules=shop_rules(approvals=ApprovalRules(hold_s=0, legs=0)))
    client = await Client.connect(world, "modern", "support", "/mcp")
    refund = {"name": "payments__refund", "arguments": {"order": "A1", "amount": 25}}
    await client.ask("tools/call", refund, {**FIRST, "com.example/key": 1})
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.approve(ticket)
    await client.ask("tools/call", refund, {**SECOND, "com.example/key": 1})
    assert sent(world, PAYMENTS) == [SECOND]


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_results_meta_comes_back_untouched_but_for_the_gateways_own(era: str) -> None:
    world = await library()
    client = await Client.connect(world, era, "writer", "/mcp/docs")
    theirs = {"io.modelcontextprotocol/serverInfo": {"name": "s", "version": "1"}, "com.example/x": [1], "baggage": "a=1"}
    world.upstreams[DOCS].replies["search"] = Answered({"content": [], "_meta": {**theirs, "ringfence/decision": {}}})
    answer = await client.ask("tools/call", METHODS[0][1], {})
    assert answer["result"]["_meta"] == theirs
