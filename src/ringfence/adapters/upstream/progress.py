"""Progress of one call, judged before anybody sees it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from ringfence.adapters.wire.jsonrpc import same_id

MAX_TEXT = 4096
PER_SECOND = 20


class Progress:
    """Passes on the progress of one call: the token is ours, the value rises, at most 20 reports a second.

    Source: MCP 2025-11-25, basic/utilities/progress.
    """

    def __init__(self, token: int, tell: Callable[[Mapping[str, Any]], None], now: Callable[[], float]) -> None:
        self._token = token
        self._tell = tell
        self._now = now
        self._last: float | None = None
        self._window = 0.0
        self._count = 0

    def offer(self, params: Mapping[str, Any]) -> bool:
        """Pass one report on. False: it is not a lawful report of this call, or too soon."""
        value = params.get("progress")
        if not _is_number(value) or not same_id(params.get("progressToken"), self._token):
            return False
        if self._last is not None and value <= self._last:
            return False
        now = self._now()
        if now - self._window >= 1.0:
            self._window, self._count = now, 0
        if self._count >= PER_SECOND:
            return False
        self._count += 1
        self._last = value
        report: dict[str, Any] = {"progress": value}
        if _is_number(total := params.get("total")):
            report["total"] = total
        if isinstance(message := params.get("message"), str):
            report["message"] = message[:MAX_TEXT]
        self._tell(report)
        return True


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
