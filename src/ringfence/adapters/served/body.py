"""Reading a request body, bounded in size, time, and together with all others."""

from __future__ import annotations

import asyncio
from enum import Enum, auto

from ringfence.adapters.served.asgi import Receive
from ringfence.adapters.served.budget import Share


class Unread(Enum):
    """Why there is no whole body."""

    LEFT = auto()
    """The client has gone."""
    TOO_LARGE = auto()
    NO_ROOM = auto()
    """Too many large bodies are under way."""
    LATE = auto()


async def read_body(receive: Receive, share: Share[str], *, most: int, seconds: float) -> bytes | Unread:
    """All of it, in at most so many bytes and seconds."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return Unread.LEFT
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > most:
                    return Unread.TOO_LARGE
                if not share.take(len(part)):
                    return Unread.NO_ROOM
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return Unread.LATE
