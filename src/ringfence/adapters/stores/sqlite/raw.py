"""A store that nobody has opened, as it lies there: its runs, and its log, which a gateway might refuse to build on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw

from ringfence.adapters.stores.sqlite import sql
from ringfence.adapters.stores.sqlite.opening import DATABASE_NAME
from ringfence.adapters.stores.sqlite.rows import load_runs
from ringfence.core.model.run import Credential, Run
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


def raw_runs(directory: Path) -> list[tuple[Run, list[Credential]]]:
    """Every run that is known, each with its credentials. Raises: UnavailableError, IntegrityError."""
    path = directory / DATABASE_NAME
    if not path.exists():
        return []
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            db.execute(sql.PREPARE_READER).fetchall()
            return load_runs(db)
        finally:
            db.close()
    except apsw.Error as error:
        raise UnavailableError(f"{path} cannot be read: {error}") from error


def _leaves(db: apsw.Connection) -> Iterator[bytes]:
    try:
        for (leaf,) in db.execute(sql.EVERY_LEAF):
            yield bytes(leaf)
    except apsw.Error as error:
        raise UnavailableError(f"the log cannot be read: {error}") from error
    finally:
        db.close()
