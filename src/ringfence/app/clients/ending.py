"""Ending a client with all that it began: an answer to a hook ends no command that is already running."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_EVERY_S: Final = 2.0
_GRACE_S: Final = 5.0
_ROUNDS: Final = 1000
_SET_CHILD_SUBREAPER: Final = 36
"""prctl(2), of Linux."""


def waited(start: Callable[[], subprocess.Popen[bytes]], must_end: Callable[[], bool], every_s: float = _EVERY_S) -> int:
    """A client's exit status. It is ended, with its descendants, when `must_end` says so, or fails; asked now and then.

    Raises: OSError where it cannot be started.
    """
    with _adopting():
        others = descendants(os.getpid())
        process = start()
        try:
            while True:
                try:
                    return process.wait(every_s)
                except subprocess.TimeoutExpired:
                    _reap(others, process.pid)
                    if must_end():
                        return _ended(process, others)
        except BaseException:
            # Nobody would look after it any more.
            _ended(process, others)
            raise


@contextmanager
def _adopting() -> Generator[None]:
    """Be given every descendant whose parents end, however it detached itself: else it is nobody's to find any more."""
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is not None:
        prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        if prctl is not None:
            prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _reap(others: set[tuple[int, int]], client: int) -> None:
    """Take note of the ends of those that were given to us: nobody else does. The client is waited for by its own object."""
    for pid, began in descendants(os.getpid()) - others:
        fields = _fields(pid)
        if pid != client and fields is not None and fields[0] == "Z" and int(fields[1]) == os.getpid() and _began(pid) == began:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _ended(process: subprocess.Popen[bytes], others: set[tuple[int, int]]) -> int:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    process.kill()
    code = process.wait()
    # One that starts another while it is ended leaves that to us.
    for _ in range(_ROUNDS):
        left = {(pid, began) for pid, began in descendants(os.getpid()) - others if _lives(pid)}
        for pid, began in left:
            if _began(pid) == began:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        if not left:
            break
    _reap(others, process.pid)
    return code


def _lives(pid: int) -> bool:
    fields = _fields(pid)
    return fields is not None and fields[0] != "Z"


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
