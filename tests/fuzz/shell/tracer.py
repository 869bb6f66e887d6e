"""Every program that a process and its children execute, by ptrace(2). Runs inside the box: standard library only."""

from __future__ import annotations

import ctypes
import os
import signal
from dataclasses import dataclass, field
from typing import NoReturn

_TRACEME, _CONT, _SETOPTIONS = 0, 7, 0x4200
_FORK, _VFORK, _CLONE, _EXEC, _EXIT_KILL = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 20
_EVENT_EXEC = 4
_WALL = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


@dataclass(slots=True)
class Traced:
    """What came of one command."""

    executed: list[list[str]] = field(default_factory=list[list[str]])
    """Of each execve that succeeded: the file, then the words."""
    timed_out: bool = False


def trace(words: list[str], output: int, environment: dict[str, str], seconds: float) -> Traced:
    """Run `words` and wait for all that it starts; what is left after `seconds` is killed."""
    traced = Traced()

    def end(_signal: int, _frame: object) -> None:
        traced.timed_out = True
        # The box has a process namespace of its own, so this is everything but its first process and this one.
        os.kill(-1, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    pid = os.fork()
    if pid == 0:
        _child(words, output, environment)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        _follow(traced)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return traced


def _child(words: list[str], output: int, environment: dict[str, str]) -> NoReturn:
    try:
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, 64)
        os.setsid()
        _libc.ptrace(_TRACEME, 0, None, None)
        os.execve(words[0], words, environment)
    finally:
        os._exit(127)


def _follow(traced: Traced) -> None:
    known: set[int] = set()
    while True:
        try:
            pid, status = os.waitpid(-1, _WALL)
        except ChildProcessError:
            return
        if not os.WIFSTOPPED(status):
            continue
        deliver = os.WSTOPSIG(status)
        if pid not in known:
            if not known:
                _libc.ptrace(_SETOPTIONS, pid, None, _FORK | _VFORK | _CLONE | _EXEC | _EXIT_KILL)
                _note(traced, pid)
            known.add(pid)
            deliver = 0
        elif status >> 16:
            if status >> 16 == _EVENT_EXEC:
                _note(traced, pid)
            deliver = 0
        elif deliver in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            deliver = 0
        _libc.ptrace(_CONT, pid, None, deliver)


def _note(traced: Traced, pid: int) -> None:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode("utf-8", "replace").split("\0")[:-1]
        traced.executed.append([os.readlink(f"/proc/{pid}/exe"), *words[:40]])
    except OSError:
        # Killed between its stop and now.
        traced.executed.append(["?"])
