"""What was recorded, as spans of OpenTelemetry. No prompt, argument, result or reason's words: an event has no place for any.

One task is one trace: the spans of a run are below its own, that of a child run below its parent's. A call whose client named
a span of its own is below that one, and linked to its run's.

Source: OpenTelemetry semantic conventions for generative AI (model, tool and agent spans) and for MCP, both in development.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, assert_never

from ringfence.adapters.telemetry.span import Attribute, Place, Span, SpanKind, span_id, trace_id
from ringfence.core.model.identifiers import Millis, RunId, TicketId
from ringfence.core.own_tools.modelling import Act
from ringfence.core.telemetry.events import (
    Decided,
    Ended,
    Ending,
    Event,
    ModelUsed,
    Recorded,
    RunBegan,
    RunEnded,
    StopLifted,
    StopSet,
    Waited,
)
from ringfence.core.telemetry.reading import TOOLS_CALL

MOST_TICKETS: Final = 10_000
PROVIDER: Final = "anthropic"
"""The shape of the API, whoever runs it: what the convention means by a provider."""
_CACHED: Final = {"read": "gen_ai.usage.cache_read.input_tokens"}
_WRITTEN: Final = ("write_5m", "write_1h")
_COMPLETE: Final = "complete"
_OPERATIONS: Final = {Act.MESSAGES.value: "chat", Act.COUNT.value: "count_tokens", Act.MODELS.value: "list_models"}


class SpanMaker:
    """Remembers where an approval's span is, for the call that uses it up."""

    def __init__(self) -> None:
        self._approvals: OrderedDict[TicketId, Place] = OrderedDict()

    def span_of(self, event: Event) -> Span | None:
        """None: nothing has come to its end with it."""
        match event:
            case Decided():
                return None if event.level == "allow" else self._call(event, event.at, _said(event), _refusal(event))
            case Ended(decided=Decided() as decided):
                attributes = {**_said(decided), **_came_to(event)}
                return self._call(decided, event.at, attributes, _failure(event))
            case Waited():
                return self._approval(event)
            case RunEnded():
                return _run(event)
            case StopSet() | StopLifted():
                return _stop(event)
            case Ended() | RunBegan() | Recorded():
                return None
            case _:
                assert_never(event)

    def _call(self, decided: Decided, end: Millis, attributes: dict[str, Attribute], error: str) -> Span:
        run = Place(trace_id(decided.root), span_id(f"run {decided.run}"))
        links: tuple[Place, ...] = ()
        trace, parent = run.trace, run.span
        if decided.remote is not None:
            trace, parent, links = bytes.fromhex(decided.remote.trace), bytes.fromhex(decided.remote.span), (run,)
        if decided.level == "allow" and decided.ticket is not None:
            approval = self._approvals.pop(decided.ticket, None)
            links += (approval,) if approval is not None else ()
        if error:
            attributes["error.type"] = error
        name, kind = _named(decided)
        return Span(
            place=Place(trace, span_id(f"call {decided.call}")),
            parent=parent,
            is_remote=decided.remote is not None,
            name=name,
            kind=kind,
            start=decided.at,
            end=max(end, decided.at),
            attributes=attributes,
            links=links,
            error=error,
        )

    def _approval(self, event: Waited) -> Span:
        remote = event.decided.remote if event.decided is not None else None
        place = Place(
            bytes.fromhex(remote.trace) if remote is not None else trace_id(event.root), span_id(f"ticket {event.ticket}")
        )
        self._approvals[event.ticket] = place
        if len(self._approvals) > MOST_TICKETS:
            self._approvals.popitem(last=False)
        return Span(
            place=place,
            parent=span_id(f"call {event.call}"),
            name=f"approval {event.tool}",
            kind=SpanKind.INTERNAL,
            start=event.since,
            end=max(event.at, event.since),
            attributes={
                **_of_run(event.run, event.root, event.agent),
                "gen_ai.tool.name": event.tool,
                "ringfence.ticket.id": event.ticket,
                "ringfence.approval.outcome": event.state,
            },
        )


def _named(decided: Decided) -> tuple[str, SpanKind]:
    if decided.asked is not None:
        operation = _OPERATIONS.get(decided.asked.act, decided.asked.act)
        return f"{operation} {decided.asked.model}", SpanKind.CLIENT
    if decided.method == TOOLS_CALL:
        return f"{TOOLS_CALL} {decided.tool}", SpanKind.SERVER
    return (decided.method, SpanKind.SERVER) if decided.method else (f"execute_tool {decided.tool}", SpanKind.INTERNAL)


