"""Which methods the gateway serves in which era, and what their parameters may be called. Pure.

The SDK's own models read over unknown keys, so the list is kept here. What is not listed is not forwarded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.adapters.wire.mcp import Era
from ringfence.adapters.wire.mcp_names import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
)

META_KEYS: Final = frozenset(
    {
        "progressToken",
        "traceparent",
        "tracestate",
        "baggage",
        PROTOCOL_VERSION_META_KEY,
        CLIENT_CAPABILITIES_META_KEY,
        CLIENT_INFO_META_KEY,
        LOG_LEVEL_META_KEY,
    }
)
"""Keys of `_meta` that mean something; what is taken of others is for `core/mcp/client_meta.py` to say."""


def _params(*names: str) -> frozenset[str]:
    return frozenset({"_meta", *names})


# `task` of a tool call asks for a task where there are some. Here there are none, so it is read over, as the protocol says.
_REQUESTS: Final[Mapping[Era, Mapping[str, frozenset[str]]]] = {
    Era.LEGACY: {
        "initialize": _params("protocolVersion", "capabilities", "clientInfo"),
        "ping": _params(),
        "tools/list": _params("cursor"),
        "tools/call": _params("name", "arguments", "task"),
        "resources/list": _params("cursor"),
        "resources/templates/list": _params("cursor"),
        "resources/read": _params("uri"),
        "resources/subscribe": _params("uri"),
        "resources/unsubscribe": _params("uri"),
        "prompts/list": _params("cursor"),
        "prompts/get": _params("name", "arguments"),
        "completion/complete": _params("ref", "argument", "context"),
        "logging/setLevel": _params("level"),
    },
    Era.MODERN: {
        "server/discover": _params(),
        "tools/list": _params("cursor"),
        "tools/call": _params("name", "arguments", "requestState", "inputResponses", "task"),
        "resources/list": _params("cursor"),
        "resources/templates/list": _params("cursor"),
        "resources/read": _params("uri", "requestState", "inputResponses"),
        "prompts/list": _params("cursor"),
        "prompts/get": _params("name", "arguments", "requestState", "inputResponses"),
        "completion/complete": _params("ref", "argument", "context"),
        "subscriptions/listen": _params("notifications"),
    },
}
_NOTIFICATIONS: Final[Mapping[str, frozenset[str]]] = {
    "notifications/initialized": _params(),
    "notifications/cancelled": _params("requestId", "reason"),
    "notifications/progress": _params("progressToken", "progress", "total", "message"),
    "notifications/roots/list_changed": _params(),
}


def known_params(era: Era, method: str, *, notification: bool) -> frozenset[str] | None:
    """The parameter names of a method; None where the gateway does not serve it."""
    if notification:
        return _NOTIFICATIONS.get(method) if era is Era.LEGACY else None
    return _REQUESTS[era].get(method)
