"""Change notices: wanted ones only, never too many, and a lost stream is said to be lost."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from tests.servers.raw_http import (
    LAST_CHUNK,
    STREAM,
    Exchange,
    RawServer,
    chunk,
    event,
    handshake,
    raw_server,
    response,
    result,
)

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.notices import PER_SECOND, Notices, Topics, topics_of
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire.jsonrpc import Notification
from ringfence.adapters.wire.mcp import Era
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Notice, NoticeKind

URI = "note:///1"
CAPABILITIES = {
    "tools": {"listChanged": True},
    "prompts": {"listChanged": False},
    "resources": {"subscribe": True, "listChanged": True},
}
ERAS = pytest.mark.parametrize("era", [Era.MODERN, Era.LEGACY])

Stream = Callable[[Exchange], Awaitable[None]]


def told(method: str, **params: Any) -> bytes:
    return event({"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params})


class Teller:
    """A server of either era whose stream of notices a test writes."""

    def __init__(self, era: Era, stream: Stream, capabilities: Mapping[str, Any] = CAPABILITIES) -> None:
        self._era = era
        self._stream = stream
        self._capabilities = dict(capabilities)
        self.subscribed: list[tuple[str, str]] = []
        self.filters: list[Any] = []

    async def answering(self, exchange: Exchange) -> None:
        message = exchange.message
        method = message.get("method", exchange.method)
        write = exchange.writer.write
        if method == "server/discover" and self._era is Era.MODERN:
            fields = {"supportedVersions": ["2026-07-28"], "capabilities": self._capabilities}
            write(response(json.dumps(result(exchange, **fields)).encode()))
        elif method == "initialize":
            body = json.dumps(result(exchange, protocolVersion="2025-11-25", capabilities=self._capabilities)).encode()
            write(response(body, extra=f"mcp-session-id: s-{message['id']}\r\n"))
        elif method.startswith("resources/"):
            self.subscribed.append((method, message["params"]["uri"]))
            write(response(json.dumps(result(exchange)).encode()))
        elif method in ("GET", "subscriptions/listen"):
            if message:
                self.filters.append(message["params"]["notifications"])
            await self._stream(exchange)
        else:
            await handshake(exchange, legacy=self._era is Era.LEGACY)


async def listen(
    teller: Teller, *, uris: frozenset[str] = frozenset({URI}), enough: int = 10**6
) -> tuple[list[Notice], RawServer]:
    """What is heard until there is enough, or the listening ends."""
    heard: list[Notice] = []
    done = asyncio.Event()

    def hear(notice: Notice) -> None:
        heard.append(notice)
        if len(heard) >= enough:
            done.set()

    async with raw_server(teller.answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, max_event=4096))
        listening = asyncio.create_task(upstream.listen(frozenset({URI}), hear))
        waiting = asyncio.create_task(done.wait())
        try:
            await asyncio.wait((listening, waiting), return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                await listening
        finally:
            for task in (listening, waiting):
                task.cancel()
                with suppress(asyncio.CancelledError, UnavailableError):
                    await task
            await upstream.close()
        return heard, server


@ERAS
async def test_only_what_is_declared_and_wanted_is_asked_for_and_passed_on(era: Era) -> None:
    async def stream(exchange: Exchange) -> None:
        exchange.writer.write(
            STREAM
            + chunk(
                told("subscriptions/acknowledged", notifications={})
                + told("prompts/list_changed")
                + told("resources/updated", uri="note:///other")
                + told("resources/updated", uri="note:///10")
                + told("resources/updated", uri="note:///1\u200b")
                + told("resources/updated", uri=5)
                + told("resources/updated")
                + told("message", level="info", data="x")
                + told("something/else")
                + told("tools/list_changed")
                + told("resources/list_changed")
                + told("resources/updated", uri=f"{URI}/part")
                + told("resources/updated", uri=URI)
            )
        )

    teller = Teller(era, stream)
    heard, server = await listen(teller, enough=4)
    assert heard == [
        Notice(NoticeKind.TOOLS),
        Notice(NoticeKind.RESOURCES),
        Notice(NoticeKind.UPDATED, f"{URI}/part"),
        Notice(NoticeKind.UPDATED, URI),
    ]
    if era is Era.MODERN:
        assert teller.filters == [{"toolsListChanged": True, "resourcesListChanged": True, "resourceSubscriptions": [URI]}]
    else:
        get = next(exchange for exchange in server.seen if exchange.method == "GET")
        assert get.header("accept") == "text/event-stream"
        assert get.header("mcp-session-id") is not None


@ERAS
async def test_a_server_that_offers_nothing_is_not_listened_to(era: Era) -> None:
    async def stream(exchange: Exchange) -> None:
        raise AssertionError("nobody may listen")

    for capabilities in ({}, {"tools": {}}, {"tools": {"listChanged": "yes"}, "resources": {"subscribe": 1}}, {"tools": True}):
        heard, _ = await listen(Teller(era, stream, capabilities))
        assert heard == []


@ERAS
async def test_without_subscriptions_no_resource_is_subscribed_to(era: Era) -> None:
    async def stream(exchange: Exchange) -> None:
        exchange.writer.write(STREAM + chunk(told("resources/updated", uri=URI) + told("tools/list_changed")))

    teller = Teller(era, stream, {"tools": {"listChanged": True}, "resources": {}})
    heard, _ = await listen(teller, enough=1)
    assert heard == [Notice(NoticeKind.TOOLS)]
    assert teller.subscribed == []


async def test_a_server_without_the_stream_it_promised_is_left_alone() -> None:
    async def no_method(exchange: Exchange) -> None:
        error = {"jsonrpc": "2.0", "id": exchange.message["id"], "error": {"code": -32601, "message": "no"}}
        exchange.writer.write(response(json.dumps(error).encode(), status="404 Not Found"))

    async def no_get(exchange: Exchange) -> None:
        exchange.writer.write(response(b"", status="405 Method Not Allowed", kind="text/plain"))

    assert (await listen(Teller(Era.MODERN, no_method)))[0] == []
    assert (await listen(Teller(Era.LEGACY, no_get)))[0] == []


LOST: dict[str, bytes] = {
    "closed": STREAM + LAST_CHUNK,
    "refused": response(b"busy", status="503 Busy", kind="text/plain"),
    "refused for good": response(b"who?", status="401 Unauthorized", kind="text/plain"),
    "a redirect": response(b"", status="302 Found", extra="location: /other\r\n"),
    "not a stream": response(b"<html>", kind="text/html"),
    "compressed": STREAM.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") + chunk(b"x"),
    "not JSON": STREAM + chunk(b"data: {\n\n"),
    "not JSON-RPC": STREAM + chunk(event({"a": 1})),
    "an answer to nobody": STREAM + chunk(event({"jsonrpc": "2.0", "id": 99999, "result": {}})),
    "too large an event": STREAM + chunk(b"data: " + b"x" * 5000),
    "a flood": STREAM + chunk(told("message") * 2000),
}


@ERAS
@pytest.mark.parametrize("name", LOST)
async def test_a_lost_or_misused_stream_is_said_to_be_lost(name: str, era: Era) -> None:
    async def stream(exchange: Exchange) -> None:
        exchange.writer.write(LOST[name])

    with pytest.raises(UnavailableError):
        await listen(Teller(era, stream))


async def test_a_modern_server_may_end_its_notices() -> None:
    async def stream(exchange: Exchange) -> None:
        exchange.writer.write(STREAM + chunk(told("tools/list_changed") + event(result(exchange))) + LAST_CHUNK)

    with pytest.raises(UnavailableError, match="ended"):
        await listen(Teller(Era.MODERN, stream))


async def test_a_lost_session_is_opened_anew_by_the_next_listener() -> None:
    async def stream(exchange: Exchange) -> None:
        exchange.writer.write(response(b"", status="404 Not Found", kind="text/plain"))

    teller = Teller(Era.LEGACY, stream)
    async with raw_server(teller.answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await upstream.listen(frozenset(), lambda _: None)
        await upstream.close()
        assert server.methods().count("initialize") == 2


async def test_a_stream_that_the_server_still_holds_is_asked_for_again() -> None:
    tries: list[int] = []

    async def stream(exchange: Exchange) -> None:
        tries.append(1)
        if len(tries) < 3:
            exchange.writer.write(response(b"", status="409 Conflict", kind="text/plain"))
        else:
            exchange.writer.write(STREAM + chunk(told("tools/list_changed")))

    heard, _ = await listen(Teller(Era.LEGACY, stream), enough=1)
    assert heard == [Notice(NoticeKind.TOOLS)]


async def test_what_a_server_asks_outside_any_call_is_declined() -> None:
    answers: dict[Any, Any] = {}
    both = asyncio.Event()
    writer: list[Exchange] = []

    async def stream(exchange: Exchange) -> None:
        writer.append(exchange)
        asks = [("p", "ping"), ("s", "sampling/createMessage"), ("e", "elicitation/create")]
        events = [event({"jsonrpc": "2.0", "id": identity, "method": method, "params": {}}) for identity, method in asks]
        exchange.writer.write(STREAM + chunk(b"".join(events)))

    teller = Teller(Era.LEGACY, stream)

    async def answering(exchange: Exchange) -> None:
        if exchange.body and "method" not in exchange.message:
            answers[exchange.message["id"]] = exchange.message
            if len(answers) == 3:
                writer[0].writer.write(chunk(told("tools/list_changed")))
                both.set()
        await teller.answering(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        listening = asyncio.create_task(upstream.listen(frozenset(), lambda _: None))
        await both.wait()
        listening.cancel()
        await asyncio.wait([listening])
        await upstream.close()
    assert answers["p"]["result"] == {}
    assert answers["s"]["error"]["code"] == answers["e"]["error"]["code"] == -32601


async def test_a_flood_of_notices_is_joined_and_the_last_of_each_kind_still_comes() -> None:
    heard: list[Notice] = []
    uris = frozenset(f"note:///{n}" for n in range(2 * PER_SECOND))
    all_heard = asyncio.Event()

    def hear(notice: Notice) -> None:
        heard.append(notice)
        if len(set(heard)) == len(uris) + 1:
            all_heard.set()

    notices = Notices(Topics(frozenset({NoticeKind.TOOLS}), uris), hear)
    for _ in range(1000):
        notices.hear(Notification("notifications/tools/list_changed", {}))
    at_once = len(heard)
    for uri in uris:
        notices.hear(Notification("notifications/resources/updated", {"uri": uri}))
    assert at_once == len(heard) == PER_SECOND
    await all_heard.wait()
    notices.close()
    assert len(heard) == PER_SECOND + 1 + len(uris)


async def test_after_its_end_nobody_hears_anything() -> None:
    heard: list[Notice] = []
    notices = Notices(Topics(frozenset({NoticeKind.TOOLS}), frozenset()), heard.append)
    for _ in range(PER_SECOND + 1):
        notices.hear(Notification("notifications/tools/list_changed", {}))
    notices.close()
    await asyncio.sleep(1.1)
    assert len(heard) == PER_SECOND


def test_topics_are_what_is_both_wanted_and_offered() -> None:
    topics = topics_of(CAPABILITIES, frozenset({URI}))
    assert topics == Topics(frozenset({NoticeKind.TOOLS, NoticeKind.RESOURCES}), frozenset({URI}))
    assert not topics_of({"prompts": {}, "resources": {"subscribe": False}}, frozenset({URI}))
