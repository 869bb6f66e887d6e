"""What an upstream's answer means for the call. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from mcp_types import INTERNAL_ERROR

from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import Era, era_neutral
from ringfence.ports.upstream import Answered, Failed, Reply, Unknown

MAX_TEXT = 4096


def reply_of(message: Result | ErrorAnswer, era: Era) -> Reply:
    """The reply for an answer whose id was already matched.

    A modern result without `resultType` is read as complete (MCP 2026-07-28, basic). Input that a server asks for is not
    granted: the gateway declares no capability for it.
    """
    if isinstance(message, ErrorAnswer):
        return Failed(message.code, message.message[:MAX_TEXT])
    result = message.result
    if era is Era.MODERN:
        kind = result.get("resultType", "complete")
        if kind == "input_required":
            return Failed(INTERNAL_ERROR, "the server asked for more input, which the gateway does not grant")
        if kind != "complete":
            return Unknown("the server answered with a result type that is not known")
    return _complete(era_neutral(result))


def _complete(result: dict[str, Any]) -> Reply:
    """Shape only (MCP, `CallToolResult`); what is inside is data, for the engine to scan."""
    if not isinstance(result.get("isError", False), bool):
        return Unknown("the result's isError is not a boolean")
    content = result.get("content")
    if content is None and "structuredContent" in result:
        result["content"] = content = []
    if not isinstance(content, list) or not all(_is_block(block) for block in cast("list[object]", content)):
        return Unknown("the result's content is not a list of content blocks")
    return Answered(result)


def _is_block(block: object) -> bool:
    return isinstance(block, dict) and isinstance(cast("Mapping[str, Any]", block).get("type"), str)
