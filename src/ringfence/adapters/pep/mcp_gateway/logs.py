"""Log messages of one call, as its client may see them: only if asked for, from the level asked for, bounded.

Source: MCP, server/utilities/logging (levels of RFC 5424).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.adapters.pep.mcp_gateway.foreign import plain
from ringfence.adapters.pep.mcp_gateway.log_levels import LEVELS
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.wire import jsonrpc
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError


class Logs:
    """Turns a server's messages into notifications. Calling it never raises."""

    def __init__(self, level: str, server: str, post: Callable[[bytes], None], limits: GatewayLimits) -> None:
        """`server` goes before the logger's name where several servers share one stream; empty: it does not."""
        self._least = LEVELS.index(level)
        self._server = server
        self._post = post
        self._bytes = limits.log_bytes
        self._left = limits.logs_per_call

    def __call__(self, message: Mapping[str, Any]) -> None:
        """A server's `notifications/message`: `level`, `logger`, `data`."""
        level, name = message.get("level"), message.get("logger")
        if not isinstance(level, str) or level not in LEVELS or LEVELS.index(level) < self._least or self._left <= 0:
            return
        shown: dict[str, Any] = {"level": level, "data": message.get("data")}
        parts = [part for part in (self._server, plain(name) if isinstance(name, str) else "") if part]
        if parts:
            shown["logger"] = "/".join(parts)
        try:
            params = canonical_bytes(shown)
        except RequestError:
            return
        if len(params) > self._bytes:
            params = canonical_bytes({**shown, "data": f"(left out: more than {self._bytes} bytes)"})
        self._left -= 1
        self._post(jsonrpc.notification("notifications/message", params))
