"""From values to the wire: the one place that knows how each outcome looks in each era. Pure.

| outcome | the agent gets |
|---|---|
| Returned | the server's result |
| Refused | a result with `isError` that names the rule class and the entry; `unknown tool` is a JSON-RPC error |
| Waiting | a result with `isError` that names the ticket (see `ladder.py` for what comes before) |
| NotSent | a result with `isError`: safe to try again |
| Ambiguous | a result with `isError`: not to be repeated blindly |
| ServerFailed | a JSON-RPC error with the server's code, where that is an application's |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, assert_never, cast

from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST

from ringfence.adapters.pep.mcp_gateway.public import TEXTS, RuleClass, class_of_all, text_of
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.tool_call import CLAIM, ToolCall
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import Id
from ringfence.adapters.wire.mcp import MODERN_RESULT_KEYS, Era
from ringfence.core.canonical import canonical_bytes
from ringfence.core.model import Millis, Ticket
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Returned, ServerFailed, Waiting

DECISION_META: Final = "ringfence/decision"
APPROVAL_META: Final = "ringfence/approval"
_OURS: Final = "ringfence/"
RETRY_AFTER_S: Final = 30
_TEXT_LIMIT = 1000
_RESERVED_CODES = range(-32768, -31999)
"""JSON-RPC 2.0, section 5.1: -32768 to -32000 belong to the protocol."""
_NOT_FOUND = -32002
"""`resource not found` of the legacy era; the modern one says -32602."""

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """One JSON-RPC answer and the HTTP status that goes with it, where a stream has not begun yet."""

    body: bytes
    status: int = 200
    headers: Headers = ()
    close: bool = False


def render_result(identity: Id, result: bytes, headers: Headers = ()) -> Rendered:
    """An answer whose result is given as JSON bytes."""
    return Rendered(jsonrpc.result(identity, result), headers=headers)


def render_error(era: Era, identity: Id | None, code: int, message: str, data: Any = None) -> Rendered:
    """An error of a method. The modern era gives it an HTTP status as well, the legacy era answers 200."""
    status = ERROR_CODE_HTTP_STATUS.get(code, 200) if era is Era.MODERN else 200
    return Rendered(jsonrpc.error(identity, code, message, data), status)


def render_rejection(rejection: Rejection, entry: str | None = None) -> Rendered:
    """An error of the request itself; `entry` is where it was recorded."""
    data = rejection.data
    if data is None and entry is not None:
        data = {DECISION_META: _decision(RuleClass.MALFORMED, entry)}
    body = jsonrpc.error(rejection.id, rejection.code, rejection.message, data)
    return Rendered(body, rejection.status, rejection.headers, rejection.close)


def render_unauthorized(identity: Id | None = None) -> Rendered:
    """One answer for every credential that is not accepted (RFC 6750, section 3)."""
    body = jsonrpc.error(identity, INVALID_REQUEST, TEXTS[RuleClass.CREDENTIAL])
    return Rendered(body, 401, ((b"www-authenticate", b"Bearer"),), close=True)


def render_outcome(call: ToolCall, outcome: Outcome, now: Millis) -> Rendered:
    """What a call came to."""
    match outcome:
        case Returned(result=result):
            return render_result(call.id, canonical_bytes(for_era(result, call.era)))
        case Refused():
            return _refused(call, outcome)
        case Waiting(ticket=ticket, entry=entry):
            return render_pending(call, ticket, entry, now)
        case NotSent(entry=entry):
            return _failed(call, "not sent: nothing left the gateway, it is safe to try again", "not_sent", entry)
        case Ambiguous(entry=entry):
            text = "outcome unknown: the call was sent and may have taken effect; do not repeat it blindly, look first"
            return _failed(call, text, "ambiguous", entry)
        case ServerFailed(code=code, message=message, entry=entry):
            text = plain(message) or "the server failed"
            data = {DECISION_META: {"code": "server_failed", "entry": entry}}
            return render_error(call.era, call.id, _application_code(code), text, data)
        case _:
            assert_never(outcome)


def render_pending(call: ToolCall, ticket: Ticket, entry: str | None, now: Millis) -> Rendered:
    """Nobody has decided yet: the last step of the ladder."""
    later = "repeat the same call later"
    if call.server is None:
        later += f" or call {CLAIM} with this ticket"
    text = (
        f"approval pending, ticket {ticket.id}: a person has to approve this call first. Go on with other work, then {later}."
    )
    approval = {
        "status": "approval_pending",
        "approval_id": ticket.id,
        "retry_after_s": max(1, min(RETRY_AFTER_S, (ticket.expires_at - now) // 1000)),
        "expires_at": datetime.fromtimestamp(ticket.expires_at / 1000, UTC).isoformat(timespec="seconds"),
    }
    meta: dict[str, Any] = {APPROVAL_META: approval}
    if entry is not None:
        meta[DECISION_META] = _decision(RuleClass.NEEDS_APPROVAL, entry)
    return _is_error(call, text, meta)


def render_input_required(call: ToolCall, state: str) -> Rendered:
    """The modern way to say `come back`: no input is asked for, the client repeats the call with the state."""
    return render_result(call.id, canonical_bytes({"resultType": "input_required", "requestState": state}))


def render_not_recorded(call: ToolCall) -> Rendered:
    """The engine could not decide, so it was denied."""
    return _failed(call, TEXTS[RuleClass.NOT_RECORDED], RuleClass.NOT_RECORDED, None)


def render_cancelled(call: ToolCall) -> Rendered:
    """The client took the call back; some clients still read the answer."""
    return Rendered(jsonrpc.error(call.id, INTERNAL_ERROR, "cancelled by the client"))


def for_era(result: Mapping[str, Any], era: Era) -> dict[str, Any]:
    """A server's result as the client's era shapes it, without anything that only the gateway may say."""
    shaped = {key: value for key, value in result.items() if key not in MODERN_RESULT_KEYS}
    meta = shaped.get("_meta")
    if isinstance(meta, dict) and any(key.startswith(_OURS) for key in cast("dict[str, Any]", meta)):
        shaped["_meta"] = {key: value for key, value in cast("dict[str, Any]", meta).items() if not key.startswith(_OURS)}
    if era is Era.MODERN:
        shaped["resultType"] = "complete"
    elif "structuredContent" in shaped and not isinstance(shaped["structuredContent"], dict):
        del shaped["structuredContent"]  # legacy clients know objects only; the text block says the same
    return shaped


def plain(text: str) -> str:
    """A foreign sentence without control characters, of bearable length."""
    return "".join(character if character.isprintable() else " " for character in text[:_TEXT_LIMIT]).strip()


def _refused(call: ToolCall, refused: Refused) -> Rendered:
    rule = class_of_all(refused.reasons)
    if rule is RuleClass.CREDENTIAL:
        return render_unauthorized(call.id)
    if rule is RuleClass.UNKNOWN_TOOL:
        data = None if refused.entry is None else {DECISION_META: _decision(rule, refused.entry)}
        return render_error(call.era, call.id, INVALID_PARAMS, TEXTS[rule], data)
    return _failed(call, plain(text_of(rule, refused.reasons)), rule, refused.entry)


def _failed(call: ToolCall, text: str, code: str, entry: str | None) -> Rendered:
    return _is_error(call, text if entry is None else f"{text} ({entry})", {DECISION_META: _decision(code, entry)})


def _is_error(call: ToolCall, text: str, meta: dict[str, Any]) -> Rendered:
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True, "_meta": meta}
    if call.era is Era.MODERN:
        result["resultType"] = "complete"
    return render_result(call.id, canonical_bytes(result))


def _decision(code: str, entry: str | None) -> dict[str, Any]:
    return {"code": str(code), "entry": entry}


def _application_code(code: int) -> int:
    if code not in _RESERVED_CODES or code == INVALID_PARAMS:
        return code
    return INVALID_PARAMS if code == _NOT_FOUND else INTERNAL_ERROR
