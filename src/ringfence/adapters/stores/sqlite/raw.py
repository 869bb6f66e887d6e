"""The log of a store that nobody has opened, as it lies there: for verifying what a gateway would refuse to build on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw

from ringfence.adapters.stores.sqlite import sql
from ringfence.adapters.stores.sqlite.opening import DATABASE_NAME
from ringfence.errors import UnavailableError


def raw_log(directory: Path) -> tuple[Iterator[bytes], str | None]:
    """The leaves in the order of their places, and the newest checkpoint. Raises: UnavailableError, also while reading."""
    path = directory / DATABASE_NAME
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        db.execute(sql.PREPARE_READER).fetchall()
        note: str | None = db.execute(sql.CHECKPOINT).get
    except apsw.Error as error:
        raise UnavailableError(f"{path} cannot be read: {error}") from error
    return _leaves(db), note


def _leaves(db: apsw.Connection) -> Iterator[bytes]:
    try:
        for (leaf,) in db.execute(sql.EVERY_LEAF):
            yield bytes(leaf)
    except apsw.Error as error:
        raise UnavailableError(f"the log cannot be read: {error}") from error
    finally:
        db.close()
