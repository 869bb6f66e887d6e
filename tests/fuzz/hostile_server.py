"""One real HTTP server whose answer to a call is whatever the fuzz says, and the adapter in front of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from tests.fuzz.answers import CLIENT
from tests.servers.raw_http import Exchange, RawServer, handshake, raw_server

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire.mcp import Era
from ringfence.ports.upstream import ClientAnswer, Declined, ServerRequest
from ringfence.testing.contracts.upstream import sending

DEADLINE_S = 0.3
"""Of a call: some answers never end."""


class HostileServer:
    """Answers each call with the bytes that were set, and closes the connection."""

    def __init__(self, server: RawServer, upstream: HttpUpstream) -> None:
        self.answer = b""
        self.calls = 0
        """How many calls reached the server."""
        self.upstream = upstream
        self._server = server

    async def faults(self, answer: bytes) -> list[str]:
        """What went wrong when a call got this answer."""
        self.answer = answer
        self._server.seen.clear()
        self._server.received.clear()
        try:
            await self.upstream.call(
                replace(
                    sending("echo", {"a": 1}, deadline_s=DEADLINE_S, on_progress=_drop),
                    capabilities=CLIENT,
                    on_requests=_decline,
                    log_level="debug",
                    on_log=_drop,
                )
            )
        except Exception as error:  # noqa: BLE001 - whatever leaves the adapter is the finding
            return [f"crash: {error!r}: {answer!r}"]
        return []


def _drop(said: Mapping[str, Any]) -> None:
    del said


async def _decline(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
    return {key: Declined(-1, "no") for key in requests}


@asynccontextmanager
async def hostile_server(era: Era) -> AsyncGenerator[HostileServer]:
    """For the length of the block."""
    found: list[HostileServer] = []

    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=era is Era.LEGACY):
            found[0].calls += 1
            exchange.writer.write(found[0].answer.replace(b'"id": 1', b'"id": %d' % exchange.message["id"]))
            await exchange.writer.drain()
            exchange.writer.close()

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, connect_s=5, cancel_s=0.2))
        found.append(HostileServer(server, upstream))
        try:
            yield found[0]
        finally:
            await upstream.close()
