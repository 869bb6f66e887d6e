"""What a client of a model hears where it is not given an answer: an error as the model's API writes it. Pure.

Real clients decide by the status what to do next. On 402 and 403 they stop and show the message; 401 is tried again for most of
a minute, so a budget never says it; of 429 and 503 `x-should-retry: false` is believed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ringfence.core.explaining.rule_class import TEXTS, RuleClass, class_of
from ringfence.core.ledger.running_out import said_to_client
from ringfence.core.metering.stream import CutKind
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.verdict import ReasonCode
from ringfence.engine.models.asking import NOT_RECORDED
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Waiting

STOP: Final = {"x-should-retry": "false"}
_PAUSE_S: Final = 20
_MOST_WAIT_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Rendered:
    """One answer of the gateway's own."""

    status: int
    kind: str
    """The `error.type` of the model's API."""
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    entry: str = ""

    @property
    def body(self) -> bytes:
        error = {"type": self.kind, "message": f"ringfence: {self.message}"}
        return json.dumps({"type": "error", "error": error, "request_id": self.entry}).encode()


NOT_FOUND: Final = Rendered(404, "not_found_error", "there is nothing here")
UNKNOWN: Final = Rendered(401, "authentication_error", TEXTS[RuleClass.CREDENTIAL])
UNAVAILABLE: Final = Rendered(503, "api_error", TEXTS[RuleClass.NOT_RECORDED], STOP)
TOO_MANY: Final = Rendered(429, "rate_limit_error", "too many large requests are under way", {"retry-after": "1"})
TOO_LATE: Final = Rendered(408, "invalid_request_error", "the body was not complete in time", STOP)
_KILLED: Final = Rendered(403, "permission_error", TEXTS[RuleClass.STOPPED])
_BROKEN: Final = Rendered(502, "api_error", "the model did not answer; it may have been billed", STOP)


def unreadable(status: int, why: str, entry: str | None = None) -> Rendered:
    """A request that cannot be counted."""
    return Rendered(status, "request_too_large" if status == 413 else "invalid_request_error", why, {}, entry or "")


def rendered(outcome: Outcome, cut: CutKind | None, agent: AgentId, run: RunId, now: Millis) -> Rendered:
    """Why there is no answer."""
    match outcome:
        case Refused():
            return _refused(outcome, agent, run, now)
        case Waiting(ticket=ticket, entry=entry):
            text = f"{TEXTS[RuleClass.NEEDS_APPROVAL]} ({ticket.id}); send the same request again once it is given"
            return Rendered(403, "permission_error", text, {}, entry)
        case NotSent(entry=entry):
            return Rendered(503, "api_error", "the model cannot be reached; nothing was sent", {}, entry)
        case Ambiguous() if cut is None:
            return Rendered(503, "api_error", NOT_RECORDED, STOP)
        case _:
            return _KILLED if cut is CutKind.KILLED else _BROKEN


def _refused(refused: Refused, agent: AgentId, run: RunId, now: Millis) -> Rendered:
    code, entry, out = refused.code, refused.entry or "", refused.ran_out
    rule = class_of(code)
    text = TEXTS[rule]
    if rule in (RuleClass.LIMIT, RuleClass.TOO_FAST) and out is not None and code is not ReasonCode.UNCOUNTABLE:
        text = said_to_client(out, agent, run)
        if rule is RuleClass.LIMIT:
            if not out.ends_by_itself:
                return Rendered(402, "billing_error", text, STOP, entry)
            wait = _PAUSE_S if out.frees_at is None else max(1, min(-(-(out.frees_at - now) // 1000), _MOST_WAIT_S))
            return Rendered(429, "billing_error", text, {**STOP, "retry-after": str(wait)}, entry)
    match rule:
        case RuleClass.CREDENTIAL:
            return UNKNOWN
        case RuleClass.STOPPED if code is ReasonCode.PAUSED:
            text = "paused by an operator; try again later"
            return Rendered(429, "rate_limit_error", text, {"retry-after": str(_PAUSE_S)}, entry)
        case RuleClass.TOO_FAST:
            return Rendered(429, "rate_limit_error", text, {"retry-after": "1"}, entry)
        case RuleClass.LIMIT if code is ReasonCode.UNCOUNTABLE:
            return Rendered(403, "permission_error", "refused: nothing bounds what this request may use", {}, entry)
        case RuleClass.LIMIT:
            return Rendered(402, "billing_error", text, STOP, entry)
        case RuleClass.UNKNOWN_TOOL:
            return Rendered(403, "permission_error", TEXTS[RuleClass.MODEL], {}, entry)
        case RuleClass.MALFORMED:
            return Rendered(400, "invalid_request_error", text, {}, entry)
        case RuleClass.NOT_RECORDED:
            return Rendered(503, "api_error", text, STOP, entry)
        case _:
            return Rendered(403, "permission_error", text, {}, entry)
