"""Time, read once a call."""

from typing import Protocol

from ringfence.core.model.identifiers import Millis


class Clock(Protocol):
    """Wall time for records and expiry, monotonic time for waiting."""

    def now(self) -> Millis:
        """Milliseconds since the Unix epoch. Never goes back while the process lives."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, unaffected by wall clock changes."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...
