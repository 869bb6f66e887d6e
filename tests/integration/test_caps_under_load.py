"""Caps on real processes: a thousand calls at once, SIGKILL in the middle, and once more after the restart.

The judge is the upstream's own log, never ours.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.servers.gateway_process import PATIENCE_S, Clients, GatewayProcess, People
from tests.servers.swift_shop import SwiftShop, swift_shop

CALLS = 1000
RUNS = 32
"""So many that no run has more calls under way than the data plane lets one have."""
PER_RUN = 12
SUM = 500
TARGETS = 40
LIMITS = (
    f"limits: {{sums: [{{of: /n, cap: {SUM}, per: day}}], distinct: [{{of: /who, most: {TARGETS}, per: day}}], concurrent: 40}}"
)
AGENT = f"  alpha: {{purpose: works in the tests, tools: ['*'], only_mcp: true, limits: {{calls_per_run: {PER_RUN}}}}}"


def started(shop: SwiftShop, directory: Path) -> GatewayProcess:
    config = directory / "ringfence.yaml"
    text = shop.configuration(AGENT)
    assert text.count("  modern.put: {") == 1
    config.write_text(text.replace("  modern.put: {", f"  modern.put: {{{LIMITS}, "))
    return GatewayProcess(config, directory / "state")


async def wave(clients: Clients, runs: list[tuple[str, str]], shift: int, some: asyncio.Event | None = None) -> Counter[str]:
    """So many calls at once, over all runs, of all amounts and targets; what they were told. `some`: one has a result."""

    async def one(number: int) -> str:
        run = number % RUNS
        arguments = {"who": f"{run}/{number // RUNS % 2}", "n": 1 + number % 3}
        try:
            answer = await clients.call(runs[run][1], "modern__put", arguments)
        except (aiohttp.ClientError, OSError):
            return "no answer"
        if answer.is_result and some is not None:
            some.set()
        return "result" if answer.is_result else str(answer.code)

    return Counter(await asyncio.gather(*(one(number + shift) for number in range(CALLS))))


def judge(shop: SwiftShop) -> tuple[Counter[str], int, int]:
    """Executed calls of each run, the sum of their amounts, and their different targets."""
    executed = [call.arguments for call in shop.executed() if call.tool == "put"]
    per_run = Counter(str(arguments["who"]).partition("/")[0] for arguments in executed)
    return per_run, sum(arguments["n"] for arguments in executed), len({arguments["who"] for arguments in executed})


async def meters(ada: People, run: str) -> dict[str, dict[str, Any]]:
    return {meter["meter"]: meter for meter in (await ada.done("GET", f"/budget?run={run}"))["meters"]}


@pytest.mark.requirement("I7", "I14")
async def test_caps_hold_over_a_thousand_calls_at_once_a_kill_and_a_restart(tmp_path: Path) -> None:
    async with swift_shop(tmp_path) as shop:
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada, gateway.clients() as clients:
            await ada.add_operator("ada", "admin")
            runs = [await ada.open_run("alpha") for _ in range(RUNS)]
            some = asyncio.Event()
            first = asyncio.create_task(wave(clients, runs, 0, some))
            async with asyncio.timeout(PATIENCE_S):
                await some.wait()
            await gateway.kill()
            told = await first
        assert told["no answer"] > 0, told
        before = judge(shop)
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada, gateway.clients() as clients:
            for number in range(2):
                told += await wave(clients, runs, number)
            after = [await meters(ada, run) for run, _ in runs]
        per_run, total, targets = judge(shop)
        assert sum(before[0].values()) <= sum(per_run.values())
        assert set(told) <= {"no answer", "result", "limit", "too_fast", "ambiguous", "not_sent"}, told
        assert max(per_run.values()) <= PER_RUN
        assert total <= SUM
        assert targets <= TARGETS
        for number, (run, _) in enumerate(runs):
            calls = after[number][f"calls:run/{run}:all"]
            assert per_run[str(number)] <= calls["used"] <= PER_RUN
            assert calls["held"] == 0
        spent = after[0]["sum:agent/alpha:modern.put/n@86400s"]
        assert total <= float(spent["used"]) <= SUM
        assert float(spent["used"]) > SUM - 3, "the cap was reached, so the test could fail"
        assert after[0]["distinct:agent/alpha:modern.put/who@86400s"]["used"] <= TARGETS


@pytest.mark.requirement("I7", "I14")
async def test_a_raise_survives_the_death_of_the_gateway(tmp_path: Path) -> None:
    async with swift_shop(tmp_path) as shop:
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada:
            await ada.add_operator("ada", "admin")
            run, _ = await ada.open_run("alpha")
            body = {"run": run, "meter": "calls", "by": "+5", "reason": "a longer list"}
            raised = await ada.done("POST", "/budget/raise", body)
            assert (raised["meter"]["cap"], raised["meter"]["added"]) == (PER_RUN + 5, 5)
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada:
            assert (await meters(ada, run))[f"calls:run/{run}:all"]["cap"] == PER_RUN + 5
            assert [e["by"] for e in await ada.log() if e["decision"] == "raise"] == ["operator:ada"]
