"""A thousand hostile connections at once against a real gateway process: bounded memory, and honest work goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.servers.gateway_process import PATIENCE_S, Clients, GatewayProcess, People
from tests.servers.hostile_clients import (
    Attack,
    attack,
    call,
    deaf,
    dripping_body,
    dripping_headers,
    endless_body,
    gigabyte,
    head,
    header_flood,
    nearly_whole_body,
    silent,
)
from tests.servers.raw_http import STREAM, Exchange, chunk, handshake, raw_server, response, result
from tests.servers.swift_shop import SwiftShop, swift_shop

pytestmark = [pytest.mark.attack("A13"), pytest.mark.requirement("I19")]

ATTACKS: dict[Attack, int] = {
    silent: 250,
    dripping_headers: 250,
    header_flood: 100,
    dripping_body: 100,
    endless_body: 100,
    gigabyte: 100,
    deaf: 100,
}
BOUND_MIB = 200
"""Above what the process had before: 96 MiB for bodies of all runs together; and a connection holds at most 64 KiB of a body
that counts for nothing, and as much again that nobody has read yet. Without bounds the load would hold gigabytes."""
CLOSED_S = 35
"""10 s for headers, 30 s for bodies."""
YAML = "\n".join(
    f"  {agent}: {{purpose: p, tools: ['modern.*', 'flood.*'], only_mcp: true}}" for agent in ("honest", "hostile", "other")
)


@dataclass
class Siege:
    """The gateway with an honest client and an operator, and the attackers' tasks."""

    gateway: GatewayProcess
    people: People
    clients: Clients
    honest: str
    tasks: list[asyncio.Task[bool]] = field(default_factory=list[asyncio.Task[bool]])
    may_read: asyncio.Event = field(default_factory=asyncio.Event)
    connected: int = 0

    async def begin(self, attacks: dict[Attack, int], credentials: list[str]) -> None:
        """All at once; returns when every connection stands."""
        parts = urlsplit(self.gateway.url)
        assert parts.port is not None

        stand = asyncio.Event()
        wanted = sum(attacks.values())

        def stands() -> None:
            self.connected += 1
            if self.connected == wanted:
                stand.set()

        for how, count in attacks.items():
            for number in range(count):
                credential = credentials[number % len(credentials)]
                whole = call(parts.netloc, credential, "modern__look", {"who": "x", "ms": 6000})
                authorised = whole if how is deaf else head(parts.netloc, credential)
                self.tasks.append(asyncio.create_task(attack(parts.port, how, authorised, self.may_read, stands)))
        async with asyncio.timeout(PATIENCE_S):
            await stand.wait()

    async def honest_work(self, rounds: int) -> None:
        """Calls that have to succeed, and people who have to be answered."""
        for n in range(rounds):
            answer = await self.clients.call(self.honest, "modern__put", {"who": "honest", "n": n})
            assert answer.is_result, answer
            await self.people.done("GET", "/approvals")

    async def over(self) -> list[bool]:
        """The end of every attack."""
        self.may_read.set()
        async with asyncio.timeout(CLOSED_S):
            return await asyncio.gather(*self.tasks)


async def started(
    stack: AsyncExitStack, shop: SwiftShop, directory: Path, flood: str = "http://127.0.0.1:9/mcp"
) -> tuple[GatewayProcess, People, Clients]:
    """A gateway before the swift servers and one that floods, and whoever talks to it."""
    config = directory / "ringfence.yaml"
    given = shop.configuration(YAML).replace("servers:\n", f"servers:\n  flood: {{url: '{flood}', share: agent}}\n")
    profile = "effect: read, sensitivity: public, outbound: false"
    config.write_text(given.replace("tools:\n", "tools:\n" + "".join(f"  flood.{name}: {{{profile}}}\n" for name in FLOODS)))
    gateway = await stack.enter_async_context(GatewayProcess(config, directory / "state").running())
    people = await stack.enter_async_context(gateway.people())
    await people.add_operator("ada", "admin")
    return gateway, people, await stack.enter_async_context(gateway.clients())


@pytest.fixture
async def siege(tmp_path: Path) -> AsyncIterator[Siege]:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(swift_shop(tmp_path))
        gateway, people, clients = await started(stack, shop, tmp_path)
        _, honest = await people.open_run("honest")
        found = Siege(gateway, people, clients, honest)
        await found.honest_work(20)
        yield found
        for task in found.tasks:
            task.cancel()
        await asyncio.gather(*found.tasks, return_exceptions=True)


