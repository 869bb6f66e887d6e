"""Keys that an issuer publishes, over real HTTP: rotated, kept while it is away, and never asked for too often."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ringfence.adapters.identity.key_sets import AGAIN_S, FRESH_S, SET_MOST, STALE_S, RemoteKeys
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.keys import SigningKey

pytestmark = pytest.mark.requirement("I8")

ONE, TWO = SigningKey("ec", "one"), SigningKey("ed", "two")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Issuer:
    """Publishes keys, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Answer | None = None
        self.keys = [ONE]
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.answer is not None:
            return await self.answer(request)
        return web.Response(body=json.dumps({"keys": [key.published for key in self.keys]}).encode())


@asynccontextmanager
async def issuer() -> AsyncGenerator[tuple[Issuer, RemoteKeys, FakeClock]]:
    known, clock = Issuer(), FakeClock()
    app = web.Application()
    app.router.add_get("/keys", known.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    known.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    keys = RemoteKeys(known.url, clock)
    try:
        yield known, keys, clock
    finally:
        await keys.close()
        await runner.cleanup()


async def failing(_: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def test_keys_are_fetched_once_and_used_for_a_while() -> None:
    async with issuer() as (known, keys, clock):
        for _ in range(5):
            assert set(await keys.find("one")) == {"one"}
        clock.advance(int(FRESH_S * 1000) - 1)
        await keys.find("one")
        assert known.asked == 1
        clock.advance(1)
        await keys.find("one")
        assert known.asked == 2


async def test_a_new_key_is_found_and_a_removed_one_is_gone() -> None:
    async with issuer() as (known, keys, clock):
        await keys.find("one")
        known.keys = [TWO]
        clock.advance(int(AGAIN_S * 1000))
        assert set(await keys.find("two")) == {"two"}
        assert known.asked == 2


async def test_names_that_do_not_exist_make_no_more_than_one_fetch_a_minute() -> None:
    async with issuer() as (known, keys, clock):
        await keys.find("one")
        await asyncio.gather(*(keys.find(f"made-up-{number}") for number in range(200)))
        assert known.asked == 1
        clock.advance(int(AGAIN_S * 1000))
        await asyncio.gather(*(keys.find(f"made-up-{number}") for number in range(200)))
        assert known.asked == 2


async def test_calls_that_need_a_key_at_once_share_one_fetch() -> None:
    async with issuer() as (known, keys, _):
        found = await asyncio.gather(*(keys.find("one") for _ in range(100)))
        assert all(set(keys) == {"one"} for keys in found)
        assert known.asked == 1


async def test_an_issuer_that_is_away_is_bridged_for_a_bounded_time() -> None:
    async with issuer() as (known, keys, clock):
        await keys.find("one")
        known.answer = failing
        clock.advance(int(FRESH_S * 1000))
        assert set(await keys.find("one")) == {"one"}
        clock.advance(int((STALE_S - FRESH_S) * 1000))
        assert await keys.find("one") == {}
        known.answer = None
        clock.advance(int(AGAIN_S * 1000))
        assert set(await keys.find("one")) == {"one"}


async def redirecting(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/keys?again")


async def huge(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"keys": [' + b" " * SET_MOST + b"]}")


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def compressed(_: web.Request) -> web.StreamResponse:
    response = web.Response(body=json.dumps({"keys": [ONE.published]}).encode())
    response.enable_compression()
    return response


async def swollen(_: web.Request) -> web.StreamResponse:
    response = web.Response(body=b" " * 200_000 + json.dumps({"keys": [ONE.published]}).encode())
    response.enable_compression(web.ContentCoding.gzip)
    return response


async def nested(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"keys":' + b"[" * 50_000 + b"]" * 50_000 + b"}")


@pytest.mark.parametrize("answer", [failing, redirecting, huge, endless, nested, swollen])
async def test_an_answer_that_is_no_set_gives_no_keys(answer: Answer) -> None:
    async with issuer() as (known, keys, _):
        known.answer = answer
        assert await keys.find("one") == {}
        assert known.asked == 1, "a redirect is not followed"


async def test_compression_is_not_asked_for_so_nothing_can_swell() -> None:
    async with issuer() as (known, keys, _):
        known.answer = compressed
        assert set(await keys.find("one")) == {"one"}


async def test_nobody_there_is_no_key() -> None:
    keys = RemoteKeys("http://127.0.0.1:9/keys", FakeClock())
    try:
        assert await keys.find("one") == {}
    finally:
        await keys.close()
