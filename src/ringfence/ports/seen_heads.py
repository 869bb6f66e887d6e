"""What a witness remembers of the logs that it cosigns."""

from typing import Protocol

from ringfence.core.audit.witnessing import Seen


class SeenHeads(Protocol):
    """One head a log, by origin. Raises UnavailableError."""

    async def seen(self, origin: str) -> Seen:
        """The last head; that of the empty log where there is none."""
        ...

    async def swap(self, origin: str, expected: Seen, fresh: Seen) -> bool:
        """Put `fresh` in the place of `expected`, durably; False where something else stands there by now."""
        ...
