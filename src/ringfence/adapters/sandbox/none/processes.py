"""The processes that can still be found of a command that runs without a box.

Without a pid namespace nothing holds them together: one that leaves the session and whose parents have ended is not found.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from ringfence.errors import UnavailableError

ROUNDS = 400
BETWEEN_S = 0.005


def members(first: int) -> dict[int, str]:
    """Every living process below the first or in its session, with its state (proc(5))."""
    children: dict[int, list[int]] = defaultdict(list)
    states: dict[int, str] = {}
    waiting = [first]
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with suppress(OSError):
                fields = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                pid = int(entry.name)
                states[pid] = fields[0]
                children[int(fields[1])].append(pid)
                if int(fields[3]) == first:
                    waiting.append(pid)
    found: dict[int, str] = {}
    while waiting:
        pid = waiting.pop()
        if states.get(pid, "X") not in "ZX" and pid not in found:
            found[pid] = states[pid]
            waiting.extend(children[pid])
    return found


async def held(first: int) -> None:
    """Until the first has stopped itself, or has ended. Raises UnavailableError where it does neither."""
    for _ in range(ROUNDS):
        if members(first).get(first, "T") in "Tt":
            return
        await asyncio.sleep(BETWEEN_S)
    raise UnavailableError("the command does not wait for its start")


async def ended(first: int) -> None:
    """Kill them until none is found. Raises UnavailableError where some do not die."""
    await _signalled(first, signal.SIGKILL, "")


async def stopped(first: int) -> None:
    """Stop them until all are. Raises UnavailableError where some do not."""
    await _signalled(first, signal.SIGSTOP, "Tt")


def go_on(first: int) -> None:
    for pid in members(first):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGCONT)


async def _signalled(first: int, kind: signal.Signals, wanted: str) -> None:
    for _ in range(ROUNDS):
        left = [pid for pid, state in members(first).items() if state not in wanted]
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, kind)
        await asyncio.sleep(BETWEEN_S)
    raise UnavailableError("not every process of the command can be held", remedy="end them by hand")
