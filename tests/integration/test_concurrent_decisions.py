"""Many at once against one real gateway: one outcome for one ticket, and a cap that is never passed."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.servers.gateway_process import Clients, GatewayProcess
from tests.servers.swift_shop import SwiftShop, swift_shop

DECISIONS = 200
OPERATORS = 20
CALLS = 1000
CAP = 100
CHILDREN = 40
TOO_MANY_AT_ONCE = 429
AGENT = "  alpha: {purpose: works in the tests, tools: ['*'], only_mcp: true}"
CAPPED = f"  alpha: {{purpose: works in the tests, tools: ['*'], only_mcp: true, limits: {{calls_per_run: {CAP}}}}}"


def gateway_before(shop: SwiftShop, directory: Path, agents: str) -> GatewayProcess:
    config = directory / "ringfence.yaml"
    config.write_text(shop.configuration(agents))
    return GatewayProcess(config, directory / "state")


@pytest.mark.requirement("I5")
async def test_two_hundred_decisions_at_once_give_one_ticket_exactly_one_outcome(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(swift_shop(tmp_path))
        gateway = await stack.enter_async_context(gateway_before(shop, tmp_path, AGENT).running())
        ada = await stack.enter_async_context(gateway.people())
        clients = await stack.enter_async_context(gateway.clients())
        await ada.add_operator("ada", "admin")
        credentials = [await ada.add_operator(f"op{i}", "approver") for i in range(OPERATORS)]
        people = [await stack.enter_async_context(gateway.people(credential)) for credential in credentials]
        _, credential = await ada.open_run("alpha")
        outcomes: Counter[str] = Counter()
        for n in range(5):
            asked = await clients.call(credential, "modern__pay", {"who": "a", "n": n})
            assert asked.ticket is not None, asked
            ticket = await ada.approval(asked.ticket)
            assert ticket is not None
            decisions = ["approve" if i % 2 else "deny" for i in range(DECISIONS)]
            answers = await asyncio.gather(
                *(person.decide(ticket, word) for person, word in zip(itertools.cycle(people), decisions, strict=False))
            )
            counted = [(word, body) for word, (status, body) in zip(decisions, answers, strict=True) if status == 200]
            assert Counter(status for status, _ in answers) == {200: 1, 409: DECISIONS - 1}
            ((word, counted_as),) = counted
            state = {"approve": "approved", "deny": "denied"}[word]
            after = await ada.approval(asked.ticket)
            assert after is not None
            assert counted_as["state"] == after["state"] == state
            votes = [e for e in await ada.log() if e["kind"] == "approval" and e["body"]["ticket"] == asked.ticket]
            assert [vote["decision"] for vote in votes] == [state]
            # However many claim it at once, an approved ticket is used once and a denied one never.
            claims = await asyncio.gather(
                *(clients.call(credential, "ringfence__claim", {"ticket": asked.ticket}) for _ in range(20))
            )
            assert sum(claim.is_result for claim in claims) == (state == "approved"), claims
            outcomes[state] += 1
        executed = [call for call in shop.executed() if call.tool == "pay"]
    assert len(executed) == outcomes["approved"]


@pytest.mark.requirement("I7")
async def test_a_thousand_calls_at_once_under_a_cap_of_a_hundred_execute_exactly_a_hundred(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(swift_shop(tmp_path))
        gateway = await stack.enter_async_context(gateway_before(shop, tmp_path, CAPPED).running())
        ada = await stack.enter_async_context(gateway.people())
        clients = await stack.enter_async_context(gateway.clients())
        await ada.add_operator("ada", "admin")
        _, credential = await ada.open_run("alpha")
        codes = await asyncio.gather(*(insist(clients, credential, n) for n in range(CALLS)))
        executed = shop.executed()
    assert Counter(codes) == {None: CAP, "limit": CALLS - CAP}
    assert len(executed) == CAP


@pytest.mark.requirement("I7")
async def test_a_thousand_calls_at_once_in_child_runs_pass_the_cap_of_no_run_above_them(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(swift_shop(tmp_path))
        gateway = await stack.enter_async_context(gateway_before(shop, tmp_path, CAPPED).running())
        ada = await stack.enter_async_context(gateway.people())
        clients = await stack.enter_async_context(gateway.clients())
        await ada.add_operator("ada", "admin")
        root, _ = await ada.open_run("alpha")
        children = [(await ada.open_run("alpha", parent=root))[1] for _ in range(CHILDREN)]
        codes = await asyncio.gather(*(insist(clients, children[n % CHILDREN], n) for n in range(CALLS)))
        executed = shop.executed()
        assert (await ada.done("GET", f"/runs/{root}"))["calls_spent"] == CAP
    assert Counter(codes) == {None: CAP, "limit": CALLS - CAP}
    assert len(executed) == CAP


async def insist(clients: Clients, credential: str, n: int) -> str | None:
    """Call until it is decided; None: it was executed. A client that is told to come back does so."""
    while True:
        answer = await clients.call(credential, "modern__put", {"who": "a", "n": n})
        if answer.status != TOO_MANY_AT_ONCE:
            return answer.code
