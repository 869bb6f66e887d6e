"""A file that one start writes and the next ones read, in a folder that nobody else may write to."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_kept(path: Path) -> bytes | None:
    """What an earlier start wrote; None where there is nothing, or where anybody but this user could have written it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(file, "rb") as opened:
        about = os.fstat(opened.fileno())
        is_ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o022
        return opened.read() if is_ours else None


def write_kept(path: Path, content: bytes) -> None:
    """Whole or not at all. Raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as opened:
        opened.write(content)
    beside.replace(path)
