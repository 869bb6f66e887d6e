"""A program on a terminal of its own, as a person has it before them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.gateway_process import PATIENCE_S

_ROWS, _COLUMNS = 40, 120
_CONTROLS = re.compile(r"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[78=>()][B0]?")


@dataclass(slots=True)
class Terminal:
    """What the program writes, and what somebody types."""

    process: Process
    _fd: int
    _written: bytearray = field(default_factory=bytearray)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        """All that it has written, without what moves the cursor."""
        return _CONTROLS.sub("", bytes(self._written).decode("utf-8", "replace"))

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    async def until(self, shown: str) -> None:
        """Wait for a text."""
        async with asyncio.timeout(PATIENCE_S):
            while shown not in self.text:
                self._changed.clear()
                await self._changed.wait()

    def read(self) -> None:
        with suppress(OSError):
            self._written += os.read(self._fd, 65_536)
        self._changed.set()


@asynccontextmanager
async def on_terminal(command: list[str], folder: Path, environment: Mapping[str, str]) -> AsyncGenerator[Terminal]:
    """Ended with the block."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    loop = asyncio.get_running_loop()
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=dict(environment), start_new_session=True
        )
    finally:
        os.close(theirs)
    terminal = Terminal(process, ours)
    loop.add_reader(ours, terminal.read)
    try:
        yield terminal
    finally:
        loop.remove_reader(ours)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        os.close(ours)
