"""Files that decide what an agent may do: who can write them, and writing them whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ringfence.errors import ConfigError, UnavailableError

_MOST: Final = 4 << 20
FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755


def read(path: Path) -> bytes | None:
    """A file's bytes; None: there is none.

    Raises:
        ConfigError: It is a link, no ordinary file, or too long.
        UnavailableError: It cannot be read.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{path} is no ordinary file")
            data = file.read(_MOST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise ConfigError(f"{path} is a link", remedy="put the file itself there") from error
        raise UnavailableError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > _MOST:
        raise ConfigError(f"{path} is longer than {_MOST} bytes")
    return data


def write(path: Path, data: bytes, mode: int = FILE_MODE, owner: tuple[int, int] | None = None) -> None:
    """Put a file in its place in one step. `owner`: user and group, where they can be given.

    Raises:
        UnavailableError: The disk or the rights do not let it.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(data)
            file.flush()
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        beside.replace(path)
        sync(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise unwritable(path, error) from error


@contextmanager
def alone(path: Path) -> Generator[None]:
    """Hold a file that only its owner can open, so that no second one does the same at the same time.

    Raises:
        ConfigError: Somebody holds it.
        UnavailableError: It cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"somebody else is writing to {path.parent.parent} right now", remedy="do it again") from error
        yield
    finally:
        os.close(descriptor)


def sync(folder: Path) -> None:
    """Have the disk keep what a folder lists. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> UnavailableError:
    """Why nothing could be written."""
    remedy = "managed settings belong to root: run this with sudo" if isinstance(error, PermissionError) else ""
    return UnavailableError(f"{path} cannot be written: {error.strerror}", remedy=remedy)


def writable_by_others(path: Path, trusted: frozenset[int]) -> str:
    """Who besides users of `trusted` can put something else in the place of `path`, in words; empty: nobody.

    Looks at the path and every folder above it. A folder with the sticky bit lets nobody replace what belongs to another.
    """
    for place in (path, *path.parents):
        try:
            found = place.lstat()
        except OSError:
            continue
        if found.st_uid not in trusted:
            return f"{place} belongs to user {found.st_uid}"
        # What a link leads to is another path, which is asked about by itself.
        if stat.S_ISLNK(found.st_mode) or (found.st_mode & stat.S_ISVTX and place != path):
            continue
        if found.st_mode & 0o022:
            return f"{place} can be written by its group or by everybody"
    return ""
