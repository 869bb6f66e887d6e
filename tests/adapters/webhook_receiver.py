"""A real HTTP server that takes webhooks and answers as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Post:
    """One request as it came."""

    headers: Mapping[str, str]
    body: bytes
    path: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers 204, unless `answers` still holds statuses to give first."""

    url: str = ""
    answers: list[int] = field(default_factory=list[int])
    posts: list[Post] = field(default_factory=list[Post])
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.posts.append(Post(headers, await request.read(), request.path))
        self.changed.set()
        status = self.answers.pop(0) if self.answers else 204
        moved = {"location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers=moved)

    async def until(self, count: int) -> list[Post]:
        """The posts once there are so many."""
        while len(self.posts) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.posts


@asynccontextmanager
async def receiving() -> AsyncGenerator[Receiver]:
    """A receiver on a free port of 127.0.0.1."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", receiver.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
