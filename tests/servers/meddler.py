"""Stands between a client and a gateway's hook endpoint, and spoils what comes back as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from tests.servers.gateway_process import PATIENCE_S

Meddling = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]
"""What becomes of a whole answer of the gateway."""


@dataclass(slots=True)
class Meddler:
    """One that is running."""

    url: str = ""
    events: list[str] = field(default_factory=list[str])
    """Names of the events that it has seen."""
    meddling: Meddling | None = None
    """None: everything passes as it is."""
    only: str = "PreToolUse"
    """Of which event the answer is spoilt."""


async def cut_short(request: web.Request, answer: bytes) -> web.StreamResponse:
    """JSON that ends in the middle."""
    return web.Response(body=answer[: len(answer) // 2], content_type="application/json")


async def text(request: web.Request, answer: bytes) -> web.StreamResponse:
    return web.Response(text="all is well")


async def failing(request: web.Request, answer: bytes) -> web.StreamResponse:
    return web.Response(status=500, body=answer, content_type="application/json")


async def elsewhere(request: web.Request, answer: bytes) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/hook")


async def misspelt(request: web.Request, answer: bytes) -> web.StreamResponse:
    return web.Response(body=answer.replace(b'"allow"', b'"ALLOW"'), content_type="application/json")


async def aborted(request: web.Request, answer: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def too_slow(request: web.Request, answer: bytes) -> web.StreamResponse:
    """Longer than any hook waits: until the client has gone."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.Event().wait()
    return web.Response()


@asynccontextmanager
async def meddler(gateway: str) -> AsyncGenerator[Meddler]:
    """One in front of a gateway."""
    it = Meddler()
    async with aiohttp.ClientSession(gateway) as onward:

        async def hook(request: web.Request) -> web.StreamResponse:
            event = await request.json()
            it.events.append(event["hook_event_name"])
            headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
            async with onward.post(request.path, data=await request.read(), headers=headers) as response:
                answer = await response.read()
                if it.meddling is not None and event["hook_event_name"] == it.only:
                    return await it.meddling(request, answer)
                return web.Response(status=response.status, body=answer, content_type="application/json")

        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/{path:.*}", hook)
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield it
        finally:
            await runner.cleanup()
