"""A8: nothing of what a client sends besides the decided call reaches a server."""

import pytest
from tests.attacks.wired import credential_of, wired

from ringfence.adapters.wire.mcp import Era
from ringfence.testing.scenario import ORDERS

pytestmark = pytest.mark.attack("A8")
CANARY = "canary-7f3a"


@pytest.mark.parametrize("upstream", list(Era))
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_what_a_server_receives_holds_no_secret_of_the_client(era: str, upstream: Era) -> None:
    async with wired(upstream) as shop:
        agent = await shop.agent()
        headers = {
            name: f"{CANARY}-{name}"
            for name in (
                "cookie",
                "x_api_key",
                "user_agent",
                "x_forwarded_for",
                "proxy_authorization",
                "baggage",
                "x_mcp_header",
            )
        }
        headers |= {"referer": f"http://{CANARY}/", "last_event_id": CANARY, "origin": "http://localhost:6274"}
        meta = {f"{CANARY}/key": CANARY, "baggage": CANARY, "io.modelcontextprotocol/other": CANARY}
        if era == "legacy":
            await agent.initialize()
            ask = agent.legacy
        else:
            ask = agent.modern
        call = {"name": "orders__get", "arguments": {"order": "A1"}, "_meta": meta}
        exchange = await ask("tools/call", call, **headers).done()
        assert exchange.status == 200
        received = bytes(shop.servers[ORDERS].received)
        assert b'"order":"A1"' in received
        assert credential_of(ORDERS).encode() in received
        # A vendor's key in `_meta` is the client's word to the server, and no secret of the connection.
        for foreign in (agent.credential, f"{CANARY}-", f"http://{CANARY}", "localhost:6274", str(agent.session), "baggage"):
            assert foreign.encode() not in received, foreign


async def test_a_servers_session_never_reaches_a_client_and_the_clients_own_is_unguessable() -> None:
    async with wired(Era.LEGACY) as shop:
        agent = await shop.agent()
        opened = await agent.initialize()
        answer = await agent.legacy_call("orders__get", {"order": "A1"}).done()
        (theirs,) = {e.header("mcp-session-id") for e in shop.servers[ORDERS].seen if e.message.get("method") == "tools/call"}
        assert theirs is not None
        for exchange in (opened, answer):
            assert all(theirs.encode() != value for _, value in exchange.headers)
        assert agent.session is not None
        assert len(agent.session) >= 22  # 128 bits in base64
        assert answer.header("mcp-session-id") is None
