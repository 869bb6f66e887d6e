"""The credentials of a server are asked for when they are sent, in both transports."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.servers.raw_http import Exchange, fine, handshake, raw_server, response

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions, StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import ConfigError
from ringfence.ports.upstream import Answered, HealthState, NotSent
from ringfence.testing.contracts.upstream import sending
from ringfence.testing.fakes.secrets import KnownValues

pytestmark = pytest.mark.requirement("I9")
ERAS = pytest.mark.parametrize("era", list(Era))


def answering_well(era: Era) -> Any:
    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=era is Era.LEGACY):
            exchange.writer.write(response(json.dumps(fine(exchange)).encode()))

    return answering


def _calls(seen: list[Exchange]) -> list[str]:
    return [one.header("authorization") or "" for one in seen if one.message.get("method") == "tools/call"]


@ERAS
async def test_a_rotated_header_is_sent_with_the_next_request(era: Era) -> None:
    late = KnownValues(Authorization="Bearer one")
    async with raw_server(answering_well(era)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, late_headers=late))
        await upstream.call(sending("echo"))
        late.values = {"Authorization": "Bearer two"}
        await upstream.call(sending("echo"))
        await upstream.close()
        assert _calls(server.seen) == ["Bearer one", "Bearer two"]


@ERAS
async def test_without_its_secret_nothing_is_sent_and_it_heals(era: Era) -> None:
    late = KnownValues(Authorization="Bearer one")
    values, late.values = late.values, None
    async with raw_server(answering_well(era)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, late_headers=late))
        refused = await upstream.call(sending("echo"))
        assert isinstance(refused, NotSent)
        assert "`fake:one`" in refused.why
        assert server.seen == []
        health = upstream.health()
        assert (health.state, health.error) == (HealthState.UNREACHABLE, "the secret `fake:one` is not there")
        late.values = values
        assert isinstance(await upstream.call(sending("echo")), Answered)
        assert upstream.health().state is HealthState.UP
        await upstream.close()


@pytest.mark.parametrize("value", ["two\r\nInjected: 1", "Bearer \x00", "Bearer ü", " Bearer"])
async def test_a_secret_that_no_header_can_carry_is_not_sent_and_not_quoted(value: str) -> None:
    async with raw_server(answering_well(Era.MODERN)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, late_headers=KnownValues(Authorization=value)))
        refused = await upstream.call(sending("echo"))
        await upstream.close()
        assert server.seen == []
    assert isinstance(refused, NotSent)
    assert "'Authorization'" in refused.why
    assert value not in refused.why


def test_a_late_header_that_belongs_to_the_gateway_is_refused() -> None:
    with pytest.raises(ConfigError, match="belongs to the gateway"):
        HttpUpstream(HttpOptions(url="http://host/", late_headers=KnownValues(Host="x")))


async def test_a_credential_that_the_server_refuses_is_doubted() -> None:
    async def refusing(exchange: Exchange) -> None:
        exchange.writer.write(response(b"{}", status="401 Unauthorized"))

    late = KnownValues(Authorization="Bearer one")
    async with raw_server(refusing) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, late_headers=late, era=Era.MODERN))
        await upstream.call(sending("echo"))
        await upstream.close()
    assert late.doubts == 1


SERVER = """
import json, os, sys
for line in sys.stdin.buffer:
    message = json.loads(line)
    method = message.get("method")
    result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
    if method == "tools/call":
        result = {"content": [{"type": "text", "text": os.environ["TOKEN"]}]}
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


async def test_a_process_gets_the_secret_of_the_moment_that_it_starts_in(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    late = KnownValues(TOKEN="first")
    options = StdioOptions(command=sys.executable, args=("-I", str(script)), late_env=late, era=Era.LEGACY, retry_s=0.001)
    upstream = StdioUpstream(options)
    try:
        values, late.values = late.values, None
        refused = await upstream.call(sending("look", principal="a"))
        assert isinstance(refused, NotSent)
        assert "`fake:one`" in refused.why
        late.values = values
        first = refused
        while isinstance(first, NotSent):  # until the pause after a failed start is over
            await asyncio.sleep(0.001)
            first = await upstream.call(sending("look", principal="b"))
        late.values = {"TOKEN": "second"}
        second = await upstream.call(sending("look", principal="c"))
    finally:
        await upstream.close()
    assert isinstance(first, Answered)
    assert isinstance(second, Answered)
    assert [json.dumps(one.result["content"][0]["text"]) for one in (first, second)] == ['"first"', '"second"']
