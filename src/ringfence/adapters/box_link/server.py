"""The gateway's end: who may call is whoever may open the socket, and is the gateway's own user or root."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

from ringfence.adapters.box_link.channel import Channel
from ringfence.errors import UnavailableError

logger = logging.getLogger(__name__)

MOST_LINES: Final = 1024
_UCRED = struct.Struct("3i")

Handle = Callable[[Channel], Awaitable[None]]
"""Serves one line until it ends."""


async def serve_lines(listening: socket.socket, handle: Handle) -> None:
    """Accept lines until cancelled; those that are open then are cancelled too."""
    listening.setblocking(False)
    loop = asyncio.get_running_loop()
    lines: set[asyncio.Task[None]] = set()
    try:
        while True:
            connection, _ = await loop.sock_accept(listening)
            if not _is_one_of_us(connection) or len(lines) >= MOST_LINES:
                connection.close()
                continue
            line = asyncio.create_task(_one(Channel(connection), handle))
            lines.add(line)
            line.add_done_callback(lines.discard)
    finally:
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        listening.close()


async def _one(channel: Channel, handle: Handle) -> None:
    try:
        await handle(channel)
    except UnavailableError as error:
        logger.warning("the line of a box has ended: %s", error)
    finally:
        channel.close()


def _is_one_of_us(connection: socket.socket) -> bool:
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return _UCRED.unpack(raw)[1] in (0, os.getuid())


async def call(path: str) -> Channel:
    """The supervisor's end. Raises UnavailableError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, path)
    except OSError as error:
        connection.close()
        raise UnavailableError(
            f"no gateway answers at {path}: {error.strerror}", remedy="start one with `ringfence up`, or name its --state"
        ) from error
    return Channel(connection)
