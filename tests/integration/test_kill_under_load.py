"""A kill under load, on real processes: the upstream's own log shows no call after the acknowledgement."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.servers.gateway_process import PATIENCE_S, Clients, GatewayProcess, People
from tests.servers.swift_shop import SERVERS, Executed, SwiftShop, swift_shop

TRIES = 100
CLIENTS = 16
AGENTS = ("alpha", "beta")
YAML = "\n".join(f"  {agent}: {{purpose: works in the tests, tools: ['*'], only_mcp: true}}" for agent in AGENTS)


@dataclass(slots=True)
class Caller:
    """One client that calls without pause."""

    name: str
    agent: str
    run: str
    credential: str
    server: str
    results: int = 0
    refusals: int = 0
    began_at: int = 0
    """When its present call was begun."""
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def call_on(self, clients: Clients) -> None:
        """Reads and writes in turn, some of them slow, until cancelled."""
        for n in itertools.count():
            tool = "look" if n % 2 else "put"
            arguments: dict[str, Any] = {"who": self.name, "n": n} | ({"ms": 20} if n % 5 == 0 else {})
            self.began_at = time.monotonic_ns()
            answer = await clients.call(self.credential, f"{self.server}__{tool}", arguments)
            assert answer.is_result or answer.code in ("stopped", "ambiguous", "not_sent"), answer
            self.results += answer.is_result
            self.refusals += answer.code == "stopped"
            self.told.set()

    def covered_by(self, scope: dict[str, Any], tool: str) -> bool:
        """Whether a stop of this scope reaches its calls of a tool."""
        (kind, target), *for_agent = scope.items()
        if for_agent and for_agent[0][1] != self.agent:
            return False
        own = {"agent": self.agent, "run": self.run, "server": self.server, "tool": f"{self.server}.{tool}"}
        return kind == "everything" or own[kind] == target

    async def refused_after(self, moment: int) -> None:
        """Return when a call that it began after that moment was refused."""
        seen = self.refusals
        while not (self.refusals > seen and self.began_at > moment):
            seen = self.refusals if self.began_at <= moment else seen
            self.told.clear()
            await self.told.wait()

    async def succeeded(self) -> None:
        """Return at its next result."""
        seen = self.results
        while self.results == seen:
            self.told.clear()
            await self.told.wait()


@dataclass(frozen=True, slots=True)
class Stillness:
    """From the acknowledgement of a kill to the moment before its lifting nothing may start in its scope."""

    scope: dict[str, Any]
    since: int
    until: int

    def is_broken_by(self, call: Executed, caller: Caller) -> bool:
        return self.since < call.at < self.until and caller.covered_by(self.scope, call.tool)


def scopes(runs: list[str]) -> Iterator[dict[str, Any]]:
    """Every grain, in turn."""
    kinds: list[dict[str, Any]] = [
        {"everything": True},
        *({"agent": agent} for agent in AGENTS),
        *({"run": run} for run in runs),
        *({"server": server} for server in SERVERS),
        *({"tool": f"{server}.put"} for server in SERVERS),
        {"tool": "modern.look", "agent": "alpha"},
    ]
    return itertools.cycle(kinds)


@pytest.mark.requirement("I6")
async def test_after_an_acknowledged_kill_the_upstreams_see_no_later_call_in_a_hundred_tries_under_load(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(swift_shop(tmp_path))
        gateway = await stack.enter_async_context(started(shop, tmp_path).running())
        ada = await stack.enter_async_context(gateway.people())
        await ada.add_operator("ada", "admin")
        bob = await stack.enter_async_context(gateway.people(await ada.add_operator("bob", "admin")))
        clients = await stack.enter_async_context(gateway.clients())
        runs = [(agent, *await ada.open_run(agent)) for agent in AGENTS for _ in range(2)]
        callers = [Caller(str(i), *runs[i % len(runs)], SERVERS[i // len(runs) % len(SERVERS)]) for i in range(CLIENTS)]
        async with asyncio.TaskGroup() as group:
            load = [group.create_task(caller.call_on(clients)) for caller in callers]
            still = [await one_try(scope, ada, bob, callers) for scope in itertools.islice(scopes([r[1] for r in runs]), TRIES)]
            for task in load:
                task.cancel()
        executed = shop.executed()
    assert len(still) == TRIES
    by_name = {caller.name: caller for caller in callers}
    late = [
        (stillness.scope, call.at - stillness.since, call)
        for call in executed
        for stillness in still
        if stillness.is_broken_by(call, by_name[call.arguments["who"]])
    ]
    assert late == []
    assert {(call.server, call.tool) for call in executed} >= {(server, tool) for server in SERVERS for tool in ("look", "put")}


async def one_try(scope: dict[str, Any], ada: People, bob: People, callers: list[Caller]) -> Stillness:
    """Kill in the middle of the load, see that it holds and that the rest goes on, lift."""
    tools = [str(scope["tool"]).partition(".")[2]] if "tool" in scope else ["look", "put"]
    inside = [caller for caller in callers if any(caller.covered_by(scope, tool) for tool in tools)]
    # A caller of another tool of the same server goes on as well.
    outside = [caller for caller in callers if "tool" in scope or caller not in inside]
    assert inside
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(caller.succeeded() for caller in callers))
        stopped = await ada.done("POST", "/kill", {"scope": scope, "reason": "as the test says"})
        since = time.monotonic_ns()
        assert stopped["durable"], stopped
        assert all(call["ended"] for call in stopped["inflight"]), stopped
        await asyncio.gather(*(caller.refused_after(since) for caller in inside))
        await asyncio.gather(*(caller.succeeded() for caller in outside))
        until = time.monotonic_ns()
        await bob.done("DELETE", "/kill", {"scope": scope, "reason": "as the test says"})
    return Stillness(scope, since, until)


def started(shop: SwiftShop, directory: Path) -> GatewayProcess:
    config = directory / "ringfence.yaml"
    config.write_text(shop.configuration(YAML))
    return GatewayProcess(config, directory / "state")


@pytest.mark.requirement("I6", "I14")
async def test_a_kill_survives_the_death_of_the_gateway(tmp_path: Path) -> None:
    async with swift_shop(tmp_path) as shop:
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada, gateway.clients() as clients:
            await ada.add_operator("ada", "admin")
            _, credential = await ada.open_run("alpha")
            assert (await clients.call(credential, "modern__put", {"who": "a", "n": 1})).is_result
            await ada.done("POST", "/kill", {"scope": "everything"})
            await gateway.kill()
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada, gateway.clients() as clients:
            assert (await clients.call(credential, "modern__put", {"who": "a", "n": 2})).code == "stopped"
            assert len((await ada.done("GET", "/stops"))["stops"]) == 1
        assert [call.arguments["n"] for call in shop.executed()] == [1]


@pytest.mark.requirement("I6", "I14")
async def test_the_file_lever_kills_a_live_gateway_and_removing_the_file_does_not_un_kill(tmp_path: Path) -> None:
    async with swift_shop(tmp_path) as shop:
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada, gateway.clients() as clients:
            await ada.add_operator("ada", "admin")
            _, credential = await ada.open_run("alpha")
            assert (await clients.call(credential, "modern__look", {"who": "a", "n": 1})).is_result
            lever = tmp_path / "state" / "KILL"
            lever.touch()
            async with asyncio.timeout(PATIENCE_S):
                while (await clients.call(credential, "modern__look", {"who": "a", "n": 2})).code != "stopped":
                    pass
            lever.unlink()
            assert (await clients.call(credential, "modern__look", {"who": "a", "n": 3})).code == "stopped"
        async with started(shop, tmp_path).running() as gateway, gateway.people() as ada, gateway.clients() as clients:
            assert (await clients.call(credential, "modern__look", {"who": "a", "n": 4})).code == "stopped"
            assert [stop["by"] for stop in (await ada.done("GET", "/stops"))["stops"]] == ["lever"]
        assert {call.arguments["n"] for call in shop.executed()} <= {1, 2}