def _of_run(run: RunId, root: RunId, agent: str) -> dict[str, Attribute]:
    return {
        "gen_ai.agent.name": agent,
        "gen_ai.conversation.id": run,
        "ringfence.run.id": run,
        "ringfence.run.root": root,
    }


def _said(decided: Decided) -> dict[str, Attribute]:
    """What is known of a call from its decision."""
    said = {
        **_of_run(decided.run, decided.root, decided.agent),
        "ringfence.call.id": decided.call,
        "ringfence.entry": decided.entry,
        "ringfence.decision": decided.level,
    }
    if decided.code:
        said["ringfence.reason"] = decided.code
    if decided.rule is not None:
        said["ringfence.rule"] = decided.rule.value
    if decided.ticket is not None:
        said["ringfence.ticket.id"] = decided.ticket
    asked = decided.asked
    if asked is None:
        said["gen_ai.tool.name"] = decided.tool
        if decided.method:
            said["mcp.method.name"] = decided.method
        if decided.method in ("", TOOLS_CALL):
            said["gen_ai.operation.name"] = "execute_tool"
        return said
    said |= {
        "gen_ai.operation.name": _OPERATIONS.get(asked.act, asked.act),
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": asked.model,
        "ringfence.model.upstream": asked.upstream,
        "ringfence.model.stream": asked.stream,
    }
    if asked.max_tokens:
        said["gen_ai.request.max_tokens"] = asked.max_tokens
    return said


def _came_to(event: Ended) -> dict[str, Attribute]:
    came: dict[str, Attribute] = {"ringfence.outcome": event.ending.value, "ringfence.outcome.entry": event.entry}
    if event.stopped:
        came["ringfence.stopped"] = True
    if event.code is not None:
        came["rpc.response.status_code"] = str(event.code)
    if event.used is not None:
        came |= _usage(event.used)
    return came


def _usage(used: ModelUsed) -> dict[str, Attribute]:
    usage: dict[str, Attribute] = {
        "gen_ai.response.model": used.model,
        "gen_ai.usage.input_tokens": used.tokens_in,
        "gen_ai.usage.output_tokens": used.tokens_out,
        "ringfence.spend.micro_usd": used.micro,
        "ringfence.model.end": used.end,
    }
    if written := sum(used.kinds.get(kind, 0) for kind in _WRITTEN):
        usage["gen_ai.usage.cache_write.input_tokens"] = written
    usage |= {name: used.kinds[kind] for kind, name in _CACHED.items() if used.kinds.get(kind)}
    if used.stop_reason:
        usage["gen_ai.response.finish_reasons"] = (used.stop_reason,)
    if used.status:
        usage["http.response.status_code"] = used.status
    return usage


def _refusal(decided: Decided) -> str:
    if decided.level == "ask":
        return ""
    return decided.rule.value if decided.rule is not None else decided.level


def _failure(event: Ended) -> str:
    used = event.used
    if used is not None and event.ending in (Ending.RETURNED, Ending.FAILED):
        if used.status >= 400:
            return str(used.status)
        return "" if used.end == _COMPLETE else used.end
    match event.ending:
        case Ending.RETURNED:
            return ""
        case Ending.FAILED:
            return "tool_error" if event.code is None else str(event.code)
        case _:
            return event.ending.value


def _run(event: RunEnded) -> Span:
    return Span(
        place=Place(trace_id(event.root), span_id(f"run {event.run}")),
        parent=span_id(f"run {event.parent}") if event.parent is not None else b"",
        name=f"invoke_agent {event.agent}",
        kind=SpanKind.INTERNAL,
        start=event.since,
        end=max(event.at, event.since),
        attributes={"gen_ai.operation.name": "invoke_agent", **_of_run(event.run, event.root, event.agent)},
    )


def _stop(event: StopSet | StopLifted) -> Span:
    """A moment. What it cut off says so itself."""
    parent, trace = b"", trace_id(f"stop {event.stop}")
    attributes: dict[str, Attribute] = {"ringfence.stop.id": event.stop}
    if isinstance(event, StopLifted):
        name = "lift"
    else:
        name = f"{event.mode.value} {event.scope.value}"
        attributes |= {"ringfence.stop.mode": event.mode.value, "ringfence.stop.scope": event.scope.value}
        if event.target:
            attributes["ringfence.stop.target"] = event.target
        if event.root is not None:
            trace, parent = trace_id(event.root), span_id(f"run {event.target}")
    return Span(
        place=Place(trace, span_id(f"{name} {event.stop}")),
        parent=parent,
        name=name,
        kind=SpanKind.INTERNAL,
        start=event.at,
        end=event.at,
        attributes=attributes,
    )
