"""A gateway in-process before real HTTP servers whose every received byte is kept."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from tests.servers.raw_http import Exchange, RawServer, handshake, raw_server, response, result

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire.mcp import Era
from ringfence.core.model.identifiers import ServerId
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.scenario import ORDERS, ORDERS_TOOLS, PAYMENTS, PAYMENTS_TOOLS
from ringfence.testing.world import World

TOOLS: Mapping[ServerId, tuple[Mapping[str, Any], ...]] = {ORDERS: ORDERS_TOOLS, PAYMENTS: PAYMENTS_TOOLS}
Answer = Callable[[Exchange], Awaitable[None]]


def credential_of(server: str) -> str:
    """The gateway's own credential for a server."""
    return f"Bearer upstream-credential-of-{server}"


@dataclass(frozen=True)
class Wired:
    """The servers by name, and what is in front of them."""

    world: World
    servers: Mapping[ServerId, RawServer]
    app: Any

    async def agent(self, agent: str = "support") -> Agent:
        return Agent(self.app, await self.world.open_run(agent))


async def echo(exchange: Exchange) -> None:
    """A result that says in which session the call came, and with what."""
    text = f"{exchange.header('mcp-session-id')} {json.dumps(exchange.message['params']['arguments'], sort_keys=True)}"
    body = result(exchange, content=[{"type": "text", "text": text}], isError=False)
    exchange.writer.write(response(json.dumps(body).encode()))


@asynccontextmanager
async def wired(era: Era, answer: Answer = echo) -> AsyncGenerator[Wired]:
    """Both servers of the shop, for the length of the block."""

    def answering(server: ServerId) -> Answer:
        async def one(exchange: Exchange) -> None:
            if exchange.message.get("method") == "tools/list":
                exchange.writer.write(response(json.dumps(result(exchange, tools=TOOLS[server])).encode()))
            elif not await handshake(exchange, legacy=era is Era.LEGACY):
                await answer(exchange)

        return one

    async with AsyncExitStack() as stack:
        servers = {server: await stack.enter_async_context(raw_server(answering(server))) for server in TOOLS}
        upstreams = {
            server: HttpUpstream(HttpOptions(url=raw.url, headers={"Authorization": credential_of(server)}))
            for server, raw in servers.items()
        }
        for upstream in upstreams.values():
            stack.push_async_callback(upstream.close)
        world = await World.build(upstreams=cast("Mapping[ServerId, FakeUpstream]", upstreams))
        yield Wired(world, servers, gateway(world))
