"""Handoffs over plain HTTP, for runtimes that speak no MCP: the same call, decided, counted and recorded on the same path.

`POST /runs/handoff` is the child's: `{"result": ...}`, or `{"schema": true}` to see what is expected.
`GET /runs/handoff/{run}` is the parent's. It is a call too: what it answers raises the label of whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, assert_never, cast

from ringfence.adapters.pep.mcp_gateway.body import read_body
from ringfence.adapters.pep.mcp_gateway.foreign import plain
from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.parse import check_post
from ringfence.adapters.pep.mcp_gateway.plain_answers import send_json_plain
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.run_routes import Plain, refusal
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.visit import Visit
from ringfence.adapters.served.budget import Budget
from ringfence.adapters.wire.mcp_names import INVALID_REQUEST
from ringfence.core.explaining.rule_class import RuleClass, class_of, text_of
from ringfence.core.model.identifiers import RunId
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.engine.catalogue.catalogue import wire_name
from ringfence.engine.enforce import Enforcer
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Returned, ServerFailed, Waiting, Withheld
from ringfence.engine.request import ToolRequest
from ringfence.errors import RequestError

_OF_THE_CHILD: Final = frozenset({"result", "label", "schema"})
_BODY: Final = 'the body must be {"result": VALUE}, {"result": VALUE, "label": {...}} or {"schema": true}'


class HandoffRequests:
    """`/runs/handoff` and `/runs/handoff/{run}`. A rejection is left for the caller to answer."""

    def __init__(self, enforcer: Enforcer, kept: Budget[RunId], limits: GatewayLimits) -> None:
        self._enforcer = enforcer
        self._kept = kept
        self._limits = limits
        self._under_way: Gate[RunId] = Gate(limits.calls_per_run)

    async def serve(self, visit: Visit) -> Rejection | None:
        """One call of whoever asks."""
        run = visit.principal.run
        if not self._under_way.enter(run):
            return Rejection(status=429, code=INVALID_REQUEST, message="too many requests at once", close=True, recorded=False)
        try:
            if visit.head.verb == "GET":
                await self._call(visit, {"from": visit.head.server})
                return None
            return await self._handed(visit)
        finally:
            self._under_way.leave(run)

    async def _handed(self, visit: Visit) -> Rejection | None:
        if (rejection := check_post(visit.head, self._limits.body_bytes)) is not None:
            return rejection
        share = self._kept.share(visit.principal.run)
        try:
            body = await read_body(visit.receive, self._limits, share.take)
            if isinstance(body, Rejection):
                return body
            if body is not None:
                asked = _asked(body)
                if asked is None:
                    await send_json_plain(visit.send, refusal(400, _BODY))
                else:
                    await self._call(visit, asked)
        finally:
            share.give_back()
        return None

    async def _call(self, visit: Visit, arguments: Mapping[str, Any]) -> None:
        outcome = await self._enforcer.enforce(visit.presented, ToolRequest(wire_name(HANDOFF), arguments))
        await send_json_plain(visit.send, _answer(outcome))


def _asked(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = parse_strict(body)
    except RequestError:
        return None
    if not isinstance(value, dict):
        return None
    asked = cast("dict[str, Any]", value)
    return asked if asked and asked.keys() <= _OF_THE_CHILD else None


def _answer(outcome: Outcome) -> Plain:
    match outcome:
        case Returned(result=result):
            return Plain(200, cast("Mapping[str, Any]", result["structuredContent"]))
        case Waiting(ticket=ticket, entry=entry):
            return Plain(202, {"waiting": ticket.id, "entry": entry})
        case Refused(reasons=reasons, entry=entry):
            rule = class_of(outcome.code)
            error = {"message": plain(text_of(rule, reasons)), "code": rule.value, "entry": entry}
            return Plain(401 if rule is RuleClass.CREDENTIAL else 403, {"error": error})
        case Withheld(why=why, entry=entry):
            return Plain(403, {"error": {"message": "the result is withheld", "code": why.value, "entry": entry}})
        case ServerFailed(entry=entry) | NotSent(entry=entry) | Ambiguous(entry=entry):
            return Plain(503, {"error": {"message": "not done, or not known to be; try again", "entry": entry}})
        case _:
            assert_never(outcome)
