"""How often something may be passed on."""

from collections.abc import Callable


class Rate:
    """At most `most` in each second, counted from the first of them. `now` is in seconds."""

    __slots__ = ("_count", "_most", "_now", "_start")

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most = most
        self._now = now
        self._start = float("-inf")
        self._count = 0

    def allows(self) -> bool:
        """Count one more. False: it is one too many."""
        now = self._now()
        if now - self._start >= 1.0:
            self._start, self._count = now, 0
        self._count += 1
        return self._count <= self._most

    @property
    def opens_at(self) -> float:
        """When the next second begins."""
        return self._start + 1.0
