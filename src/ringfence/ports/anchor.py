"""Keeping signed heads of the log where they outlive it."""

from typing import Protocol

from ringfence.core.audit.checkpoint import Checkpoint


class Anchor(Protocol):
    """One place. A newer head makes an older one unnecessary, so a failure loses nothing that the next one does not mend."""

    @property
    def name(self) -> str:
        """For people: what kind of place and where, without credentials."""
        ...

    async def keep(self, note: str, checkpoint: Checkpoint) -> None:
        """Keep a signed head. Keeping the same one again is harmless. Raises UnavailableError."""
        ...

    async def close(self) -> None: ...
