"""Reading files that others may have written: regular ones only, of a bounded size, without waiting."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 8 << 20


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes | str:
    """The content, or why there is none, as text. An absent file is `no such file`."""
    try:
        # Non-blocking: a FIFO in its place must not hang the reader.
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return "not a regular file"
            data = file.read(most + 1)
    except FileNotFoundError:
        return ABSENT
    except (OSError, ValueError) as error:
        return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "unreadable"
    return data if len(data) <= most else f"larger than {most} bytes"


ABSENT: Final = "no such file"
