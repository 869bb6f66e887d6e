"""The parameters of one request that a server executes, checked: a tool call, a read, a prompt, a completion. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint
from ringfence.adapters.pep.mcp_gateway.parse import Head, Route
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.seal import LONGEST
from ringfence.adapters.wire.jsonrpc import Id
from ringfence.adapters.wire.mcp import Era
from ringfence.adapters.wire.mcp_names import HEADER_MISMATCH, INVALID_PARAMS, MCP_PARAM_HEADER_PREFIX, X_MCP_HEADER_KEY
from ringfence.adapters.wire.param_headers import param_mismatch
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE
from ringfence.core.strict_json.canonical import digest_of
from ringfence.core.strict_json.confusable import confusable
from ringfence.engine.request import ToolRequest
from ringfence.ports.upstream import TOOLS_CALL

CLAIM = "ringfence__claim"
"""The gateway's own tool on `/mcp`: executes what was approved."""
EXECUTED: Final = (TOOLS_CALL, READ_RESOURCE, GET_PROMPT, COMPLETE)
"""What servers execute; every other method is answered here."""
NAME_LIMIT = 256
URI_LIMIT = 8192
TICKET_LIMIT = 80
_ANSWERS_LIMIT = 64
_NO_ANSWERS: Final[Mapping[str, Any]] = {}
_PARAM_PREFIX = MCP_PARAM_HEADER_PREFIX.lower()


@dataclass(frozen=True, slots=True)
class ClientCall:
    """What an agent asked for."""

    id: Id
    era: Era
    server: str | None
    """The endpoint's."""
    method: str
    name: str
    """Of the tool or prompt, or the resource's URI, as the endpoint shows it."""
    arguments: Mapping[str, Any]
    """A tool's arguments, or the method's params, as the endpoint shows them."""
    progress_token: Id | None
    state: str | None
    """A sealed state that the client echoes: it has waited before."""
    responses: Mapping[str, Any]
    """Answers to what the server asked, by the server's keys."""
    request: ToolRequest
    """What the engine is asked, in the server's own words."""
    head: Head

    @property
    def is_claim(self) -> bool:
        return self.server is None and self.name == CLAIM and self.method == TOOLS_CALL

    @property
    def is_tool(self) -> bool:
        return self.method == TOOLS_CALL

    def digest(self) -> str:
        """What a sealed state binds to: the same request at the same endpoint."""
        return digest_of({"server": self.server, "method": self.method, "name": self.name, "arguments": self.arguments})


def read_call(route: Route, head: Head) -> ClientCall | Rejection:
    """The call that a route carries."""
    assert route.id is not None  # INVARIANT: what servers execute is served as requests only
    params = route.params
    read = _READERS[route.method](params, Endpoint(head.server))
    if isinstance(read, str):
        return _bad(route, read)
    name, arguments, request = read
    responses: Any = params.get("inputResponses", _NO_ANSWERS)
    if responses is not _NO_ANSWERS and not _are_answers(responses):
        return _bad(route, "inputResponses must be an object of answers, each an object")
    state = params.get("requestState")
    if state is not None and (not isinstance(state, str) or len(state) > LONGEST):
        return _bad(route, "the request state must be a string as it was given")
    meta = params.get("_meta")
    token = cast("dict[str, Any]", meta).get("progressToken") if isinstance(meta, dict) else None
    return ClientCall(
        id=route.id,
        era=route.era,
        server=head.server,
        method=route.method,
        name=name,
        arguments=arguments,
        progress_token=token,
        state=state,
        responses=responses,
        request=request,
        head=head,
    )


def check_against_schema(call: ClientCall, head: Head, definition: Mapping[str, Any]) -> Rejection | None:
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
    if not headed and not any(isinstance(p, dict) and (X_MCP_HEADER_KEY in p or "properties" in p) for p in declared.values()):
        return None
    mismatch = param_mismatch(schema, call.arguments, head.headers)
    return Rejection(status=400, code=HEADER_MISMATCH, message=mismatch, id=call.id) if mismatch is not None else None


# --- per method: shown name, shown arguments, and what the engine is asked; or what is wrong -------------------------

_Read = tuple[str, Mapping[str, Any], ToolRequest] | str


def _tool(params: Mapping[str, Any], endpoint: Endpoint) -> _Read:
    name, arguments = params.get("name"), params.get("arguments", {})
    if not isinstance(name, str) or not name or len(name) > NAME_LIMIT:
        return "the tool's name must be a string"
    if not isinstance(arguments, dict):
        return "arguments must be an object"
    found = cast("dict[str, Any]", arguments)
    if endpoint.server is None and name == CLAIM:
        ticket = found.get("ticket")
        if found.keys() != {"ticket"} or not isinstance(ticket, str) or len(ticket) > TICKET_LIMIT:
            return f"{CLAIM} takes one argument, `ticket`, a string"
    return name, found, ToolRequest(name, found, endpoint.server)


def _resource(params: Mapping[str, Any], endpoint: Endpoint) -> _Read:
    uri = params.get("uri")
    if not isinstance(uri, str) or not is_uri(uri):
        return "uri must be a string"
    server, own = endpoint.own_uri(uri) or (None, uri)
    return uri, {"uri": uri}, ToolRequest(READ_RESOURCE, {"uri": own}, server, READ_RESOURCE)


def _prompt(params: Mapping[str, Any], endpoint: Endpoint) -> _Read:
    name, arguments = params.get("name"), params.get("arguments", {})
    if not isinstance(name, str) or not name or len(name) > NAME_LIMIT:
        return "the prompt's name must be a string"
    if not isinstance(arguments, dict):
        return "arguments must be an object"
    given = {"arguments": cast("dict[str, Any]", arguments)} if "arguments" in params else {}
    server, own = endpoint.own_prompt(name) or (None, name)
    return name, {"name": name, **given}, ToolRequest(GET_PROMPT, {"name": own, **given}, server, GET_PROMPT)


def _completion(params: Mapping[str, Any], endpoint: Endpoint) -> _Read:
    ref = params.get("ref")
    if not isinstance(ref, dict):
        return "ref must be an object"
    shown = cast("dict[str, Any]", ref)
    match shown:
        case {"type": "ref/prompt", "name": str(name)} if 0 < len(name) <= NAME_LIMIT:
            server, own = endpoint.own_prompt(name) or (None, name)
            key = "name"
        case {"type": "ref/resource", "uri": str(name)} if is_uri(name):
            server, own = endpoint.own_uri(name) or (None, name)
            key = "uri"
        case _:
            return "ref must name a prompt or a resource template"
    arguments = {name: value for name, value in params.items() if name in ("argument", "context")}
    request = ToolRequest(COMPLETE, {**arguments, "ref": {**shown, key: own}}, server, COMPLETE)
    return name, {**arguments, "ref": shown}, request


_READERS: Final = {TOOLS_CALL: _tool, READ_RESOURCE: _resource, GET_PROMPT: _prompt, COMPLETE: _completion}


def is_uri(value: object) -> bool:
    """Whether a value can be a resource's URI. Which scheme it has is the server's affair."""
    return isinstance(value, str) and 0 < len(value) <= URI_LIMIT


def _are_answers(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    answers = cast("dict[str, Any]", value)
    return len(answers) <= _ANSWERS_LIMIT and all(isinstance(answer, dict) for answer in answers.values())


def _bad(route: Route, text: str) -> Rejection:
    return Rejection(status=400, code=INVALID_PARAMS, message=text, id=route.id)
