"""Processes of a drill: started, known by their id, always ended."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from ringfence.errors import UnavailableError

READY_S: Final = 120.0
"""How long a process may take until it says that it is ready: a cold disk, a busy machine, many servers to list."""
END_S: Final = 20.0
CHUNK: Final = 65_536
LAST_WORDS: Final = 2_000
"""Bytes of what a process said before it ended too early."""


@asynccontextmanager
async def running(
    command: Sequence[str], ready: str, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[tuple[Process, str]]:
    """A process for the length of the block, and the line that began with `ready`. What it says to stderr goes to `log`.

    Raises:
        UnavailableError: It ended first, or took too long.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, stderr=errors, env={**os.environ, **(environment or {})}, start_new_session=True
        )
    try:
        line = await _ready(process, ready, log)
        draining = asyncio.create_task(_drain(process))
        try:
            yield process, line
        finally:
            await _end(process)
            await draining
    finally:
        await _end(process)


async def _ready(process: Process, ready: str, log: Path) -> str:
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(READY_S):
            while line := (await process.stdout.readline()).decode("utf-8", "replace"):
                said = (said + line)[-LAST_WORDS:]
                if line.startswith(ready):
                    return line
    except TimeoutError:
        raise UnavailableError(f"a process of the drill was not ready within {READY_S:.0f} s; see {log}") from None
    raise UnavailableError(f"a process of the drill ended at its start:\n{said}{_last_words(log)}".rstrip())


def _last_words(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-LAST_WORDS:]


async def _drain(process: Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(CHUNK):
        pass


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
