"""SQL text to its statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SqlKind(StrEnum):
    READ = "read"
    WRITE = "write"
    """Rows are added or changed, a bounded number of them as far as the text says."""
    LOSES = "loses"
    """What it takes away does not come back: `DROP`, `TRUNCATE`, and `DELETE` or `UPDATE` of every row."""
    DEFINES = "defines"
    """Tables, indexes, views, settings."""
    GRANTS = "grants"
    """Roles, passwords, permissions."""


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """One statement."""

    kind: SqlKind
    text: str
    """Its kind and objects: `DROP TABLE items`, `SELECT items, stock`, `DELETE FROM stock WHERE`."""
    parts: tuple[str, ...] = ()
    """What it does besides, and to each of its objects alone: a `WITH` may hold several statements, a `DROP` several tables."""
    words: str = ""
    """The words of the whole text, without comments and without what stands in quotes (`''` is a text, `?` a name of several
    words); with its first statement only."""


@dataclass(frozen=True, slots=True)
class NotSql:
    """The text cannot be read, so nobody knows what it would do."""

    why: str
    words: str = ""
    """As those of a statement, as far as it can be told: a database may carry out what stands before a fault."""


class SqlReader(Protocol):
    """A reader of SQL."""

    async def statements(self, text: str, dialect: str) -> Sequence[SqlStatement] | NotSql:
        """Every statement of `text`. `dialect`: `postgres`, `mysql`, `sqlite`, or empty where it is not known. Never raises."""
        ...
