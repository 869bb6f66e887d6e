"""Between a server that asks and the client that is asked: every request passes the operator's grants, within a budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.core.mcp.asking import judge, required_elicitations
from ringfence.core.model.call import Call
from ringfence.core.rules import ServerRule
from ringfence.engine.inspection import Inspection
from ringfence.engine.outcome import ServerFailed
from ringfence.ports.upstream import Asker, ClientAnswer, Declined, Failed, Granted, ServerRequest

REFUSED = -32601
"""What a client answers to a method that it does not have (JSON-RPC 2.0)."""
URL_REQUIRED = -32042
"""`URL elicitation required` (MCP 2025-11-25, client/elicitation): an error that asks for something."""


def mediated(ask: Asker, rule: ServerRule, call: Call, inspection: Inspection) -> Asker:
    """The client's `ask`, behind the operator's grants and the scan, for one call."""
    left = rule.grants.requests_per_call

    async def ask_within_bounds(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        nonlocal left
        answers: dict[str, ClientAnswer] = {}
        passed: dict[str, ServerRequest] = {}
        for key, request in requests.items():
            judged = judge(request.method, request.params, rule.id, rule.grants)
            if isinstance(judged, str):
                answers[key] = Declined(REFUSED, judged)
            elif left <= 0:
                answers[key] = Declined(REFUSED, f"{call.tool} has asked too often")
            elif why := inspection.question(request.params):
                answers[key] = Declined(REFUSED, why)
            else:
                left -= 1
                passed[key] = ServerRequest(judged.method, judged.params, rule.id)
        if passed:
            for key, answer in (await ask(passed)).items():
                may = not isinstance(answer, Granted) or inspection.may_answer(answer.result)
                answers[key] = answer if may else Declined(REFUSED, "the answer was refused by its inspection")
        return answers

    return ask_within_bounds


def failed(reply: Failed, rule: ServerRule, declared: Mapping[str, Any], entry: str) -> ServerFailed:
    """A server's error. One that sends a person to an address obeys the grant of doing so during a call.

    `declared` is what the server was told that the client can do.
    """
    if reply.code != URL_REQUIRED:
        return ServerFailed(reply.code, reply.message, entry, reply.data)
    can = "url" in declared.get("elicitation", {})
    asked = required_elicitations(reply.data, rule.id, rule.grants) if can else "not granted"
    if isinstance(asked, str):
        return ServerFailed(reply.code, reply.message, entry, None, asked)
    return ServerFailed(reply.code, reply.message, entry, {"elicitations": asked})
