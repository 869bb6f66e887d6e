"""A folder that nobody else may write. It may lie in a place that everybody can write, such as `/tmp`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ringfence.errors import UnavailableError


def private_folder(folder: Path) -> Path:
    """Made where it is not there. Raises UnavailableError where it is somebody else's, or others may write to it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        folder.mkdir(exist_ok=True, mode=0o700)
        found = os.lstat(folder)
    except OSError as error:
        raise UnavailableError(f"{folder} cannot be made: {error.strerror}", remedy="set XDG_RUNTIME_DIR") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise UnavailableError(f"{folder} is not ours alone", remedy=f"remove {folder}, or set XDG_RUNTIME_DIR")
    return folder
