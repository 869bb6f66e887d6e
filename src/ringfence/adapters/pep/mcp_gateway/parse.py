"""What a request is, before anything is done: numbered rungs, the first that fails answers. Pure.

Rungs 1 to 6 read the request's head, so that a stranger's body is never read; 7 to 10 read the body. The decision is made on
the checked body only; headers merely help to refuse early.

Source: MCP 2026-07-28 and 2025-11-25, transports.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ringfence.adapters.pep.mcp_gateway.envelope import envelope_fault
from ringfence.adapters.pep.mcp_gateway.headers import Scheme, accepts, credential_in, is_json, read_headers
from ringfence.adapters.pep.mcp_gateway.log_levels import is_level
from ringfence.adapters.pep.mcp_gateway.metadata import challenge
from ringfence.adapters.pep.mcp_gateway.methods import META_KEYS, known_params
from ringfence.adapters.pep.mcp_gateway.places import Place, find_place
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Id, Notification, Request, Result, classify
from ringfence.adapters.wire.mcp import JSON_TYPE, LEGACY_VERSIONS, MODERN_VERSIONS, SESSION_HEADER, SSE_TYPE, Era
from ringfence.adapters.wire.mcp_names import (
    ERROR_CODE_HTTP_STATUS,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LOG_LEVEL_META_KEY,
    MCP_PROTOCOL_VERSION_HEADER,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.core.strict_json.confusable import confusable
from ringfence.errors import RequestError

_USUAL_ACCEPT = f"{JSON_TYPE}, {SSE_TYPE}"
_ID_LIMIT = 256
"""Characters of a request id."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request whose head passed rungs 1 to 5."""

    place: Place
    server: str | None
    """On `/mcp/{server}`: which one. On `/runs/handoff/{run}`: whose result."""
    verb: str
    headers: Mapping[str, str]
    """Lower-case names, stripped values."""
    credential: str
    scheme: str = "http"
    path: str = ""
    presented_as: Scheme = Scheme.BEARER

    @property
    def origin(self) -> str:
        """Scheme and host as the client named them, in lower case; the host is one that is served here."""
        return f"{self.scheme}://{self.headers.get('host', '').lower()}"

    @property
    def challenge(self) -> bytes:
        """What a client without a credential that is accepted is told, in the scheme that it tried."""
        shown = "DPoP" if self.presented_as is Scheme.DPOP else "Bearer"
        return challenge(self.origin, self.server, shown) if self.place is Place.MCP else shown.encode()

    @property
    def url(self) -> str:
        """What was asked for, without the query that no place has."""
        return f"{self.origin}{self.path}"

    @property
    def version(self) -> str | None:
        return self.headers.get(MCP_PROTOCOL_VERSION_HEADER)

    @property
    def session(self) -> str | None:
        return self.headers.get(SESSION_HEADER)


@dataclass(frozen=True, slots=True)
class Route:
    """One message, ready to be dispatched."""

    era: Era
    method: str
    params: Mapping[str, Any]
    id: Id | None
    """None: a notification."""
    known: bool
    """Whether the gateway serves this method in this era; the parameters of others are not looked at."""


# --- the head --------------------------------------------------------------------------------------------------------


def read_head(scope: Mapping[str, Any], allowed_hosts: Collection[str], allowed_origins: Collection[str]) -> Head | Rejection:
    """Rungs 1 to 5, for every route."""
    # 1 no header line that two readers could take differently
    headers = read_headers(scope["headers"])
    if isinstance(headers, Rejection):
        return headers
    # 2 addressed to us: a page that rebinds a name in somebody's browser names another host
    host = headers.get("host")
    if not host:
        return Rejection(status=400, code=INVALID_REQUEST, message="the Host header is missing", close=True)
    if host.lower() not in allowed_hosts:
        return Rejection(status=421, code=INVALID_REQUEST, message="this host is not served here", close=True)
    # 3 not sent by a foreign web page
    if "origin" in headers and headers["origin"].lower() not in allowed_origins:
        return Rejection(status=403, code=INVALID_REQUEST, message="this origin is not allowed", close=True)
    # 4 a place that exists, named plainly; a credential in a query string would end up in logs
    place, server = find_place(scope)
    if place is None:
        return Rejection(status=404, code=INVALID_REQUEST, message="not found", close=True, recorded=False)
    if scope.get("query_string"):
        return Rejection(status=400, code=INVALID_REQUEST, message="a query string is not accepted", close=True)
    # 5 a verb that this place has in this era
    verb = str(scope["method"])
    allowed = place.verbs(modern=headers.get(MCP_PROTOCOL_VERSION_HEADER) in MODERN_VERSIONS)
    if verb not in allowed:
        allow = (b"allow", ", ".join(allowed).encode())
        return Rejection(
            status=405, code=INVALID_REQUEST, message="method not allowed", headers=(allow,), close=True, recorded=False
        )
    credential, presented_as = credential_in(headers)
    return Head(place, server, verb, headers, credential, scope.get("scheme", "http"), str(scope["path"]), presented_as)


