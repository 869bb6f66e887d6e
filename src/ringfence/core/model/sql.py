"""SQL in the arguments of a server's tool, as it was read before the decision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlText:
    """One text of a call that is SQL, or may be."""

    argument: str
    """The argument that it stands in, or below."""
    is_expected: bool = True
    """Its name or its role says that it is SQL. Otherwise it only reads as such: a title may be `Drop table support`."""
    statements: tuple[str, ...] = ()
    """What it does by kind and objects (`DROP TABLE items`), in every way that databases may read it."""
    words: tuple[str, ...] = ()
    """The words of its statements: no comments, nothing of what stands in quotes."""
    begun: tuple[str, ...] = ()
    """The words as they are where a reading came to a fault: a database may have carried out what stands before it."""
    unread: str = ""
    """Why nobody can say what it does; empty: somebody can."""
    is_doubtful: bool = False
    """Nobody can say, and it surely is SQL."""
    text: str = ""
    """As it was given, where it has readings that nobody made: then what may be a statement counts as one."""