async def test_a_thousand_hostile_connections_hold_neither_memory_nor_honest_work(siege: Siege) -> None:
    _, hostile = await siege.people.open_run("hostile")
    before = siege.gateway.memory_mib()
    assert sum(ATTACKS.values()) == 1000
    await siege.begin(ATTACKS, [hostile])
    await siege.honest_work(50)
    # A kill takes effect under load: the other agent is stopped, the honest one is not.
    _, other = await siege.people.open_run("other")
    assert (await siege.clients.call(other, "modern__look", {"n": 1})).is_result
    await siege.people.done("POST", "/kill", {"scope": {"agent": "other"}})
    assert (await siege.clients.call(other, "modern__look", {"n": 2})).code == "stopped"
    await siege.honest_work(50)
    assert len(await siege.over()) == 1000
    await siege.honest_work(20)
    peak = siege.gateway.memory_mib("VmHWM")
    print(f"before {before:.0f} MiB, most {peak:.0f} MiB, now {siege.gateway.memory_mib():.0f} MiB")
    assert peak - before < BOUND_MIB
    assert siege.gateway.is_running


async def endless(exchange: Exchange) -> None:
    """Answers every call without end, in one of three ways; ten gigabytes would be nothing special."""
    method = exchange.message.get("method")
    if method == "tools/list":
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in FLOODS]
        exchange.writer.write(response(json.dumps(result(exchange, tools=tools)).encode()))
    elif not await handshake(exchange, legacy=False):
        begin, part = FLOODS[exchange.message["params"]["name"]]
        exchange.writer.write(begin)
        while True:
            exchange.writer.write(part)
            await exchange.writer.drain()


FLOODS = {
    "comments": (STREAM, chunk(b": go on\n\n" * 8000)),
    "event": (STREAM + chunk(b"data: "), chunk(b"x" * 65_536)),
    "body": (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10737418240\r\n\r\n", b" " * 65_536),
    "chunks": (STREAM.replace(b"text/event-stream", b"application/json"), chunk(b" " * 65_536)),
}
AT_ONCE = 4
"""Calls of each kind: what a JSON answer may take is 16 MiB, and it is held until it is whole."""


async def test_answers_that_never_end_are_cut_and_hold_no_memory(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        flood = await stack.enter_async_context(raw_server(endless))
        shop = await stack.enter_async_context(swift_shop(tmp_path))
        gateway, people, clients = await started(stack, shop, tmp_path, flood.url)
        _, hostile = await people.open_run("hostile")
        _, honest = await people.open_run("honest")
        before = gateway.memory_mib()
        calls = [
            asyncio.create_task(clients.call(hostile, f"flood__{name}", {"n": n})) for name in FLOODS for n in range(AT_ONCE)
        ]
        for n in range(50):
            assert (await clients.call(honest, "modern__put", {"who": "honest", "n": n})).is_result
            await people.done("GET", "/approvals")
        async with asyncio.timeout(PATIENCE_S):
            answers = await asyncio.gather(*calls)
        assert {answer.code for answer in answers} == {"ambiguous"}
        peak = gateway.memory_mib("VmHWM")
        print(f"before {before:.0f} MiB, most {peak:.0f} MiB")
        assert peak - before < BOUND_MIB
        # A kill takes effect on a call that is being flooded, too.
        flooded = asyncio.create_task(clients.call(hostile, "flood__comments", {"n": -1}))
        await people.done("POST", "/kill", {"scope": {"agent": "hostile"}})
        assert (await flooded).code in ("ambiguous", "stopped", "not_sent")
        assert (await clients.call(hostile, "flood__comments", {"n": -2})).code == "stopped"


async def test_bodies_that_never_end_are_bounded_over_all_runs_together(siege: Siege) -> None:
    credentials = [(await siege.people.open_run("hostile"))[1] for _ in range(10)]
    before = siege.gateway.memory_mib()
    await siege.begin({nearly_whole_body: 300}, credentials)
    await siege.honest_work(50)
    peak = siege.gateway.memory_mib("VmHWM")
    print(f"before {before:.0f} MiB, most {peak:.0f} MiB")
    assert peak - before < BOUND_MIB
    for task in siege.tasks:
        task.cancel()
