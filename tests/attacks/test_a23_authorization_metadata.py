"""A23: where a server sends the gateway to log in, the gateway does not go."""

import asyncio

import pytest
from tests.attacks.wired import wired
from tests.servers.raw_http import Exchange, response

from ringfence.adapters.wire.mcp import Era

pytestmark = pytest.mark.attack("A23")


@pytest.mark.parametrize("era", list(Era))
@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "302 Found", "307 Temporary Redirect"])
async def test_metadata_of_a_server_is_never_fetched_and_never_told(status: str, era: Era) -> None:
    visits = 0

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        writer.close()

    trap = await asyncio.start_server(visited, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}/.well-known/oauth-protected-resource"

    async def refuse(exchange: Exchange) -> None:
        extra = f'www-authenticate: Bearer resource_metadata="{url}"\r\nlocation: {url}\r\nlink: <{url}>; rel="next"\r\n'
        exchange.writer.write(response(b"", status=status, extra=extra))

    async with trap, wired(era, refuse) as shop:
        agent = await shop.agent()
        exchange = await agent.modern_call("orders__get", {"order": "A1"}).done()
        assert exchange.json["result"]["isError"] if "result" in exchange.json else exchange.json["error"]
        assert b"well-known" not in exchange.body
        assert not any(b"well-known" in value for _, value in exchange.headers)
    assert visits == 0
