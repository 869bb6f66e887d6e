"""Reading a request body, bounded in size, time, and together with all others."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from ringfence.adapters.pep.messages_proxy.asgi import Receive
from ringfence.adapters.pep.messages_proxy.render import TOO_LATE, TOO_MANY, Rendered, unreadable
from ringfence.adapters.pep.messages_proxy.settings import ProxyLimits
from ringfence.core.model.identifiers import RunId


class Room:
    """The memory that bodies may take: over all requests together, and for each run."""

    def __init__(self, limits: ProxyLimits) -> None:
        self._limits = limits
        self._taken = 0
        self._by_run: dict[RunId, int] = {}

    @contextmanager
    def share(self, run: RunId) -> Generator[Share]:
        """What one request takes, given back at the end of the block."""
        share = Share(self, run)
        try:
            yield share
        finally:
            self.give_back(run, share.taken)

    def take(self, run: RunId, size: int) -> bool:
        own = self._by_run.get(run, 0) + size
        if own > self._limits.bodies_bytes_per_run or self._taken + size > self._limits.bodies_bytes:
            return False
        self._by_run[run] = own
        self._taken += size
        return True

    def give_back(self, run: RunId, size: int) -> None:
        if size:
            self._taken -= size
            left = self._by_run[run] - size
            if left:
                self._by_run[run] = left
            else:
                del self._by_run[run]


class Share:
    """One request's part."""

    def __init__(self, room: Room, run: RunId) -> None:
        self._room = room
        self._run = run
        self.taken = 0

    def take(self, size: int) -> bool:
        """Whether so many bytes more may be kept."""
        if not self._room.take(self._run, size):
            return False
        self.taken += size
        return True


async def read_body(receive: Receive, limits: ProxyLimits, share: Share) -> bytes | Rendered | None:
    """The whole body; None where the client left before its end."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    return unreadable(413, f"the body is larger than {limits.body_bytes} bytes")
                if not share.take(len(part)):
                    return TOO_MANY
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return TOO_LATE
