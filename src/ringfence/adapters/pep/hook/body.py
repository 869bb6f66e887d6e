"""Reading one event, bounded in size, time, and together with all others."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from ringfence.adapters.pep.hook.asgi import Receive
from ringfence.adapters.pep.hook.settings import HookLimits


@dataclass(frozen=True, slots=True)
class Unread:
    """There is no whole event."""

    why: str


class Room:
    """The memory that events may take: over all together, and for each run."""

    def __init__(self, limits: HookLimits) -> None:
        self._limits = limits
        self._taken = 0
        self._by_run: dict[str, int] = {}

    @contextmanager
    def share(self, run: str) -> Generator[Share]:
        """What one event takes, given back at the end of the block."""
        share = Share(self, run)
        try:
            yield share
        finally:
            self.give_back(run, share.taken)

    def take(self, run: str, size: int) -> bool:
        own = self._by_run.get(run, 0) + size
        if own > self._limits.bodies_bytes_per_run or self._taken + size > self._limits.bodies_bytes:
            return False
        self._by_run[run] = own
        self._taken += size
        return True

    def give_back(self, run: str, size: int) -> None:
        if not size:
            return
        self._taken -= size
        left = self._by_run[run] - size
        if left:
            self._by_run[run] = left
        else:
            del self._by_run[run]


class Share:
    """One event's part."""

    def __init__(self, room: Room, run: str) -> None:
        self._room = room
        self._run = run
        self.taken = 0

    def take(self, size: int) -> bool:
        """Whether so many bytes more may be kept."""
        if not self._room.take(self._run, size):
            return False
        self.taken += size
        return True


async def read_body(receive: Receive, limits: HookLimits, share: Share) -> bytes | Unread:
    """All of it, or why there is not."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return Unread("the client has left")
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    return Unread(f"the event is larger than {limits.body_bytes} bytes")
                if not share.take(len(part)):
                    return Unread("too many large events are under way")
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return Unread("the event was not complete in time")
