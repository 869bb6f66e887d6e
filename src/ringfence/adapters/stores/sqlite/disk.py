"""The two moments at which a disk says no, behind a seam so that tests can say it.

Everything else goes through SQLite's own file layer; real faults (a file size limit) are tested there as well.
"""

from __future__ import annotations

import os
from typing import Protocol


class Disk(Protocol):
    """What the writer asks before it writes, and how it makes written bytes durable."""

    def before_write(self) -> None:
        """Called before each transaction. Raises apsw.Error or OSError: the transaction fails with it."""
        ...

    def sync(self, descriptor: int) -> None:
        """Return when the file's data is on stable storage. Raises OSError: nobody knows what is."""
        ...


class RealDisk:
    """The machine's own."""

    def before_write(self) -> None: ...

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)
