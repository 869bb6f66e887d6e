"""Descriptors that a loop waits on, and files that live in memory only."""

from __future__ import annotations

import asyncio
import os


async def readable(descriptor: int, within_s: float) -> bool:
    """Whether it could be read, or was closed at its other end, within that time."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        loop.remove_reader(descriptor)
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        async with asyncio.timeout(within_s):
            await ready
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


async def read_to_end(descriptor: int, at_most: int, within_s: float) -> bytes:
    """What is written into a pipe until it is closed, or cut at the bounds. Does not close it."""
    os.set_blocking(descriptor, False)
    held = b""
    async with asyncio.timeout(within_s):
        while len(held) < at_most and await readable(descriptor, within_s):
            piece = os.read(descriptor, at_most - len(held))
            if not piece:
                break
            held += piece
    return held


async def gone(pidfd: int) -> None:
    """A pidfd can be read when its process has ended (pidfd_open(2))."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)


def in_memory(name: str, data: bytes) -> int:
    """A descriptor with the content, at its beginning. Whoever asked closes it."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
