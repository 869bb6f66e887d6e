"""From values to the wire: the one place that knows how each outcome looks in each era. Pure.

| outcome | the agent gets |
|---|---|
| Returned | the server's result |
| Refused | a result with `isError` that names the rule class and the entry; of an unknown tool too, as official servers do |
| Waiting | a result with `isError` that names the ticket (see `ladder.py` for what comes before) |
| Withheld | a result with `isError` that says which class of finding keeps the answer back |
| NotSent | a result with `isError`: safe to try again |
| Ambiguous | a result with `isError`: not to be repeated blindly |
| ServerFailed | a JSON-RPC error with the server's code, where that is an application's, and its data; see `_server_error` |

Results of other methods have no `isError`, so there everything but `Returned` is a JSON-RPC error that says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, assert_never, cast

from ringfence.adapters.pep.mcp_gateway.client_call import CLAIM, ClientCall
from ringfence.adapters.pep.mcp_gateway.client_capabilities import known_capabilities
from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint
from ringfence.adapters.pep.mcp_gateway.foreign import plain
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import Id
from ringfence.adapters.wire.mcp import MODERN_RESULT_KEYS, Era
from ringfence.adapters.wire.mcp_names import (
    CACHEABLE_METHODS,
    ERROR_CODE_HTTP_STATUS,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
)
from ringfence.core.explaining.rule_class import TEXTS, RuleClass, class_of, text_of
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.ticket import Ticket
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.mediation import URL_REQUIRED
from ringfence.engine.outcome import Ambiguous, Held, NotSent, Outcome, Refused, Returned, ServerFailed, Waiting, Withheld
from ringfence.errors import RequestError
from ringfence.ports.upstream import ServerRequest

DECISION_META: Final = "ringfence/decision"
APPROVAL_META: Final = "ringfence/approval"
_OURS: Final = "ringfence/"
RETRY_AFTER_S: Final = 30
_RESERVED_CODES = range(-32768, -31999)
"""JSON-RPC 2.0, section 5.1: -32768 to -32000 belong to the protocol."""
RESOURCE_NOT_FOUND: Final = -32002
"""`resource not found` of the legacy era; the modern one says -32602."""
ERROR_DATA_LIMIT: Final = 16_384
"""Bytes of an error's `data`, as canonical JSON."""

_UNKNOWN: Final = {GET_PROMPT: "unknown prompt", COMPLETE: "unknown reference"}
_NOT_KEPT: Final[Mapping[str, Any]] = {"ttlMs": 0, "cacheScope": "private"}
"""Each read is decided, so nobody keeps what was read for the next one."""

_WITHHELD: Final = "withheld: the call was executed, but its answer {why}; do not repeat it"
_HELD: Final[Mapping[Held, str]] = {
    Held.INSTRUCTIONS: "reads as instructions to a model",
    Held.SECRET: "holds a credential",
    Held.PERSONAL: "holds personal data",
    Held.UNREADABLE: "could not be inspected",
    Held.UNTYPED: "is not what its output schema says",
}

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


def render_unauthorized(challenge: bytes, identity: Id | None = None, headers: Headers = ()) -> Rendered:
    """One answer for every credential that is not accepted (RFC 6750, section 3; RFC 9728, section 5.1)."""
    body = jsonrpc.error(identity, INVALID_REQUEST, TEXTS[RuleClass.CREDENTIAL])
    return Rendered(body, 401, ((b"www-authenticate", challenge), *headers), close=True)


def render_bad_proof(challenge: bytes, algorithms: Iterable[str], nonce: str) -> Rendered:
    """A DPoP proof that does not fit its request: the client's own words, so it is told (RFC 9449, sections 7.1 and 9)."""
    error = "use_dpop_nonce" if nonce else "invalid_dpop_proof"
    more = f', error="{error}", algs="{" ".join(algorithms)}"'.encode("latin-1")
    return render_unauthorized(challenge + more, headers=((b"dpop-nonce", nonce.encode()),) if nonce else ())


def render_outcome(call: ClientCall, outcome: Outcome, now: Millis, origin: str | None = None) -> Rendered:
    """What a call came to. `origin` is the server that a result came from."""
    match outcome:
        case Returned(result=result):
            shown = for_era(Endpoint(call.server).shown_result(result, origin, call.method), call.era)
            if call.era is Era.MODERN and call.method in CACHEABLE_METHODS:
                shown |= _NOT_KEPT
            return render_result(call.id, canonical_bytes(shown))
        case Refused():
            return _refused(call, outcome)
        case Waiting(ticket=ticket, entry=entry):
            return render_pending(call, ticket, entry, now)
        case NotSent(entry=entry):
            return _failed(call, "not sent: nothing left the gateway, it is safe to try again", "not_sent", entry)
        case Ambiguous(entry=entry):
            text = "outcome unknown: the call was sent and may have taken effect; do not repeat it blindly, look first"
            return _failed(call, text, "ambiguous", entry)
        case Withheld(why=why, entry=entry):
            return _failed(call, _WITHHELD.format(why=_HELD[why]), "withheld", entry)
        case ServerFailed():
            return _server_error(call, outcome)
        case _:
            assert_never(outcome)


