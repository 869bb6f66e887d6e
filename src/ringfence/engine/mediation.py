"""Between a server that asks and the client that is asked: every request passes the operator's grants, within a budget."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.core.asking import judge
from ringfence.core.model.call import Call
from ringfence.core.rules import ServerRule
from ringfence.ports.upstream import Asker, ClientAnswer, Declined, ServerRequest

REFUSED = -32601
"""What a client answers to a method that it does not have (JSON-RPC 2.0)."""


def mediated(ask: Asker, rule: ServerRule, call: Call) -> Asker:
    """The client's `ask`, behind the operator's grants, for one call."""
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
            else:
                left -= 1
                passed[key] = ServerRequest(judged.method, judged.params)
        if passed:
            answers |= await ask(passed)
        return answers

    return ask_within_bounds
