"""What a trial of a client came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How something stands on this machine."""

    HOLDS = "holds"
    """It was tried, and it held."""
    BROKEN = "broken"
    """It was tried, and it did not hold."""
    UNPROVEN = "unproven"
    """It could not be tried."""
    OPEN = "open"
    """No installation closes it; people have to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One."""

    name: str
    standing: Standing
    tried: str
    happened: str
    remedy: str = ""

    @property
    def fails(self) -> bool:
        """Whether the installation cannot be relied on because of it."""
        return self.standing in {Standing.BROKEN, Standing.UNPROVEN}
