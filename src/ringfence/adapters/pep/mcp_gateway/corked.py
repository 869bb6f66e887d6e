"""A transport that sends the head of a response together with what follows it in the same turn of the loop.

uvicorn writes the head and the body of an answer one after the other, and each write is a system call that wakes the client.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

_HEAD: Final = b"HTTP/1."
"""How the head of a response begins. A piece of a body that begins so is held like one, which does no harm."""


class Corked(asyncio.Transport):
    """Everything goes to the transport below: the head of a response with what follows, or at the end of its turn.

    What follows later, as the pieces of a stream do, goes at once.
    """

    def __init__(self, below: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._below = below
        self._loop = loop
        self._held = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._below.write(held + data)
        elif data[:7] == _HEAD:
            self._held = bytes(data)
            self._loop.call_soon(self._uncork)
        elif data:
            self._below.write(data)

    def _uncork(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._below.write(held)

    def close(self) -> None:
        self._uncork()
        self._below.close()

    def abort(self) -> None:
        self._held = b""
        self._below.abort()

    def is_closing(self) -> bool:
        return self._below.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._below.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._below.resume_reading()

    def is_reading(self) -> bool:
        return self._below.is_reading()

    def get_write_buffer_size(self) -> int:
        return self._below.get_write_buffer_size() + len(self._held)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._below.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._below.get_protocol()
