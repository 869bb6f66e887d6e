"""A bridge as its client sees it: in the same process, between a reader and a queue."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from ringfence.app.bridge.bridge import bridge


class Lines:
    """Where the bridge's answers go."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(self, data: bytes, /) -> None:
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1
        await self.queue.put(data)


class Bridged:
    """A bridge as its client sees it."""

    def __init__(
        self, socket: Path, *, agent: str = "support", server: str | None = None, renew_at: float = 0.4, back_off_s: float = 1.0
    ) -> None:
        self.stdin = asyncio.StreamReader()
        self.lines = Lines()
        self.errors: list[str] = []
        self.task = asyncio.create_task(
            bridge(
                socket=socket,
                agent=agent,
                task="tidy up",
                server=server,
                stdin=self.stdin,
                stdout=self.lines,
                stderr=self.errors.append,
                renew_at=renew_at,
                back_off_s=back_off_s,
            )
        )

    def send(self, line: bytes) -> None:
        self.stdin.feed_data(line + b"\n")

    async def answer(self) -> Any:
        return json.loads(await self.lines.queue.get())

    async def end(self) -> int:
        self.stdin.feed_eof()
        return await self.task

    @asynccontextmanager
    async def transport(self) -> AsyncGenerator[Any]:
        """The streams that `mcp.Client` wants."""
        to_client, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write_stream, from_client = anyio.create_memory_object_stream[SessionMessage](0)

        async def outward() -> None:
            async for item in from_client:
                self.send(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode())

        async def inward() -> None:
            while True:
                line = await self.lines.queue.get()
                await to_client.send(SessionMessage(jsonrpc_message_adapter.validate_json(line)))

        async with to_client, read_stream, write_stream, from_client:
            helpers = [asyncio.create_task(outward()), asyncio.create_task(inward())]
            try:
                yield read_stream, write_stream
            finally:
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
