"""A7: which credential a server gets follows from the configuration, whoever calls."""

import pytest
from tests.attacks.wired import credential_of, wired

from ringfence.adapters.wire.mcp import Era
from ringfence.testing.scenario import ORDERS, PAYMENTS

pytestmark = pytest.mark.attack("A7")


@pytest.mark.parametrize("era", list(Era))
async def test_no_call_carries_the_credential_of_another_server_or_another_callers_session(era: Era) -> None:
    async with wired(era) as shop:
        one, other = await shop.agent(), await shop.agent("reader")
        for agent in (one, other):
            assert (await agent.modern_call("orders__get", {"order": "A1"}).done()).status == 200
        await shop.world.approve(await shop.world.ask(await shop.world.open_run()))
        assert credential_of(ORDERS).encode() in shop.servers[ORDERS].received
        assert credential_of(PAYMENTS).encode() in shop.servers[PAYMENTS].received
        assert credential_of(PAYMENTS).encode() not in shop.servers[ORDERS].received
        assert credential_of(ORDERS).encode() not in shop.servers[PAYMENTS].received
        calls = [e for e in shop.servers[ORDERS].seen if e.message.get("method") == "tools/call"]
        sessions = [call.header("mcp-session-id") for call in calls]
        assert len(calls) == 2
        assert len(set(sessions)) == (2 if era is Era.LEGACY else 1)
