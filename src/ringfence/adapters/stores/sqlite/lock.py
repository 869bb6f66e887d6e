"""One gateway per state directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from ringfence.errors import UnavailableError

LOCK_NAME = "lock"
_PID_LIMIT = 32
"""Bytes read back from the lock file: a pid and nothing more."""


class StateLock:
    """An exclusive advisory lock (flock) on `DIRECTORY/lock`, with the holder's pid inside.

    The kernel drops it when the process ends, however it ends, so a lock is never stale. The file stays: removing it would let
    two gateways hold two different files of the same name.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises: UnavailableError when another gateway holds it (with its pid) or the directory cannot be written."""
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UnavailableError(f"cannot open {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, _PID_LIMIT, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise UnavailableError(
                f"another gateway (process {holder or 'unknown'}) is using {self._path.parent}",
                remedy="stop it, or give this one its own --state directory",
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise UnavailableError(f"cannot lock {self._path}: {error.strerror}") from error
        self._descriptor = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            # A full disk must not keep a gateway from starting; only the pid in the other one's message is lost.
            return

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> StateLock:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
