"""What a box is called on the host, so that what is left of a dead one is known for what it is.

The tag is `NAME.PID.START.SPACE`: the plan's name, and the process that made the box with the time of its start in clock ticks
(proc(5), field 22), because a number of a process is used again. A number holds in one pid namespace only, so that stands there
too: a box that was made in a container is not for the host to judge, nor the other way round.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ringfence.errors import UnavailableError

PREFIX = "ringfence-box:"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_TAG = re.compile(r"([a-z0-9-]{1,64})\.([0-9]{1,10})\.([0-9]{1,20})\.([0-9]{1,20})")


def tag_of(name: str) -> str:
    """Raises UnavailableError where the name is none."""
    if _NAME.fullmatch(name) is None:
        raise UnavailableError(f"{name!r} is no name of a box", remedy="use a-z, 0-9 and hyphens, 64 characters at most")
    return f"{name}.{os.getpid()}.{started(os.getpid())}.{pid_space()}"


def pid_space() -> int:
    """What the kernel calls our pid namespace."""
    return os.stat("/proc/self/ns/pid").st_ino


def started(pid: int) -> int | None:
    """When the process started; None: there is none, or it has ended and nobody has asked how."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def is_orphan(tag: str) -> bool | None:
    """Whether the process that made the box is gone. None: this is no tag, or one of another pid namespace."""
    match = _TAG.fullmatch(tag)
    if match is None or int(match[4]) != pid_space():
        return None
    return started(int(match[2])) != int(match[3])
