"""Remembering how far something has come, over restarts."""

from typing import Protocol


class Bookmarks(Protocol):
    """Numbers by name. Raises UnavailableError."""

    async def read(self, name: str) -> int:
        """The number, 0 where there is none yet."""
        ...

    async def write(self, name: str, number: int) -> None:
        """Keep it durably, or the one before."""
        ...
