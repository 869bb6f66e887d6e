"""The memory that answers take: asked for before it is used, over both transports."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.test_upstream_stdio import upstream_of
from tests.servers.raw_http import LAST_CHUNK, STREAM, Exchange, chunk, event, handshake, raw_server, response, result

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.upstream.room import Reserved, weight
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.upstream import Answered, Unknown
from ringfence.testing.contracts.upstream import sending

pytestmark = [pytest.mark.attack("A13"), pytest.mark.requirement("I19")]

TEXT = "x" * 200_000


class Room:
    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def take(self, size: int) -> bool:
        if self.taken + size > self.most:
            return False
        self.taken += size
        return True


def large(exchange: Exchange) -> bytes:
    return json.dumps(result(exchange, content=[{"type": "text", "text": TEXT}])).encode()


def in_json(exchange: Exchange) -> bytes:
    return response(large(exchange))


def in_events(exchange: Exchange) -> bytes:
    return STREAM + chunk(event(json.loads(large(exchange)))) + LAST_CHUNK


HOW = pytest.mark.parametrize("how", [in_json, in_events])


def test_the_value_of_a_dense_text_weighs_many_times_its_size() -> None:
    assert weight(b'"' + b"x" * 100_000 + b'"') < 3 * 100_000
    assert weight(b"[" + b"[]," * 100_000 + b"[]]") > 20 * 300_000
    assert weight(b"[" + b'"a",' * 100_000 + b'"a"]') > 10 * 400_000


def test_what_does_not_fit_gives_back_what_it_had_taken() -> None:
    room = Room(100)
    reserved = Reserved(room.take)
    reserved.grow(60)
    with pytest.raises(RequestError, match="no room"):
        reserved.grow(60)
    assert room.taken == 0


@HOW
@pytest.mark.parametrize("era", list(Era))
async def test_an_http_answer_is_dropped_where_there_is_no_room_and_the_next_call_works(
    how: Callable[[Exchange], bytes], era: Era
) -> None:
    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=era is Era.LEGACY):
            exchange.writer.write(how(exchange))

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        narrow, wide = Room(250_000), Room(1_000_000)
        dropped = await upstream.call(replace(sending("a"), may_keep=narrow.take))
        assert isinstance(dropped, Unknown)
        assert "there is no room" in dropped.why
        assert narrow.taken == 0
        assert isinstance(await upstream.call(replace(sending("a"), may_keep=wide.take)), Answered)
        assert 400_000 <= wide.taken < 500_000
        await upstream.close()


async def test_a_stdio_answer_is_dropped_where_there_is_no_room_and_the_process_lives(tmp_path: Path) -> None:
    body = 'serve(lambda message: say(fine(message, "x" * 200_000)))'
    async with upstream_of(tmp_path, body) as upstream:
        narrow, wide = Room(250_000), Room(1_000_000)
        dropped = await upstream.call(replace(sending("a"), may_keep=narrow.take))
        assert isinstance(dropped, Unknown)
        assert "there is no room" in dropped.why
        assert isinstance(await upstream.call(replace(sending("a"), may_keep=wide.take)), Answered)
        assert upstream.health().restarts == 0
        assert upstream.health().running == 1


async def test_all_pages_of_a_listing_have_one_bound() -> None:
    async def answering(exchange: Exchange) -> None:
        if exchange.message.get("method") == "tools/list":
            page = int(exchange.message["params"].get("cursor", 0)) + 1
            tools = [{"name": f"t{page}", "inputSchema": {"type": "object"}, "description": TEXT}]
            exchange.writer.write(response(json.dumps(result(exchange, tools=tools, nextCursor=str(page))).encode()))
        else:
            await handshake(exchange, legacy=False)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, max_listing=2_000_000))
        with pytest.raises(UnavailableError, match="no room"):
            await upstream.describe()
        assert 2 < server.methods().count("tools/list") < 10
        await upstream.close()
