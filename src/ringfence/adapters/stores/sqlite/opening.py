"""Opening the files, and the look at the evidence before anything is built on it.

1 library    SQLite has to be free of the bug that loses pages when a log is reset (fixed in 3.51.3)
2 file       0600, opened by SQLite alone: closing any other descriptor of it would drop SQLite's locks
3 schema     migrated, or refused where it is newer
4 pages      `quick_check` while the file is small
5 log        dense from 0, as long as its head says, and its last leaves hash to the head
6 state      every row read strictly, the ledger adds up
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from ringfence.adapters.stores.sqlite import sql
from ringfence.adapters.stores.sqlite.batch import Tree, grown, split_edge
from ringfence.adapters.stores.sqlite.migrations import migrate
from ringfence.adapters.stores.sqlite.rows import load_state
from ringfence.adapters.stores.sqlite.slot import sync_directory
from ringfence.core.records.state import State
from ringfence.errors import ConfigError, IntegrityError, UnavailableError

DATABASE_NAME = "ringfence.db"
OLDEST_SQLITE = (3, 51, 3)
SMALL_FILE = 64 * 1024 * 1024
"""Bytes. Up to this, `quick_check` reads every page at start; above, reading takes seconds and is left to `audit verify`."""

SHORT_LOG = 20_000
"""Entries. Up to this the whole log is hashed at start (30 ms); above, what follows the anchor."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The two connections and what was found."""

    writer: apsw.Connection
    reader: apsw.Connection
    journal: int
    """A descriptor of the write-ahead log, for fdatasync."""
    state: State
    tree: Tree
    indexed: int
    tiled: int
    """Full tiles at level 0."""


def open_files(directory: Path) -> Opened:
    """Open, recover, migrate and check.

    Raises: ConfigError (newer schema, old SQLite), IntegrityError (broken evidence), UnavailableError (the disk says no).
    """
    check_library(apsw.sqlite_lib_version())
    path = directory / DATABASE_NAME
    connections: list[apsw.Connection] = []
    try:
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return _open(path, connections)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        _close(connections)
        raise IntegrityError(f"{path} is damaged: {error}", remedy=_RESTORE) from error
    except (apsw.Error, OSError) as error:
        _close(connections)
        raise UnavailableError(f"cannot open {path}: {error}") from error
    except (ConfigError, IntegrityError):
        _close(connections)
        raise


_RESTORE = "keep the file for the inquiry; restore the state directory from a backup, or start with an empty one"


def check_library(version: str) -> None:
    """Raises ConfigError for a SQLite that can lose committed pages."""
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQLITE:
        needed = ".".join(str(part) for part in OLDEST_SQLITE)
        raise ConfigError(
            f"SQLite {version} can lose committed pages", remedy=f"install an apsw that carries {needed} or later"
        )


def _open(path: Path, connections: list[apsw.Connection]) -> Opened:
    writer = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connections.append(writer)
    writer.set_busy_timeout(2000)
    writer.execute(sql.PREPARE_WRITER).fetchall()
    migrate(writer)
    if path.stat().st_size <= SMALL_FILE and (problem := writer.pragma("quick_check")) != "ok":
        raise IntegrityError(f"{path} is damaged: {problem}", remedy=_RESTORE)
    tree, indexed = check_log(writer)
    state = load_state(writer)
    writer.execute(sql.CREATE_WRITES).fetchall()
    writer.execute(sql.TOUCH).fetchall()
    reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connections.append(reader)
    reader.set_busy_timeout(2000)
    reader.execute(sql.PREPARE_READER).fetchall()
    # Not the database file: see 2. SQLite takes no locks on its write-ahead log, so a descriptor of our own is harmless there.
    journal = os.open(f"{path}-wal", os.O_RDWR)
    try:
        os.fdatasync(journal)
        # With synchronous=NORMAL SQLite would make the log's name durable only at the first checkpoint.
        sync_directory(path.parent)
    except OSError:
        os.close(journal)
        raise
    return Opened(writer, reader, journal, state, tree, indexed, writer.execute(sql.TILED).get)


def check_log(db: apsw.Connection) -> tuple[Tree, int]:
    """The head of the tree and how far the searchable columns reach. Raises IntegrityError where the log is not whole."""
    size, edge, anchor_size, anchor_edge, indexed = _one(db, sql.HEAD)
    count, first, last = _one(db, sql.EXTENT)
    if count != size or (count and (first != 0 or last != size - 1)):
        raise IntegrityError(f"the head speaks of {size} entries, the log has {count}, from {first} to {last}", remedy=_RESTORE)
    facets, last_facet = _one(db, sql.FACETS_EXTENT)
    if facets != indexed or indexed > size or (facets and last_facet != indexed - 1):
        raise IntegrityError(f"the index reaches to {indexed} of {size} entries and has {facets}", remedy=_RESTORE)
    attested = db.execute(sql.CHECKPOINT_SIZE).get
    if attested is not None and attested > size:
        raise IntegrityError(f"a checkpoint speaks of {attested} entries, the log has {size}", remedy=_RESTORE)
    tree = Tree(size, split_edge(edge), anchor_size, split_edge(anchor_edge))
    known = Tree() if size <= SHORT_LOG else Tree(anchor_size, tree.anchor_edge)
    leaves = [leaf for _, leaf in db.execute(sql.LEAVES, (known.size, size))]
    found = grown(known, leaves)
    if (found.size, found.edge) != (tree.size, tree.edge):
        raise IntegrityError("the last entries do not hash to the head of the log", remedy=_RESTORE)
    return tree, indexed


def _one(db: apsw.Connection, statement: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = db.execute(statement).fetchone()
    if row is None:
        raise IntegrityError("the store has no head", remedy=_RESTORE)
    return row


def _close(connections: list[apsw.Connection]) -> None:
    for connection in reversed(connections):
        connection.close()
