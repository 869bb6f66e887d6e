"""Removes what boxes of dead supervisors left over: processes that were never let go, cgroups, records.

The kernel ends a box with its supervisor, so what is left is mostly empty cgroups. A supervisor that was killed between the
fork and bubblewrap's own prctl leaves a stopped bubblewrap; its first argument is the box's tag.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.cgroups import BETWEEN_S, ROUNDS, kill_members, removed
from ringfence.adapters.sandbox.bubblewrap.records import Records
from ringfence.adapters.sandbox.names import PREFIX, is_orphan

LARGEST_TAG = 256


async def swept(records: Records) -> int:
    """How many dead boxes were cleared away."""
    for pid in left_over():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    found = 0
    for tag, folders in records.orphans():
        left = [folder for folder in folders if not await _cleared(folder)]
        if not left:
            records.drop(tag)
            found += 1
    return found


def left_over() -> Iterator[int]:
    """Every bubblewrap process whose supervisor is gone."""
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            with Path(entry.path, "cmdline").open("rb") as file:
                first = file.read(LARGEST_TAG).partition(b"\0")[0].decode(errors="replace")
            if first.startswith(PREFIX) and is_orphan(first.removeprefix(PREFIX)):
                yield int(entry.name)


async def _cleared(folder: Path) -> bool:
    for _ in range(ROUNDS):
        if removed(folder):
            return True
        kill_members(folder)
        await asyncio.sleep(BETWEEN_S)
    return False
