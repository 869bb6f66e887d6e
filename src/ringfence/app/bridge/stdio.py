"""The process's own stdin and stdout for the bridge: pipes, files and terminals alike.

Threads, because a file or a terminal cannot be watched by every event loop, and a daemon thread never keeps a process alive.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import CancelledError

_CHUNK = 1 << 16
_WAITING = 16
"""Chunks read ahead; then the writer at the other end has to wait."""


class FdSource:
    """Reads a file descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._ended = False
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._pump, name="stdin", daemon=True).start()

    async def read(self, n: int, /) -> bytes:
        """The next chunk, whatever its size; empty at the end."""
        if self._ended:
            return b""
        chunk = await self._chunks.get()
        self._ended = not chunk
        return chunk

    def _pump(self) -> None:
        while True:
            try:
                chunk = os.read(self._fd, _CHUNK)
            except OSError:
                chunk = b""
            putting = self._chunks.put(chunk)
            try:
                asyncio.run_coroutine_threadsafe(putting, self._loop).result()
            except (RuntimeError, CancelledError):
                putting.close()  # the loop has ended
                return
            if not chunk:
                return


class FdSink:
    """Writes to a file descriptor, one whole message at a time."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def write(self, data: bytes, /) -> None:
        await asyncio.to_thread(self._write_all, data)

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