def render_pending(call: ClientCall, ticket: Ticket, entry: str | None, now: Millis) -> Rendered:
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


def render_input_required(call: ClientCall, state: str, requests: Mapping[str, ServerRequest]) -> Rendered:
    """The modern way to say `come back`: the client repeats the call with the state, and with answers where it is asked."""
    result: dict[str, Any] = {"resultType": "input_required", "requestState": state}
    if requests:
        shown = Endpoint(call.server).shown_request
        result["inputRequests"] = {
            key: {"method": request.method, "params": shown(request)} for key, request in requests.items()
        }
    return render_result(call.id, canonical_bytes(result))


def render_not_recorded(call: ClientCall) -> Rendered:
    """The engine could not decide, so it was denied."""
    return _failed(call, TEXTS[RuleClass.NOT_RECORDED], RuleClass.NOT_RECORDED, None)


def render_cancelled(call: ClientCall) -> Rendered:
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


def _refused(call: ClientCall, refused: Refused) -> Rendered:
    rule = class_of(refused.code)
    if rule is RuleClass.CREDENTIAL:
        return render_unauthorized(call.head.challenge, call.id)
    if rule is RuleClass.UNKNOWN_TOOL and not call.is_tool:
        data: dict[str, Any] = {} if refused.entry is None else {DECISION_META: _decision(rule, refused.entry)}
        return _not_found(call, TEXTS[rule], data)
    return _failed(call, plain(text_of(rule, refused.reasons)), rule, refused.entry)


def _failed(call: ClientCall, text: str, code: str, entry: str | None) -> Rendered:
    return _is_error(call, text if entry is None else f"{text} ({entry})", {DECISION_META: _decision(code, entry)})


def _not_found(call: ClientCall, text: str, data: dict[str, Any]) -> Rendered:
    """What does not exist and what was not given to the agent: nobody can tell them apart."""
    if call.method != READ_RESOURCE:
        text = _UNKNOWN.get(call.method, text)
        return render_error(call.era, call.id, INVALID_PARAMS, text, data or None)
    code = INVALID_PARAMS if call.era is Era.MODERN else RESOURCE_NOT_FOUND
    return render_error(call.era, call.id, code, "Resource not found", {**data, "uri": call.name})


def _server_error(call: ClientCall, failed: ServerFailed) -> Rendered:
    """A server's error as the client's era knows it.

    Codes that speak of the gateway's own hop (-32020, -32022, a broken request) are no news to the client. -32042 exists in the
    legacy era only: a modern client's model is told where a person has to go, and calls again.
    """
    text, code = plain(failed.message) or "the server failed", failed.code
    ours = {DECISION_META: {"code": "server_failed", "entry": failed.entry}}
    if failed.withheld:
        return _failed(
            call, f"refused: the server asks for what is not granted: {failed.withheld}", "not_granted", failed.entry
        )
    if code == URL_REQUIRED:
        if call.era is Era.LEGACY:
            return render_error(call.era, call.id, code, text, {**failed.data, **ours})
        places = "; ".join(f"{item['url']} {item['message']}" for item in failed.data["elicitations"])
        return _failed(
            call, f"{text}. A person has to open this first, then repeat the call: {places}", "url_required", failed.entry
        )
    if code == MISSING_REQUIRED_CLIENT_CAPABILITY:
        code = code if call.era is Era.MODERN else INVALID_REQUEST
        return render_error(call.era, call.id, code, text, {**ours, **_required(failed.data)})
    data = _with_theirs(failed.data, ours)
    if call.method == READ_RESOURCE and code in (RESOURCE_NOT_FOUND, INVALID_PARAMS):
        return _not_found(call, text, data if isinstance(data, dict) else ours)
    return render_error(call.era, call.id, _application_code(code), text, data)


def _with_theirs(data: Any, ours: dict[str, Any]) -> Any:
    """An error's data: an object has our members beside its own, anything else is passed as it is, too much is left out."""
    try:
        if data is None or len(canonical_bytes(data)) > ERROR_DATA_LIMIT:
            return ours
    except RequestError:
        return ours
    if not isinstance(data, dict):
        return data
    theirs = {key: value for key, value in cast("dict[str, Any]", data).items() if not key.startswith(_OURS)}
    return {**theirs, **ours}


def _required(data: Any) -> dict[str, Any]:
    """Which of the capabilities that we know a server says it needs."""
    named = cast("dict[str, Any]", data).get("requiredCapabilities") if isinstance(data, dict) else None
    return {"requiredCapabilities": {name: {} for name in known_capabilities(named)}}


def _is_error(call: ClientCall, text: str, meta: dict[str, Any]) -> Rendered:
    if not call.is_tool:
        return Rendered(jsonrpc.error(call.id, INTERNAL_ERROR, text, meta))
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True, "_meta": meta}
    if call.era is Era.MODERN:
        result["resultType"] = "complete"
    return render_result(call.id, canonical_bytes(result))


def _decision(code: str, entry: str | None) -> dict[str, Any]:
    return {"code": str(code), "entry": entry}


def _application_code(code: int) -> int:
    if code not in _RESERVED_CODES or code == INVALID_PARAMS:
        return code
    return INVALID_PARAMS if code == RESOURCE_NOT_FOUND else INTERNAL_ERROR
