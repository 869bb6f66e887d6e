"""A thousand delegations at once against one real gateway: a tree never grows past its cap, and ends with its root."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.servers.gateway_process import Answer, Clients, GatewayProcess
from tests.servers.swift_shop import swift_shop

SPAWNS = 1000
TREE = 40
TOO_MANY_AT_ONCE = 429
AGENT = f"  alpha: {{purpose: works, tools: ['*'], only_mcp: true, delegate: {{depth: 2, children: 1000, tree: {TREE}}}}}"


@pytest.mark.requirement("I11", "I14")
async def test_a_thousand_spawns_at_once_open_exactly_as_many_runs_as_the_cap_says_and_a_kill_takes_them_all(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(swift_shop(tmp_path))
        config = tmp_path / "ringfence.yaml"
        config.write_text(shop.configuration(AGENT))
        gateway = GatewayProcess(config, tmp_path / "state")
        await gateway.start()
        stack.push_async_callback(gateway.kill)
        async with gateway.people() as ada, gateway.clients() as clients:
            operator = await ada.add_operator("ada", "admin")
            root, credential = await ada.open_run("alpha")
            answers = await asyncio.gather(*(insist(clients, credential, "ringfence__delegate", n) for n in range(SPAWNS)))
            assert Counter(answer.code for answer in answers) == {None: TREE - 1, "limit": SPAWNS - TREE + 1}
            children = [answer.result["structuredContent"]["credential"] for answer in answers if answer.code is None]
            assert len((await ada.done("GET", f"/runs/{root}"))["open_child_runs"]) == TREE - 1
            assert (await clients.call(children[0], "modern__put", {"who": "a", "n": 1})).code is None

        # The count is what is stored, not what one process remembers.
        await gateway.kill()
        await gateway.start()
        async with gateway.people(operator) as ada, gateway.clients() as clients:
            assert (await insist(clients, credential, "ringfence__delegate", 1)).code == "limit"
            assert (await clients.call(children[1], "modern__put", {"who": "a", "n": 2})).code is None
            await ada.done("POST", "/kill", {"scope": {"run": root}, "reason": "enough"})
            codes = [(await clients.call(child, "modern__put", {"who": "a", "n": n})).code for n, child in enumerate(children)]
            assert codes == ["stopped"] * (TREE - 1)
        executed = [call.arguments["n"] for call in shop.executed()]
    assert executed == [1, 2]


async def insist(clients: Clients, credential: str, tool: str, n: int) -> Answer:
    """Call until it is decided: a client that is told to come back does so."""
    while True:
        answer = await clients.call(credential, tool, {"task": f"part {n}"})
        if answer.status != TOO_MANY_AT_ONCE:
            return answer
