"""The MCP methods besides `tools/call` that a server executes: each is decided, gated and recorded like a tool.

Their names hold a slash, which no tool name may (MCP 2025-11-25, server/tools), so `docs.resources/read` is unambiguous.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

READ_RESOURCE: Final = "resources/read"
GET_PROMPT: Final = "prompts/get"
COMPLETE: Final = "completion/complete"

_URI = {"type": "string", "maxLength": 8192}
_STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}

_PARAMS: Mapping[str, Mapping[str, Any]] = {
    READ_RESOURCE: {"type": "object", "properties": {"uri": _URI}, "required": ["uri"]},
    GET_PROMPT: {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 256}, "arguments": _STRINGS},
        "required": ["name"],
    },
    COMPLETE: {
        "type": "object",
        "properties": {
            "ref": {"type": "object"},
            "argument": {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "string"}}},
            "context": {"type": "object"},
        },
        "required": ["ref", "argument"],
    },
}

CAPABILITY: Final[Mapping[str, str]] = {READ_RESOURCE: "resources", GET_PROMPT: "prompts", COMPLETE: "completions"}
"""The capability that a server declares when it executes the method."""


def is_method(name: str) -> bool:
    """Whether a tool's own name is one of these methods."""
    return name in _PARAMS


def definitions(capabilities: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The methods that a server with these capabilities executes, as tool definitions."""
    return {
        method: {"name": method, "description": f"The method {method} of the server.", "inputSchema": dict(params)}
        for method, params in _PARAMS.items()
        if CAPABILITY[method] in capabilities
    }
