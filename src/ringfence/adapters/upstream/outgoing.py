"""The request of one call: the decided bytes, spliced in untouched, and what goes around them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from ringfence.adapters.upstream.logs import LEVELS
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.mcp import NO_CAPABILITIES, Era, request_meta
from ringfence.adapters.wire.mcp_names import NAME_BEARING_METHODS
from ringfence.core.mcp.methods import is_method
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import RequestError
from ringfence.ports.upstream import TOOLS_CALL, NotSent, Sending

_OURS = frozenset({"_meta", "inputResponses", "requestState", "task"})
"""Members of params that only the gateway writes."""


@dataclass(slots=True)
class Outgoing:
    """What stays the same however often one call is sent."""

    method: str
    name: str | None
    """For the routing header (MCP 2026-07-28, transports); None where the method has none."""
    start: bytes
    """`params` without their closing brace."""
    capabilities: bytes
    """Declared for this call: a JSON object."""
    log_level: str | None
    meta: bytes = b""
    """Of the client's `_meta` what goes with it: members, each with a leading comma."""

    def line(self, era: Era, identity: int, *, wants_progress: bool, more: bytes = b"") -> bytes:
        """One sending. The progress token is the id; `more` are further members of params, each with a leading comma."""
        token = identity if wants_progress else None
        meta = request_meta(era, token, capabilities=self.capabilities, log_level=self.log_level, more=self.meta)
        if meta is not None:
            more = b'%b,"_meta":%b' % (more, meta)
        if more and self.start == b"{":
            more = more[1:]
        return jsonrpc.request(identity, self.method, b"%b%b}" % (self.start, more))


def outgoing(sending: Sending) -> Outgoing | NotSent:
    """The request of a call, or why it can never be one."""
    capabilities = NO_CAPABILITIES
    level = sending.log_level if sending.on_log is not None and sending.log_level in LEVELS else None
    meta = b""
    try:
        if sending.meta:
            meta = b",%b" % canonical_bytes(dict(sending.meta))[1:-1]
        if sending.capabilities:
            capabilities = canonical_bytes(dict(sending.capabilities))
        if sending.method == TOOLS_CALL:
            start = b'{"name":%b,"arguments":%b' % (_written(sending.tool), sending.arguments)
            return Outgoing(TOOLS_CALL, sending.tool, start, capabilities, level, meta)
        if not is_method(sending.method):
            return NotSent("the method is not one that is forwarded")
        params = parse_strict(sending.arguments)
    except RequestError as error:
        return NotSent(f"the call cannot be written: {error}")
    return _method(sending, params, capabilities, level, meta)


@lru_cache(maxsize=1024)
def _written(tool: str) -> bytes:
    """Its name as JSON: tools are configured, so they are few."""
    return canonical_bytes(tool)


def _method(sending: Sending, params: object, capabilities: bytes, level: str | None, meta: bytes) -> Outgoing | NotSent:
    if not isinstance(params, dict) or not sending.arguments.startswith(b"{") or not sending.arguments.endswith(b"}"):
        return NotSent("the params are not one canonical object")
    members = cast("Mapping[str, Any]", params)
    if not _OURS.isdisjoint(members):
        return NotSent("the params hold a member that belongs to the gateway")
    key = NAME_BEARING_METHODS.get(sending.method)
    name = members.get(key) if key is not None else None
    if key is not None and not isinstance(name, str):
        return NotSent(f"the params have no {key}")
    return Outgoing(sending.method, name, sending.arguments[:-1], capabilities, level, meta)
