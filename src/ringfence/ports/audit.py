"""Reading the log."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.audit.tiles import HEIGHT, WIDTH
from ringfence.core.model.identifiers import Millis
from ringfence.errors import UnavailableError


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


def check_stretch(level: int, start: int, count: int, size: int) -> None:
    """Whether `hashes` can be asked for this in a log of `size` entries. Raises: UnavailableError."""
    end = start + count
    if not 0 <= level < 8 or start < 0 or count < 1 or end << (HEIGHT * level) > size or start // WIDTH != (end - 1) // WIDTH:
        raise UnavailableError(f"the log of {size} entries has no {count} hashes from {start} on at level {level}")


class AuditLog(Protocol):
    """Reads see what is journaled. Raises UnavailableError."""

    async def query(self, query: AuditQuery) -> tuple[Record, ...]: ...

    async def record_at(self, seq: int) -> Record | None: ...

    async def head(self) -> Head: ...

    async def durable_size(self) -> int:
        """How many entries no loss of power can take away any more; waits for what is journaled by now."""
        ...

    def leaves(self, start: int, end: int) -> AsyncIterator[Record]:
        """In order, `start` inclusive, `end` exclusive."""
        ...

    async def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        """The hashes of `count` complete subtrees of 256**level entries each, from number `start` on: at most 256, all of one
        tile (C2SP tlog-tiles). At level 0 these are entries. Also raises: UnavailableError where the log is not so long."""
        ...

    async def drop_bodies(self, before: Millis, most: int) -> int:
        """Drop the bodies of the oldest entries that still have one and are from before a time (`core.audit.stem`).

        Root and proofs stay what they are. In the order of the log: the first entry that is not so old ends it. At most so many
        at a time. Answers how many were dropped; fewer than `most` does not mean that none is left.
        """
        ...

    async def put_checkpoint(self, note: str, size: int) -> None:
        """Keep a signed checkpoint beside the log."""
        ...

    async def checkpoint(self) -> str | None:
        """The newest signed checkpoint."""
        ...
