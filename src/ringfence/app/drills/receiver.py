"""Where the drill's gateway posts its alerts."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

MOST = 100_000
"""Alerts that are kept."""


@dataclass(slots=True)
class Receiver:
    """What arrived, with the moment (seconds since the epoch)."""

    alerts: list[tuple[float, dict[str, Any]]] = field(default_factory=list[tuple[float, dict[str, Any]]])
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        """One POST of the gateway."""
        if len(self.alerts) < MOST:
            self.alerts.append((time.time(), await request.json()))
        return web.Response(status=204)

    def first(self, run: str, after: float) -> float | None:
        """When the first alert about a run arrived after a moment."""
        return next((at for at, alert in self.alerts if at >= after and alert.get("run") == run), None)


@asynccontextmanager
async def receiving() -> AsyncGenerator[Receiver]:
    """A receiver on a loopback port for the length of the block. Raises: OSError."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield receiver
    finally:
        await runner.cleanup()
