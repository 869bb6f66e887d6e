"""Progress of one call, judged before anybody sees it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from ringfence.adapters.upstream.rate import Rate
from ringfence.adapters.wire.jsonrpc import same_id

MAX_TEXT = 4096
PER_SECOND = 20


class Progress:
    """Passes on the progress of one call: the token is ours, the value rises, at most 20 reports a second.

    Source: MCP 2025-11-25, basic/utilities/progress.
    """

    __slots__ = ("_last", "_rate", "_tell", "token")

    def __init__(self, tell: Callable[[Mapping[str, Any]], None], now: Callable[[], float]) -> None:
        self.token: int | None = None
        """Of the request under way: each repetition of a call has another, while the value goes on rising."""
        self._tell = tell
        self._rate = Rate(PER_SECOND, now)
        self._last: float | None = None

    def offer(self, params: Mapping[str, Any]) -> bool:
        """Pass one report on. False: it is not a lawful report of this call, or too soon."""
        value = params.get("progress")
        if not _is_number(value) or not same_id(params.get("progressToken"), self.token):
            return False
        if (self._last is not None and value <= self._last) or not self._rate.allows():
            return False
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
