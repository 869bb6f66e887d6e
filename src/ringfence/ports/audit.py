"""Reading the log."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.model.identifiers import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """All filters given must hold. Times are inclusive from, exclusive to."""

    agent: str | None = None
    run: str | None = None
    tool: str | None = None
    call: str | None = None
    kind: str | None = None
    decision: str | None = None
    since: Millis | None = None
    until: Millis | None = None
    text: str | None = None
    """A substring of the entry's canonical text, case-insensitive."""
    before: int | None = None
    """Cursor: only entries with a smaller seq."""
    limit: int = 100
    """At most 1000."""
    oldest_first: bool = False
    """With this, `before` is read as `after`: only entries with a larger seq."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as it lies in the log."""

    seq: int
    leaf: bytes

    @property
    def id(self) -> str:
        return f"e{self.seq}"


@dataclass(frozen=True, slots=True)
class Head:
    """The tree as it stands: size, and one hash per set bit of the size, largest subtree first."""

    size: int
    edge: tuple[bytes, ...]


class AuditLog(Protocol):
    """Reads see what is journaled. Raises UnavailableError."""

    async def query(self, query: AuditQuery) -> tuple[Record, ...]: ...

    async def record_at(self, seq: int) -> Record | None: ...

    async def head(self) -> Head: ...

    def leaves(self, start: int, end: int) -> AsyncIterator[Record]:
        """In order, `start` inclusive, `end` exclusive."""
        ...

    async def put_checkpoint(self, note: str, size: int) -> None:
        """Keep a signed checkpoint beside the log."""
        ...

    async def checkpoint(self) -> str | None:
        """The newest signed checkpoint."""
        ...
