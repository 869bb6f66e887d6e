"""Sending entries to where a security team looks."""

from collections.abc import Sequence
from typing import Protocol

from ringfence.ports.audit import Record


class Forwarder(Protocol):
    """One receiver. It may get an entry twice, after a failure or a restart; the entry's id tells."""

    @property
    def name(self) -> str:
        """Stable: the position is kept under it. Without credentials."""
        ...

    async def send(self, records: Sequence[Record]) -> None:
        """Hand over entries in order; returns when the receiver has them as far as its protocol can tell.

        Raises UnavailableError: none of them counts as handed over, and the same ones come again.
        """
        ...

    async def close(self) -> None: ...
