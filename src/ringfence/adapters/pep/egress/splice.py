"""Bytes from one socket to another and back, as they are: no copy of them is kept but what the slower side cannot take yet."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

PIECE: Final = 512 * 1024
_ROUNDS: Final = 4
"""Pieces moved before other connections have their turn."""


class Splice:
    """Two sockets joined. Ends when both directions have, when one fails, or when it is cut."""

    def __init__(
        self, box: socket.socket, outside: socket.socket, moved: Callable[[int, int], bool], scratch: bytearray
    ) -> None:
        """`moved`: counts bytes up and down; False ends it at once. `scratch`: `PIECE` bytes, shared by a loop's splices."""
        self._box, self._outside, self._moved = box, outside, moved
        self._scratch = memoryview(scratch)
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[str] = self._loop.create_future()
        self._waiting: dict[socket.socket, bytes] = {}
        """What a socket has not taken yet."""
        self._open = 2
        self.is_idle = False
        """Set by whoever looks now and then; a byte unsets it."""

    async def run(self) -> str:
        """Why it ended: `ended`, `failed`, `budget`, or what it was cut with. The sockets are closed."""
        try:
            if self._outside not in self._waiting:
                self._loop.add_reader(self._box, self._readable, self._box, self._outside, True)
            self._loop.add_reader(self._outside, self._readable, self._outside, self._box, False)
            return await self._done
        except asyncio.CancelledError:
            self._reset()
            raise
        finally:
            for end in (self._box, self._outside):
                self._loop.remove_reader(end)
                self._loop.remove_writer(end)
                end.close()

    def cut(self, why: str) -> None:
        """End it now: both sides are reset, whatever is under way."""
        if not self._done.done():
            self._reset()
            self._done.set_result(why)

    def push(self, data: bytes) -> None:
        """Bytes that the box sent before."""
        if data and self._count(len(data), is_up=True):
            self._send(self._outside, memoryview(data), self._box, True)

    def _reset(self) -> None:
        for end in (self._box, self._outside):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _readable(self, source: socket.socket, target: socket.socket, is_up: bool) -> None:
        for _ in range(_ROUNDS):
            if self._done.done():
                return
            try:
                count = source.recv_into(self._scratch)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.cut("failed")
                return
            if not count:
                self._finish(source, target)
                return
            if not self._count(count, is_up=is_up) or not self._send(target, self._scratch[:count], source, is_up):
                return
            if count < PIECE:
                return

    def _count(self, count: int, *, is_up: bool) -> bool:
        self.is_idle = False
        if self._moved(count if is_up else 0, 0 if is_up else count):
            return True
        self.cut("budget")
        return False

    def _send(self, target: socket.socket, data: memoryview, source: socket.socket, is_up: bool) -> bool:
        """False: it could not take all; its source waits."""
        try:
            sent = target.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.cut("failed")
            return False
        if sent == len(data):
            return True
        self._waiting[target] = bytes(data[sent:])
        self._loop.remove_reader(source)
        self._loop.add_writer(target, self._writable, target, source, is_up)
        return False

    def _writable(self, target: socket.socket, source: socket.socket, is_up: bool) -> None:
        data = self._waiting[target]
        try:
            sent = target.send(data)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.cut("failed")
            return
        self.is_idle = False
        if sent < len(data):
            self._waiting[target] = data[sent:]
            return
        del self._waiting[target]
        self._loop.remove_writer(target)
        if not self._done.done():
            self._loop.add_reader(source, self._readable, source, target, is_up)

    def _finish(self, source: socket.socket, target: socket.socket) -> None:
        """One side has sent its last byte: the other hears so, and may go on sending."""
        self._loop.remove_reader(source)
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut("failed")
            return
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result("ended")
