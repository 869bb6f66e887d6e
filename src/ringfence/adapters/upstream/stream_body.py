"""A guarded body as aiohttp takes it, for the streams that stay open."""

from typing import cast

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter

from ringfence.adapters.upstream.guarded_body import GuardedBody


class StreamBody(aiohttp.Payload):
    """Asks its guard right before aiohttp's one synchronous step.

    aiohttp keeps the request's headers in its writer until the first piece of the body comes, and hands both to the transport
    together (`StreamWriter.write`, with no trace hooks and no compression configured). It never repeats a POST.
    """

    def __init__(self, guarded: GuardedBody) -> None:
        super().__init__(b"", content_type="application/json")
        self._guarded = guarded
        self._size = len(guarded)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a guarded body is written, never read")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Raises OSError where nothing may or can be written; nothing was written then."""
        stream = cast(StreamWriter, writer)
        pieces: list[bytes] = []
        self._guarded.hand_over(stream.transport, pieces.append)
        # With one piece and no back-pressure behind it, nothing is awaited before it is in the transport.
        await stream.write(pieces[0])
