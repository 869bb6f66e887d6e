"""How long a server that failed is left alone: twice as long each time, up to a cap, and never by the same beat as others."""

from collections.abc import Callable

from ringfence.ports.entropy import Entropy

Jitter = Callable[[], float]
"""A fraction from 0 up to 1, another one each time."""
_LONGEST_EXPONENT = 32


def no_jitter() -> float:
    return 0.0


def jitter_of(entropy: Entropy) -> Jitter:
    """Fractions from the system's randomness."""
    return lambda: int.from_bytes(entropy.token(4)) / 2**32


class Backoff:
    """The failures of one thing in a row. Seconds; `now` is monotonic."""

    def __init__(
        self, first_s: float, most_s: float, now: Callable[[], float], jitter: Jitter = no_jitter, *, free: int = 0
    ) -> None:
        """The first `free` failures cost no wait."""
        self._first_s = first_s
        self._most_s = most_s
        self._now = now
        self._jitter = jitter
        self._free = free
        self._until = 0.0
        self._since = 0.0
        self.failures = 0
        """Since the last success."""
        self.why = ""
        """The last failure's reason."""

    def failed(self, why: str, *, waits: bool = True) -> None:
        """`waits` False: it is remembered, but trying again costs nothing."""
        now = self._now()
        if not self.failures:
            self._since = now
        self.failures += 1
        self.why = why
        counted = self.failures - self._free
        if waits and counted > 0:
            delay = min(self._most_s, self._first_s * 2 ** min(counted - 1, _LONGEST_EXPONENT))
            # Between half and all of it, so that what failed together does not come back together.
            self._until = now + delay * (1 - self._jitter() / 2)

    def succeeded(self) -> None:
        self.failures, self._until, self.why = 0, 0.0, ""

    @property
    def wait_s(self) -> float:
        """Until the next try; 0: now."""
        return max(0.0, self._until - self._now())

    @property
    def failing_s(self) -> float | None:
        """How long it has been failing; None: it is not."""
        return self._now() - self._since if self.failures else None
