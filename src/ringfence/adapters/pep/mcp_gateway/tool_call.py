"""The parameters of one `tools/call`, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.shared.inbound import MCP_PARAM_HEADER_PREFIX, validate_mcp_param_headers
from mcp_types import INVALID_PARAMS

from ringfence.adapters.pep.mcp_gateway.parse import Head, Route
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.wire.jsonrpc import Id
from ringfence.adapters.wire.mcp import Era
from ringfence.core.canonical import digest_of
from ringfence.core.confusable import confusable

CLAIM = "ringfence__claim"
"""The gateway's own tool on `/mcp`: executes what was approved."""
NAME_LIMIT = 256
TICKET_LIMIT = 80
_STATE_LIMIT = 4096
_PARAM_PREFIX = MCP_PARAM_HEADER_PREFIX.lower()
_X_HEADER = "x-mcp-header"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What an agent asked for."""

    id: Id
    era: Era
    server: str | None
    name: str
    arguments: Mapping[str, Any]
    progress_token: Id | None
    state: str | None
    """A sealed state that the client echoes: it has waited before."""

    @property
    def is_claim(self) -> bool:
        return self.server is None and self.name == CLAIM

    def digest(self) -> str:
        """What a sealed state binds to: the same call at the same endpoint."""
        return digest_of({"server": self.server, "name": self.name, "arguments": self.arguments})


def read_call(route: Route, server: str | None) -> ToolCall | Rejection:
    """The call that a route carries."""
    params = route.params
    name, arguments = params.get("name"), params.get("arguments", {})
    if not isinstance(name, str) or not name or len(name) > NAME_LIMIT:
        return _bad(route, "the tool's name must be a string")
    if not isinstance(arguments, dict):
        return _bad(route, "arguments must be an object")
    if params.get("inputResponses", {}) != {}:
        return _bad(route, "no input was asked for")
    state = params.get("requestState")
    if state is not None and (not isinstance(state, str) or len(state) > _STATE_LIMIT):
        return _bad(route, "the request state must be a string as it was given")
    if server is None and name == CLAIM:
        ticket = arguments.get("ticket")
        if arguments.keys() != {"ticket"} or not isinstance(ticket, str) or len(ticket) > TICKET_LIMIT:
            return _bad(route, f"{CLAIM} takes one argument, `ticket`, a string")
    assert route.id is not None  # INVARIANT: tools/call is served as a request only
    meta = params.get("_meta")
    token = cast("dict[str, Any]", meta).get("progressToken") if isinstance(meta, dict) else None
    return ToolCall(route.id, route.era, server, name, cast("dict[str, Any]", arguments), token, state)


def check_against_schema(call: ToolCall, head: Head, definition: Mapping[str, Any]) -> Rejection | None:
    """What only the shown definition can tell: argument names that resemble a declared one, and `Mcp-Param-*` headers."""
    schema = definition.get("inputSchema", {})
    declared = schema.get("properties") or {}
    for key in call.arguments:
        if key not in declared and (twin := confusable(key, declared)) is not None:
            text = f"an argument name could be taken for {twin!r}"
            return Rejection(status=400, code=INVALID_PARAMS, message=text, id=call.id)
    if call.era is Era.LEGACY:
        return None
    headed = any(name.startswith(_PARAM_PREFIX) for name in head.headers)
    if not headed and not any(isinstance(p, dict) and (_X_HEADER in p or "properties" in p) for p in declared.values()):
        return None
    verdict = validate_mcp_param_headers(schema, call.arguments, head.headers)
    if verdict is None:
        return None
    return Rejection(status=400, code=verdict.code, message=verdict.message, id=call.id)


def _bad(route: Route, text: str) -> Rejection:
    return Rejection(status=400, code=INVALID_PARAMS, message=text, id=route.id)
