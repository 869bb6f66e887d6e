"""Progress of one call, as its client may see it: its own token, rising values, bounded in number, rate and text.

Source: MCP, utilities/progress.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.adapters.pep.mcp_gateway.foreign import plain
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import Id
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError
from ringfence.ports.clock import Clock


class Progress:
    """Turns reports into notifications. Calling it with a server's report never raises."""

    def __init__(self, token: Id, post: Callable[[bytes], None], clock: Clock, limits: GatewayLimits) -> None:
        self._token = token
        self._post = post
        self._clock = clock
        self._per_s = limits.progress_per_s
        self._allowance = float(limits.progress_per_s)
        self._left = limits.progress_per_call
        self._last = float("-inf")
        self._base = 0.0
        self._seen_at = clock.monotonic()

    def __call__(self, report: Mapping[str, Any]) -> None:
        """A server's report: `progress`, `total`, `message`."""
        value, total, message = _number(report.get("progress")), _number(report.get("total")), report.get("message")
        if value is None:
            return
        shown: dict[str, Any] = {"progress": self._base + value}
        if total is not None:
            shown["total"] = self._base + total
        if isinstance(message, str):
            shown["message"] = plain(message)
        self._notify(shown)

    def waiting(self, message: str) -> None:
        """One more sign of life while a person decides. What the server reports later goes on from here."""
        self._base = max(self._last, 0.0) + 1
        self._notify({"progress": self._base, "message": message})

    def _notify(self, shown: dict[str, Any]) -> None:
        now = self._clock.monotonic()
        self._allowance = min(self._per_s, self._allowance + (now - self._seen_at) * self._per_s)
        self._seen_at = now
        if shown["progress"] <= self._last or self._left <= 0 or self._allowance < 1:
            return
        try:
            params = canonical_bytes({"progressToken": self._token, **shown})
        except RequestError:
            return  # a sum beyond what JSON numbers hold
        self._last = shown["progress"]
        self._left -= 1
        self._allowance -= 1
        self._post(jsonrpc.notification("notifications/progress", params))


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
