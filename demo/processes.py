"""Processes that are started, told apart by their id, and always stopped."""

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

READY_S = 60.0
"""How long a process may take until it says that it is ready: a cold disk, a busy machine."""
END_S = 20.0
"""How long a process may take to end by itself; the gateway lets calls under way end first."""


class DemoFault(Exception):
    """The demo itself cannot go on, and why."""


@dataclass
class Processes:
    """What runs now, in the order in which it was started."""

    logs: Path
    running: list[tuple[str, Process]] = field(default_factory=list[tuple[str, Process]])
    drains: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    async def start(self, name: str, command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None) -> str:
        """Start a process; give the line that begins with `ready`. All it prints goes to `logs/NAME.log`.

        Raises:
            DemoFault: It ended first, or took too long.
        """
        log = self.logs / f"{name}.log"
        with log.open("ab") as errors:
            # A session of its own: Ctrl-C is for the demo, which then stops everything in order.
            process = await asyncio.create_subprocess_exec(
                *command, stdout=PIPE, stderr=errors, env={**os.environ, **(environment or {})}, start_new_session=True
            )
        self.running.append((name, process))
        assert process.stdout is not None
        try:
            async with asyncio.timeout(READY_S):
                line = await _line(process.stdout, ready, log)
        except TimeoutError:
            raise DemoFault(f"{name} was not ready within {READY_S:.0f} s; see {log}") from None
        if line is None:
            last = log.read_text("utf-8", "replace").strip().splitlines()[-8:]
            raise DemoFault("\n".join([f"{name} ended at its start with status {await process.wait()}:", *last]))
        self.drains.append(asyncio.create_task(_drain(process.stdout, log)))
        return line

    async def stop(self) -> None:
        """Stop everything that was started, the last first. Returns when all have ended."""
        while self.running:
            name, process = self.running[-1]
            await _end(process)
            self.running.remove((name, process))
        await asyncio.gather(*self.drains)


@asynccontextmanager
async def processes(logs: Path) -> AsyncGenerator[Processes]:
    """Processes that do not outlive the block, however it ends."""
    started = Processes(logs)
    try:
        yield started
    finally:
        # Shielded, so that a second Ctrl-C does not leave half of them behind.
        stopping = asyncio.create_task(started.stop())
        while not stopping.done():
            try:
                await asyncio.shield(stopping)
            except asyncio.CancelledError:
                continue


async def _line(output: asyncio.StreamReader, ready: str, log: Path) -> str | None:
    while line := await output.readline():
        text = line.decode("utf-8", "replace").rstrip()
        _append(log, line)
        if text.startswith(ready):
            return text
    return None


async def _drain(output: asyncio.StreamReader, log: Path) -> None:
    while chunk := await output.read(65_536):
        _append(log, chunk)


def _append(log: Path, chunk: bytes) -> None:
    with log.open("ab") as file:
        file.write(chunk)


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
