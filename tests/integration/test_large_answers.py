"""Servers whose answers are large, many at once, against a real gateway process: the memory is bounded over all of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.servers.gateway_process import PATIENCE_S, GatewayProcess
from tests.servers.raw_http import Exchange, fine, handshake, raw_server, response, result

pytestmark = [pytest.mark.attack("A13"), pytest.mark.requirement("I19")]

MANY = 32
BLOCK = "x" * 1_000_000
DENSE = "[" + ",".join(["[]"] * 240_000) + "]"
"""Not a megabyte of text, and nearly twenty of memory; as many values as JSON may hold."""
BOUND_MIB = 280
"""Above what the process had before. The answers may take 128 MiB, text and value; what is written of them comes on top, and
expressions of the scan, which are compiled where they first hit."""
TOOLS = ("large", "dense", "small")
READ = {"effect": "read", "sensitivity": "public", "outbound": False}


async def generous(exchange: Exchange) -> None:
    """Answers `large` with fifteen megabytes of text, `dense` with empty lists."""
    method = exchange.message.get("method")
    if method == "tools/list":
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]
        exchange.writer.write(response(json.dumps(result(exchange, tools=tools)).encode()))
    elif not await handshake(exchange, legacy=False):
        name = exchange.message["params"]["name"]
        body = json.dumps(fine(exchange))
        if name == "large":
            body = json.dumps(result(exchange, content=[{"type": "text", "text": BLOCK}] * 15))
        elif name == "dense":
            body = json.dumps(result(exchange, content=[], structuredContent={"all": 0})).replace('"all": 0', f'"all":{DENSE}')
        exchange.writer.write(response(body.encode()))
        await exchange.writer.drain()


@pytest.mark.parametrize("tool", ["large", "dense"])
async def test_many_large_answers_at_once_are_bounded_together(tool: str, tmp_path: Path) -> None:
    async with raw_server(generous) as server:
        document = {
            "version": 1,
            "servers": {"shop": {"url": server.url}},
            "tools": {f"shop.{name}": READ for name in TOOLS},
            "agents": {"one": {"purpose": "p", "tools": ["*"], "only_mcp": True}},
        }
        config = tmp_path / "ringfence.json"
        config.write_text(json.dumps(document), "utf-8")
        gateway = GatewayProcess(config, tmp_path / "state")
        async with gateway.running(), gateway.people() as first, gateway.clients() as clients:
            admin = await first.add_operator("ada", "admin")
            async with gateway.people(admin) as people:
                greedy = [(await people.open_run("one"))[1] for _ in range(2)]
                _, modest = await people.open_run("one")
                assert (await clients.call(modest, "shop__small", {})).is_result
                before = gateway.memory_mib()
                calls = [asyncio.create_task(clients.call(greedy[n % 2], f"shop__{tool}", {"n": n})) for n in range(MANY)]
                for n in range(20):
                    assert (await clients.call(modest, "shop__small", {"n": n})).is_result
                async with asyncio.timeout(4 * PATIENCE_S):
                    answers = await asyncio.gather(*calls)
                peak = gateway.memory_mib("VmHWM")
                codes = [answer.code for answer in answers]
                print(f"{tool}: {codes.count(None)} whole, before {before:.0f} MiB, most {peak:.0f} MiB")
                assert set(codes) <= {None, "ambiguous"}
                assert None in codes
                assert peak - before < BOUND_MIB
                assert (await clients.call(modest, f"shop__{tool}", {"n": -1})).is_result
                refused = [entry for entry in await people.log() if "there is no room" in json.dumps(entry)]
                assert len(refused) == codes.count("ambiguous")
