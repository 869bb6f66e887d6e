"""From what an agent asked for to one canonical Call, and back to what people and the log may see of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import AgentId, CallId, Digest, RunId, ServerId, ToolId
from ringfence.core.model.tool import Tool
from ringfence.core.strict_json.canonical import canonical_bytes, digest_of

MASKED = "(secret)"
NO_SEAL = Digest("")
ARGUMENTS_IN_ENTRY = 24_000
"""Bytes of arguments that an entry carries in full; longer ones are kept as digest and length."""


def frame(
    call_id: CallId, agent: AgentId, run: RunId, tool: Tool, arguments: Mapping[str, Any], seal: Digest = NO_SEAL
) -> Call:
    """The canonical call of a known tool. A derived tool's fixed arguments win over anything that the agent gave.

    `seal`: of what the call would do, where that is not in its arguments alone; two calls are the same only with the same seal.
    """
    value = {**arguments, **tool.fixed} if tool.fixed else arguments
    return _call(call_id, agent, run, tool.id, tool.server, tool.upstream_name, tool.pin, arguments, value, seal)


def frame_unknown(call_id: CallId, agent: AgentId, run: RunId, name: str, arguments: Mapping[str, Any]) -> Call:
    """A call of something that does not exist: it is decided (denied) and recorded like any other."""
    return _call(call_id, agent, run, ToolId(name[:128]), ServerId(""), "", Digest(""), arguments, arguments)


def _call(
    call_id: CallId,
    agent: AgentId,
    run: RunId,
    tool: ToolId,
    server: ServerId,
    upstream_name: str,
    pin: Digest,
    shown: Mapping[str, Any],
    value: Mapping[str, Any],
    seal: Digest = NO_SEAL,
) -> Call:
    encoded = canonical_bytes(value)
    digest = digest_of(
        {
            "agent": agent,
            "run": run,
            "tool": tool,
            "server": server,
            "upstream_name": upstream_name,
            "pin": pin,
            "arguments": encoded.decode(),
            **({"seal": seal} if seal else {}),
        }
    )
    return Call(
        id=call_id,
        agent=agent,
        run=run,
        tool=tool,
        server=server,
        upstream_name=upstream_name,
        pin=pin,
        arguments=encoded,
        shown=shown,
        value=value,
        digest=digest,
    )


def masked(arguments: Mapping[str, Any], secret: Iterable[str]) -> dict[str, Any]:
    """A copy of the arguments with every secret-marked value replaced, wherever its pointer leads."""
    pointers = tuple(secret)
    if not pointers:
        return dict(arguments)
    result = copy.deepcopy(dict(arguments))
    for pointer in pointers:
        _mask(result, [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]])
    return result


def _mask(value: Any, path: list[str]) -> None:
    head, rest = path[0], path[1:]
    if isinstance(value, dict) and head in value:
        if rest:
            _mask(value[head], rest)
        else:
            value[head] = MASKED
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if head in ("*", str(index)):
                if rest:
                    _mask(item, rest)
                else:
                    value[index] = MASKED


def recorded_arguments(call: Call, secret: Iterable[str]) -> Any:
    """The arguments as an entry holds them: masked, and only as digest and size where they are long."""
    shown = masked(call.value, secret)
    if len(call.arguments) <= ARGUMENTS_IN_ENTRY:
        return shown
    return {"sha256": digest_of(shown), "bytes": len(call.arguments)}
