"""What every adapter that asks over HTTP relies on: nothing unbounded, nothing followed, no address in what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ringfence.adapters.web.client import WebClient
from ringfence.errors import UnavailableError

FOREVER_S = 30.0


@asynccontextmanager
async def answering(said: bytes, *, ends: bool = True) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A server that says the same to everyone; its address, and the requests' heads."""
    heads: list[bytes] = []
    over = asyncio.Event()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(said)
        if not ends:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/top-secret", heads
    finally:
        over.set()
        server.close()


async def test_an_answer_is_its_status_its_type_and_its_bytes() -> None:
    async with answering(b"HTTP/1.1 201 x\r\ncontent-type: text/plain; charset=x\r\ncontent-length: 2\r\n\r\nok") as (
        url,
        heads,
    ):
        client = WebClient("it", FOREVER_S)
        answer = await client.post(url, {"accept": "text/plain"}, {"a": "b c"}, most=2)
        await client.close()
    assert (answer.status, answer.media_type, answer.body) == (201, "text/plain", b"ok")
    head = heads[0].lower()
    for line in (b"user-agent: ringfence", b"accept-encoding: identity", b"accept: text/plain"):
        assert line + b"\r\n" in head


@pytest.mark.parametrize("length", [b"content-length: 3\r\n", b""], ids=["stated", "until the end"])
async def test_an_answer_that_is_too_long_is_an_error_or_cut(length: bytes) -> None:
    async with answering(b"HTTP/1.1 200 x\r\nconnection: close\r\n" + length + b"\r\nabc") as (url, _):
        client = WebClient("it", FOREVER_S)
        with pytest.raises(UnavailableError, match="it answered with more than 2 bytes"):
            await client.get(url, {}, most=2)
        assert (await client.post(url, {}, b"", most=2, cut=True)).body == b"ab"
        assert (await client.get(url, {}, most=3)).body == b"abc"
        await client.close()


async def test_telling_waits_for_the_status_alone() -> None:
    async with answering(b"HTTP/1.1 204 x\r\n\r\n") as (url, _):
        client = WebClient("it", FOREVER_S)
        assert await client.tell(url, {}, b"{}") == 204
        await client.close()
    async with answering(b"HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\n", ends=False) as (url, _):
        client = WebClient("it", FOREVER_S)
        assert await client.tell(url, {}, b"{}") == 200
        await client.close()


async def test_no_redirect_is_followed() -> None:
    async with answering(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n") as (other, heads):
        moved = b"HTTP/1.1 307 x\r\ncontent-length: 0\r\nlocation: " + other.encode() + b"\r\n\r\n"
        async with answering(moved) as (url, _):
            client = WebClient("it", FOREVER_S)
            assert (await client.post(url, {"authorization": "x"}, b"", most=0)).status == 307
            await client.close()
        assert heads == []


@pytest.mark.parametrize("where", ["http://127.0.0.1:1/top-secret", "no address: top-secret"])
async def test_what_the_network_says_is_quoted_only_where_it_may_be(where: str) -> None:
    client, open_one = WebClient("it", FOREVER_S), WebClient("it", FOREVER_S, quotes_errors=True)
    with pytest.raises(UnavailableError, match="it does not answer: ") as closed:
        await client.get(where, {}, most=1)
    with pytest.raises(UnavailableError, match="it does not answer: ") as opened:
        await open_one.get(where, {}, most=1)
    assert "top-secret" not in str(closed.value)
    assert "127.0.0.1" in str(opened.value) or "top-secret" in str(opened.value)
    await client.close()
    await open_one.close()


async def test_silence_ends_with_the_deadline() -> None:
    async with answering(b"", ends=False) as (url, _):
        client = WebClient("it", 0.05)
        with pytest.raises(UnavailableError, match="it does not answer: "):
            await client.get(url, {}, most=1)
        await client.close()
