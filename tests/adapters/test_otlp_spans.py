"""What the engine records, as spans: who is whose parent, what they are called, what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.engine.test_metered_tree import a_body, ask, priced, rules_for

from ringfence.adapters.telemetry.span import Place, Span, SpanKind
from ringfence.adapters.telemetry.spans import SpanMaker
from ringfence.core.mcp.client_meta import client_meta
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.telemetry.events import Event
from ringfence.engine.request import SILENT
from ringfence.engine.stopping.stops import Stopped
from ringfence.ports.upstream import Answered
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.scenario import ORDERS
from ringfence.testing.world import World

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Spans:
    """Implements `ports.telemetry.Telemetry`: keeps what each event makes."""

    def __init__(self) -> None:
        self.made: list[Span] = []
        self._maker = SpanMaker()

    def tell(self, event: Event) -> None:
        span = self._maker.span_of(event)
        if span is not None:
            self.made.append(span)

    async def close(self) -> None:
        pass

    def named(self, name: str) -> Span:
        (found,) = [span for span in self.made if span.name == name]
        return found


async def a_world() -> tuple[World, Spans]:
    spans = Spans()
    return await World.build(telemetry=spans), spans


async def test_the_calls_of_a_task_are_below_their_runs_in_one_trace() -> None:
    world, spans = await a_world()
    root = await world.open_run()
    child = await world.open_run(parent=root.run)
    await world.call(child, "orders__get", {"order": "A1"})
    await world.call(root, "orders__note", {"order": "A1", "text": "hi"})
    world.clock.advance(1000)
    await world.runs.close(root.run.id, by="operator:ada", why="done")
    note, get = spans.named("tools/call orders.note"), spans.named("tools/call orders.get")
    runs = {span.attributes["ringfence.run.id"]: span for span in spans.made if span.name == "invoke_agent support"}
    of_child, of_root = runs[child.run.id], runs[root.run.id]
    assert {span.place.trace for span in spans.made} == {of_root.place.trace}
    assert (note.parent, get.parent) == (of_root.place.span, of_child.place.span)
    assert (of_child.parent, of_root.parent) == (of_root.place.span, b"")
    assert len({span.place.span for span in spans.made}) == 4
    assert of_root.end - of_root.start == 1000
    assert of_root.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert all(span.attributes["ringfence.run.root"] == root.run.id for span in spans.made)


async def test_a_tool_call_says_what_both_conventions_ask_for() -> None:
    world, spans = await a_world()
    opened = await world.open_run()
    await world.call(opened, "orders__get", {"order": "A1"})
    span = spans.named("tools/call orders.get")
    assert (span.kind, span.error) == (SpanKind.SERVER, "")
    decision, outcome = (await world.entries())[-2:]
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "orders.get",
        "mcp.method.name": "tools/call",
        "gen_ai.agent.name": "support",
        "gen_ai.conversation.id": opened.run.id,
        "ringfence.run.id": opened.run.id,
        "ringfence.run.root": opened.run.id,
        "ringfence.call.id": decision["call"],
        "ringfence.decision": "allow",
        "ringfence.entry": f"e{decision['seq']}",
        "ringfence.outcome": "returned",
        "ringfence.outcome.entry": f"e{outcome['seq']}",
    }


async def test_what_failed_says_how() -> None:
    world, spans = await a_world()
    opened = await world.open_run("reader")
    world.upstreams[ORDERS].replies["get"] = Answered({"content": [], "isError": True})
    await world.call(opened, "orders__get", {"order": "A1"})
    await world.call(opened, "nobody-knows-it", {})
    support = await world.open_run()
    await world.call(support, "orders__boom", {"order": "A1"})
    assert [(span.name, span.error) for span in spans.made] == [
        ("tools/call orders.get", "tool_error"),
        ("tools/call (unknown)", "unknown_tool"),
        ("tools/call orders.boom", "-32603"),
    ]
    assert all(span.attributes["error.type"] == span.error for span in spans.made)
    assert spans.made[1].attributes["ringfence.rule"] == "unknown_tool"
    assert spans.made[2].attributes["rpc.response.status_code"] == "-32603"


async def test_a_call_is_below_the_span_that_its_client_names_and_linked_to_its_run() -> None:
    world, spans = await a_world()
    opened = await world.open_run()
    client = replace(SILENT, meta=client_meta({"traceparent": f"00-{TRACE}-{SPAN}-00"}))
    await world.call(opened, "orders__get", {"order": "A1"}, client=client)
    await world.runs.close(opened.run.id, by="operator:ada", why="done")
    call, run = spans.made
    assert (call.place.trace.hex(), call.parent.hex(), call.is_remote) == (TRACE, SPAN, True)
    assert call.links == (run.place,)


async def test_an_ask_its_wait_and_the_call_that_follows_hang_together() -> None:
    world, spans = await a_world()
    opened = await world.open_run()
    ticket = await world.ask(opened)
    world.clock.advance(4000)
    await world.approve(ticket)
    await world.claim(opened, ticket)
    asked, wait, done = spans.made
    assert (asked.name, wait.name, done.name) == (
        "tools/call payments.refund",
        "approval payments.refund",
        "tools/call payments.refund",
    )
    assert (asked.attributes["ringfence.decision"], asked.error, asked.end) == ("ask", "", asked.start)
    assert (wait.parent, wait.end - wait.start) == (asked.place.span, 4000)
    assert wait.attributes["ringfence.approval.outcome"] == "approved"
    assert done.links == (wait.place,)
    assert done.place != asked.place


async def test_a_wait_is_in_its_clients_trace() -> None:
    world, spans = await a_world()
    opened = await world.open_run()
    client = replace(SILENT, meta=client_meta({"traceparent": f"00-{TRACE}-{SPAN}-01"}))
    await world.call(opened, "payments__refund", {"order": "A1", "amount": 25}, client=client)
    (ticket,) = await world.store.tickets(frozenset({(await world.ask(opened)).state}))
    await world.approve(ticket)
    await world.claim(opened, ticket)
    wait = spans.named("approval payments.refund")
    assert wait.place.trace.hex() == TRACE
    assert spans.made[-1].links == (Place(wait.place.trace, wait.place.span),)


async def test_a_kill_of_a_run_is_below_it_and_what_it_cut_says_so() -> None:
    world, spans = await a_world()
    opened = await world.open_run()
    scope = Scope(ScopeKind.RUN, opened.run.id)
    stopped = await world.stops.stop(StopMode.KILL, scope, reason="enough", by="operator:ada")
    assert isinstance(stopped, Stopped)
    await world.call(opened, "orders__get", {"order": "A1"})
    kill, refused = spans.named("kill run"), spans.named("tools/call orders.get")
    assert (kill.place.trace, kill.parent) == (refused.place.trace, refused.parent)
    assert kill.attributes["ringfence.stop.target"] == opened.run.id
    assert refused.error == "stopped"


async def test_a_request_to_a_model_says_what_it_used_in_the_conventions_words() -> None:
    def usage(_: Mapping[str, Any]) -> Mapping[str, int]:
        return {"input_tokens": 10, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 20, "output_tokens": 7}

    spans = Spans()
    rules = rules_for(ModelCap(MeterKind.SPEND, 10**9))
    world = await World.build(rules=rules, models={"vendor": FakeModel(usage)}, telemetry=spans)
    await ask(world, await world.open_run(), a_body(400))
    span = spans.named("chat claude-sonnet-4-5")
    assert (span.kind, span.error) == (SpanKind.CLIENT, "")
    said = {name: value for name, value in span.attributes.items() if name.startswith(("gen_ai", "http", "ringfence.model"))}
    assert said.pop("gen_ai.conversation.id")
    assert said == {
        "gen_ai.agent.name": "support",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.request.max_tokens": 400,
        "gen_ai.response.model": "claude-sonnet-4-5",
        "gen_ai.response.finish_reasons": ("end_turn",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 70,
        "gen_ai.usage.cache_write.input_tokens": 20,
        "http.response.status_code": 200,
        "ringfence.model.upstream": "vendor",
        "ringfence.model.stream": False,
        "ringfence.model.end": "complete",
    }
    assert isinstance(span.attributes["ringfence.spend.micro_usd"], int)
    assert span.attributes["ringfence.spend.micro_usd"] > priced({"input_tokens": 10, "output_tokens": 7})


async def test_a_model_that_never_answered_has_an_error() -> None:
    spans = Spans()
    rules = rules_for(ModelCap(MeterKind.SPEND, 10**9))
    world = await World.build(rules=rules, models={"vendor": FakeModel(lambda _: None)}, telemetry=spans)
    await ask(world, await world.open_run(), a_body(400))
    assert spans.named("chat claude-sonnet-4-5").error == "ambiguous"
