"""A small SQLite file that several server processes may share."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path


class Database:
    """A file with a schema and seed data, made once.

    Args:
        path: The file; made when it is missing.
        setup: One SQL script that makes the tables and fills them; it runs only on a file that has not had it.
    """

    def __init__(self, path: Path, setup: str) -> None:
        self._path = path
        with self.connect() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                # `executescript` commits first, which would let a second starting process in between.
                for statement in setup.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute("PRAGMA user_version = 1")

    @contextmanager
    def connect(self) -> Generator[sqlite3.Connection]:
        """One connection in one write transaction: committed at the end, rolled back when the block raises.

        A connection for each call, because the calls run on several threads.
        """
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
