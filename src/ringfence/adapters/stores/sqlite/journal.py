"""The writing connection, and what makes a commit durable. Used by the writer's thread alone.

A COMMIT puts a batch into the write-ahead log by `write`, so it survives a kill -9 of this process: *journaled*. It is
*durable*, safe from a power loss, after `fdatasync` on a descriptor of our own for the `-wal` file. That is sound, and the same
as `synchronous=FULL` does, but for a whole group and only when somebody waits (or a little later):

- fdatasync flushes the file, whichever descriptor wrote it, and the size that is needed to read it back;
- frames carry chained checksums: after a power loss SQLite recovers the longest whole prefix, so commit order is kept;
- pages reach the database only in a checkpoint, which at `synchronous=NORMAL` itself syncs the log before and the database
  after, and the log starts over only when that has succeeded;
- Linux reports a failed write-back once to every open description, and ours is open as long as the connection;
- the file is not replaced while a connection is open (its link count is looked at before each sync), and SQLite holds its POSIX
  locks on the database file, which we never open ourselves: closing any descriptor of that one would drop them.

A failed fsync is never tried again: the kernel may have dropped the pages and call the next one a success.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import takewhile

import apsw
import msgspec

from ringfence.adapters.stores.sqlite import sql
from ringfence.adapters.stores.sqlite.batch import parameters
from ringfence.adapters.stores.sqlite.disk import Disk
from ringfence.adapters.stores.sqlite.opening import Opened
from ringfence.adapters.stores.sqlite.pending import Pending
from ringfence.adapters.stores.sqlite.rows import load_state
from ringfence.adapters.stores.sqlite.tiles import tiles_from
from ringfence.core.audit.stem import has_body, stem_of
from ringfence.core.audit.tiles import WIDTH
from ringfence.core.model.identifiers import Millis
from ringfence.core.records.state import State
from ringfence.errors import IntegrityError, UnavailableError

FOLD_STEP = 2048
"""Entries made searchable in one transaction."""
CHECKPOINT_PAGES = 2048
"""Pages in the write-ahead log (8 MiB) from which on they are moved into the database."""

_SYNC_FAILURES = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})


class JournalError(Exception):
    """A write failed. `for_good`: an fsync did, or the evidence is damaged, and only a restart may go on."""

    def __init__(self, why: str, *, for_good: bool) -> None:
        super().__init__(why)
        self.for_good = for_good


class Journal:
    """Every method raises JournalError."""

    def __init__(self, opened: Opened, disk: Disk) -> None:
        self._db = opened.writer
        self._descriptor = opened.journal
        self._disk = disk
        self._pages = 0
        self._checkpoint_at = CHECKPOINT_PAGES
        self._indexed = opened.indexed
        self._tiled = opened.tiled
        self.tree = opened.tree
        self._db.set_wal_hook(self._count_pages)

    @property
    def unfolded(self) -> int:
        """Entries that a query has to read from their leaves, or for which a tile is due."""
        return max(self.tree.size - self._indexed, (self.tree.size // WIDTH - self._tiled) * WIDTH)

    @property
    def is_long(self) -> bool:
        return self._pages >= self._checkpoint_at

    def write(self, batch: Sequence[Pending]) -> None:
        """One transaction."""
        values, tree = parameters(batch, self.tree)
        self._execute(sql.WRITE_BATCH, values)
        self.tree = tree

    def sync(self) -> None:
        """Make every transaction so far durable."""
        try:
            if os.fstat(self._descriptor).st_nlink == 0:
                raise OSError("the write-ahead log was removed")
            self._disk.sync(self._descriptor)
        except OSError as error:
            raise JournalError(f"what was written may not be on the disk: {error}", for_good=True) from error

    def fold(self) -> None:
        """Make some more entries searchable by index, and keep their hashes as tiles."""
        upto = min(self.tree.size, self._indexed + FOLD_STEP)
        if upto > self._indexed:
            self._execute(sql.WRITE_FOLD, (upto,))
            self._indexed = upto
        end = min(self._indexed // WIDTH, self._tiled + FOLD_STEP // WIDTH)
        try:
            for tile in tiles_from(self._db, self._tiled, end):
                self._execute(sql.WRITE_TILE, (tile.level, tile.index, tile.hashes, tile.root))
                self._tiled += tile.level == 0
        except (apsw.Error, UnavailableError) as error:
            raise JournalError(f"the log cannot be read: {error}", for_good=False) from error

    def drop_bodies(self, before: Millis, most: int) -> int:
        """Put stems in the place of entries from before a time; answers how many. In the order of the log: the first entry
        that is not so old ends it."""
        try:
            start: int = self._db.execute(sql.DROPPED).get
            found = self._db.execute(sql.DROPPABLE, (start, most)).get
        except apsw.Error as error:
            raise JournalError(f"the log cannot be read: {error}", for_good=False) from error
        rows = msgspec.json.decode(found, type=list[tuple[int, int, str]])
        old = list(takewhile(lambda row: row[1] < before, rows))
        if not old:
            return 0
        stems = [(seq, stem_of(leaf.encode()).decode()) for seq, _, leaf in old if has_body(leaf.encode())]
        # What a dropped body leaves in the file is overwritten, not only released.
        self._execute(sql.OVERWRITE)
        self._execute(sql.WRITE_DROPS, (msgspec.json.encode(stems).decode(), old[-1][0] + 1))
        self._execute(sql.RELEASE)
        return len(stems)

    def probe(self) -> None:
        """Really write and sync, as much as a large batch takes."""
        self._execute(sql.PROBE)
        self.sync()
        self._execute(sql.PROBE_DONE)

    def read_back(self) -> State:
        """The state as it was last committed."""
        try:
            size: int = self._db.execute(sql.SIZE).get
            state = load_state(self._db)
        except (apsw.Error, IntegrityError) as error:
            raise JournalError(f"the state cannot be read back: {error}", for_good=True) from error
        if size != self.tree.size:
            raise JournalError(f"the log has {size} entries where {self.tree.size} were written", for_good=True)
        return state

    def checkpoint(self) -> None:
        """Move pages into the database, so that the write-ahead log can start over."""
        self._checkpoint_at = self._pages + CHECKPOINT_PAGES
        try:
            _, pages, moved = self._db.execute(sql.MOVE_PAGES).fetchall()[0]
        except apsw.Error as error:
            if _is_sync_failure(error):
                raise JournalError(f"the log cannot be written: {error}", for_good=True) from error
            return  # A database that cannot grow leaves its pages in the write-ahead log, where they are as safe.
        if pages == moved:
            self._pages, self._checkpoint_at = 0, CHECKPOINT_PAGES

    def close(self) -> None:
        """Leave one file behind where possible; what is in the write-ahead log is as safe."""
        try:
            self._db.execute(sql.MOVE_ALL_PAGES).fetchall()
        except apsw.Error as error:
            if _is_sync_failure(error):
                raise JournalError(f"the log cannot be written: {error}", for_good=True) from error
        finally:
            self._db.close()
            os.close(self._descriptor)

    def abandon(self) -> None:
        """Close without another write: after a failed fsync, recovery at the next start finds what is really there."""
        os.close(self._descriptor)
        self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._db.close()

    def _execute(self, statement: str, bindings: tuple[object, ...] = ()) -> None:
        try:
            self._disk.before_write()
            self._db.execute(statement, bindings).fetchall()
        except apsw.Error as error:
            for_good = _is_sync_failure(error) or isinstance(error, apsw.CorruptError | apsw.NotADBError)
            raise JournalError(f"the log cannot be written: {error}", for_good=for_good) from error
        except OSError as error:
            raise JournalError(f"the log cannot be written: {error}", for_good=False) from error

    def _count_pages(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK


def _is_sync_failure(error: apsw.Error) -> bool:
    return getattr(error, "extendedresult", 0) in _SYNC_FAILURES