def check_post(head: Head, body_limit: int) -> Rejection | None:
    """Rung 6: a body that is said to be plain JSON of bearable size."""
    headers = head.headers
    if "content-encoding" in headers:
        return Rejection(status=415, code=INVALID_REQUEST, message="a content encoding is not accepted", close=True)
    if not is_json(headers.get("content-type", "")):
        return Rejection(status=415, code=INVALID_REQUEST, message=f"the content type must be {JSON_TYPE}", close=True)
    if head.place is Place.MCP:
        accept = headers.get("accept", "")
        if accept != _USUAL_ACCEPT and not (accepts(accept, JSON_TYPE) and accepts(accept, SSE_TYPE)):
            message = f"the client must accept both {JSON_TYPE} and {SSE_TYPE}"
            return Rejection(status=406, code=INVALID_REQUEST, message=message, close=True)
    length = headers.get("content-length", "0")
    if not length.isdigit() or len(length) > 18 or int(length) > body_limit:
        return too_large(body_limit)
    return None


def too_large(body_limit: int) -> Rejection:
    message = f"the body is larger than {body_limit} bytes"
    return Rejection(status=413, code=INVALID_REQUEST, message=message, close=True)


# --- the body --------------------------------------------------------------------------------------------------------


def read_message(head: Head, body: bytes) -> Route | Result | ErrorAnswer | Rejection:
    """Rungs 7 to 10, for `/mcp`. A legacy client with a session may send answers as well."""
    # 7 exactly one JSON-RPC request or notification
    try:
        value = parse_strict(body)
    except RequestError as error:
        return Rejection(status=400, code=PARSE_ERROR, message=f"parse error: {error}")
    try:
        message = classify(value)
    except RequestError as error:
        return Rejection(status=400, code=INVALID_REQUEST, message=f"invalid request: {error}")
    if not isinstance(message, Request | Notification):
        if head.version in MODERN_VERSIONS or head.session is None:
            return Rejection(status=400, code=INVALID_REQUEST, message="invalid request: nothing was asked of this client")
        return message
    identity = message.id if isinstance(message, Request) else None
    if isinstance(identity, str) and len(identity) > _ID_LIMIT:
        return Rejection(status=400, code=INVALID_REQUEST, message=f"the id is longer than {_ID_LIMIT} characters")
    # 8 one era, said the same way by header and body
    era = _era(head, message, identity)
    if isinstance(era, Rejection):
        return era
    if era is Era.MODERN and isinstance(message, Request):
        mismatch = envelope_fault(message.method, message.params, head.headers)
        if mismatch is not None:
            code, text = mismatch
            return Rejection(status=ERROR_CODE_HTTP_STATUS.get(code, 400), code=code, message=text, id=message.id)
    # 9 no parameter that the method does not define
    allowed = known_params(era, message.method, notification=identity is None)
    if allowed is None:
        return Route(era, message.method, message.params, identity, known=False)
    if not allowed.issuperset(message.params):
        strange = next(key for key in message.params if key not in allowed)
        return Rejection(
            status=400, code=INVALID_PARAMS, message=f"{message.method} has no parameter {strange[:40]!r}", id=identity
        )
    # 10 readable metadata
    fault = _meta_fault(message.params)
    if fault is not None:
        return Rejection(status=400, code=INVALID_PARAMS, message=fault, id=identity)
    return Route(era, message.method, message.params, identity, known=True)


def _era(head: Head, message: Request | Notification, identity: Id | None) -> Era | Rejection:
    version = head.version
    if version in MODERN_VERSIONS:
        return Era.MODERN
    if version is not None and version not in LEGACY_VERSIONS:
        data = {"supported": sorted(MODERN_VERSIONS, reverse=True), "requested": version[:80]}
        return Rejection(
            status=400, code=UNSUPPORTED_PROTOCOL_VERSION, message="Unsupported protocol version", id=identity, data=data
        )
    meta = message.params.get("_meta")
    if isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta:
        text = f"the body names a protocol version, the {MCP_PROTOCOL_VERSION_HEADER} header does not"
        return Rejection(status=400, code=HEADER_MISMATCH, message=text, id=identity)
    return Era.LEGACY


def _meta_fault(params: Mapping[str, Any]) -> str | None:
    if "_meta" not in params:
        return None
    meta = params["_meta"]
    if not isinstance(meta, dict):
        return "_meta must be an object"
    for key in cast("dict[str, Any]", meta):
        if key not in META_KEYS and (twin := confusable(key, META_KEYS)) is not None:
            return f"a _meta key could be taken for {twin!r}"
    token = meta.get("progressToken", 0)
    if type(token) is not int and type(token) is not str:
        return "the progress token must be a string or an integer"
    if LOG_LEVEL_META_KEY in meta and not is_level(cast("dict[str, Any]", meta)[LOG_LEVEL_META_KEY]):
        return "the log level must be one of RFC 5424"
    return None
