"""Messages both ways over a unix socket: one JSON object a line, with descriptors beside it (unix(7), SCM_RIGHTS).

Both ends are programs of ours under one user; a message that cannot be read ends the line all the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from ringfence.errors import UnavailableError

MOST_BYTES: Final = 256 * 1024
"""Of one message."""
_MOST_DESCRIPTORS: Final = 4


class Channel:
    """One end of a line. Descriptors that come in are the caller's to close; whatever is left is closed with the line."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._buffer = bytearray()
        self._descriptors: deque[int] = deque()

    async def send(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Send one message. Raises UnavailableError where the other end is gone."""
        data = json.dumps(message).encode() + b"\n"
        given = list(descriptors)
        while data:
            try:
                sent = socket.send_fds(self._socket, [data], given)
            except BlockingIOError:
                await self._ready(write=True)
            except OSError as error:
                raise UnavailableError(f"the other end of the line is gone: {error.strerror}") from error
            else:
                data, given = data[sent:], []

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None: the other end is gone. Raises UnavailableError for what is no message."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MOST_BYTES:
                raise UnavailableError("a message on the line of a box is too long")
            try:
                data, descriptors, _, _ = socket.recv_fds(self._socket, 65_536, _MOST_DESCRIPTORS)
            except BlockingIOError:
                await self._ready(write=False)
                continue
            except OSError:
                return None
            self._descriptors.extend(descriptors)
            if not data:
                return None
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message: Any = json.loads(line)
        except ValueError as error:
            raise UnavailableError("a message on the line of a box is no JSON") from error
        if not isinstance(message, dict):
            raise UnavailableError("a message on the line of a box is no object")
        return cast("dict[str, Any]", message)

    def descriptor(self) -> int | None:
        """The next descriptor that came in."""
        return self._descriptors.popleft() if self._descriptors else None

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popleft())
        self._socket.close()

    async def _ready(self, *, write: bool) -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
        add(self._socket.fileno(), ready.set)
        try:
            await ready.wait()
        finally:
            remove(self._socket.fileno())
