"""Log messages of one call, judged before anybody sees them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ringfence.adapters.upstream.rate import Rate
from ringfence.adapters.wire.mcp_names import LOG_LEVELS
from ringfence.core.strict_json.canonical import canonical_bytes

LEVELS: Final[tuple[str, ...]] = LOG_LEVELS
"""From the least severe to the most (RFC 5424, as named by MCP)."""
MAX_DATA = 65_536
"""Bytes of one message, as JSON."""
MAX_NAME = 256
PER_SECOND = 20


class Logs:
    """Passes on what a server logs during one call: as severe as asked for, bounded, at most 20 messages a second.

    Source: MCP 2025-11-25 and 2026-07-28, server/utilities/logging.
    """

    __slots__ = ("_least", "_rate", "_tell")

    def __init__(self, level: str, tell: Callable[[Mapping[str, Any]], None], now: Callable[[], float]) -> None:
        """`level` is one of `LEVELS`."""
        self._least = LEVELS.index(level)
        self._tell = tell
        self._rate = Rate(PER_SECOND, now)

    def offer(self, params: Mapping[str, Any]) -> bool:
        """Pass one message on. False: it was not asked for, cannot be shown, or comes too soon."""
        level = params.get("level")
        if level not in LEVELS or LEVELS.index(level) < self._least or "data" not in params or not self._rate.allows():
            return False
        if len(canonical_bytes(params["data"])) > MAX_DATA:
            return False
        message: dict[str, Any] = {"level": level, "data": params["data"]}
        if isinstance(name := params.get("logger"), str):
            message["logger"] = name[:MAX_NAME]
        self._tell(message)
        return True
