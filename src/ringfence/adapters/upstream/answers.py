"""What an upstream's answer means for the call. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import Era, era_neutral
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE
from ringfence.ports.upstream import TOOLS_CALL, Answered, Failed, Reply, ServerRequest, Unknown

MAX_TEXT = 4096
MAX_REQUESTS = 32
"""Requests of one `input_required` result."""
MAX_KEY = 256
MAX_STATE = 65_536
"""Characters of a server's `requestState`: it goes back and forth with every round."""


@dataclass(frozen=True, slots=True)
class InputRequired:
    """The server wants more before it goes on (MCP 2026-07-28, `InputRequiredResult`)."""

    requests: Mapping[str, ServerRequest]
    state: str | None


def reply_of(message: Result | ErrorAnswer, era: Era, method: str = TOOLS_CALL) -> Reply | InputRequired:
    """The reply for an answer whose id was already matched.

    A modern result without `resultType` is read as complete (MCP 2026-07-28, basic).
    """
    if isinstance(message, ErrorAnswer):
        return Failed(message.code, message.message[:MAX_TEXT], message.data)
    result = message.result
    if era is Era.MODERN:
        kind = result.get("resultType", "complete")
        if kind == "input_required" and method != COMPLETE:
            return _input_required(result)
        if kind != "complete":
            return Unknown("the server answered with a result type that is not known")
    complete = era_neutral(result)
    fault = _FAULTS[method](complete)
    return Unknown(f"the result {fault}") if fault else Answered(complete)


def _input_required(result: Mapping[str, Any]) -> InputRequired | Failed | Unknown:
    asked, state = result.get("inputRequests", {}), result.get("requestState")
    if not isinstance(asked, dict) or not (state is None or isinstance(state, str)):
        return Unknown("what the server asks for cannot be read")
    requests: dict[str, ServerRequest] = {}
    for key, value in cast("dict[str, object]", asked).items():
        body = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        method, params = body.get("method"), body.get("params", {})
        if not isinstance(method, str) or not isinstance(params, dict) or len(key) > MAX_KEY:
            return Unknown("what the server asks for cannot be read")
        requests[key] = ServerRequest(method, cast("dict[str, Any]", params))
    if not requests and state is None:
        return Unknown("the server asks for more and does not say for what")
    if len(requests) > MAX_REQUESTS or (state is not None and len(state) > MAX_STATE):
        return Failed(INTERNAL_ERROR, "the server asks for more than it may")
    return InputRequired(requests, state)


def _tool_fault(result: dict[str, Any]) -> str:
    """Shape only (MCP, `CallToolResult`); what is inside is data, for the engine to scan. Empty: none."""
    if not isinstance(result.get("isError", False), bool):
        return "has an isError that is not a boolean"
    content = result.get("content")
    if content is None and "structuredContent" in result:
        result["content"] = content = []
    return "" if _is_list_with(content, "type") else "has content that is not a list of content blocks"


def _resource_fault(result: dict[str, Any]) -> str:
    return "" if _is_list_with(result.get("contents"), "uri") else "has contents that are not a list of resources"


def _prompt_fault(result: dict[str, Any]) -> str:
    return "" if _is_list_with(result.get("messages"), "role") else "has messages that are not a list of messages"


def _completion_fault(result: dict[str, Any]) -> str:
    completion = result.get("completion")
    values = cast("dict[str, Any]", completion).get("values") if isinstance(completion, dict) else None
    is_well = isinstance(values, list) and all(isinstance(value, str) for value in cast("list[object]", values))
    return "" if is_well else "has a completion without a list of values"


_FAULTS = {
    TOOLS_CALL: _tool_fault,
    READ_RESOURCE: _resource_fault,
    GET_PROMPT: _prompt_fault,
    COMPLETE: _completion_fault,
}


def _is_list_with(value: object, key: str) -> bool:
    """Whether it is a list of objects that each have text under a key."""
    return isinstance(value, list) and all(
        isinstance(item, dict) and isinstance(cast("Mapping[str, Any]", item).get(key), str)
        for item in cast("list[object]", value)
    )
