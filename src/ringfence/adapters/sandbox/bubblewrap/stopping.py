"""Holds every process of a pid namespace by signals, where no cgroup can freeze them.

Everything in the namespace descends from its first process: who loses a parent becomes that one's child. A stopped process
starts none, so when a whole reading of the tree finds all of them stopped, there is no other.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from ringfence.errors import UnavailableError

ROUNDS = 200
BETWEEN_S = 0.005
_HELD, _WAITS = frozenset("TtZX"), "D"
"""Whoever waits in the kernel, such as for its vfork, stops before it runs its own code again, once it was told to."""


def tree(first: int) -> dict[int, str]:
    """Every living process below the first, itself included, with its state (proc(5))."""
    children: dict[int, list[int]] = defaultdict(list)
    states: dict[int, str] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            fields = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            states[int(entry.name)] = fields[0]
            children[int(fields[1])].append(int(entry.name))
    found: dict[int, str] = {}
    waiting = [first]
    while waiting:
        pid = waiting.pop()
        if pid in states and pid not in found:
            found[pid] = states[pid]
            waiting.extend(children[pid])
    return found


async def stop(first: int) -> None:
    """Raises UnavailableError where they are not all held after the rounds."""
    told: set[int] = set()
    for _ in range(ROUNDS):
        moving = [pid for pid, state in tree(first).items() if not (state in _HELD or (state == _WAITS and pid in told))]
        if not moving:
            return
        for pid in moving:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        told.update(moving)
        await asyncio.sleep(BETWEEN_S)
    raise UnavailableError("not every process of the box stops", remedy="kill it")


def go_on(first: int) -> None:
    for pid in tree(first):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
