"""Ending a client with all that it began: an answer to a hook ends no command that is already running."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_EVERY_S: Final = 2.0
_GRACE_S: Final = 5.0


def waited(process: subprocess.Popen[bytes], must_end: Callable[[], bool], every_s: float = _EVERY_S) -> int:
    """A client's exit status. It is ended, with its descendants, when `must_end` says so; asked now and then."""
    while True:
        try:
            return process.wait(every_s)
        except subprocess.TimeoutExpired:
            if must_end():
                return _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> int:
    # Looked for while their parents live: an orphan is nobody's descendant any more.
    below = descendants(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    process.kill()
    for pid, began in {*below, *(found for each, _ in below for found in descendants(each))}:
        if _began(pid) == began:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    return process.wait()


def descendants(of: int) -> set[tuple[int, int]]:
    """Every process below one, with the time at which it began: a number is given again."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        if (fields := _fields(int(entry.name))) is not None:
            parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    wave = {of}
    while wave:
        wave = {pid for pid, parent in parents.items() if parent in wave} - found
        found |= wave
    return {(pid, began) for pid in found if (began := _began(pid)) is not None}


def _began(pid: int) -> int | None:
    fields = _fields(pid)
    return int(fields[19]) if fields is not None else None


def _fields(pid: int) -> list[str] | None:
    """What proc(5) says of a process from its state on; None: there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
