"""What a broken or hostile HTTP server can do to a call: end it with the right outcome, and nothing else."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.servers.raw_http import LAST_CHUNK, STREAM, Exchange, RawServer, chunk, event, fine, handshake, raw_server, response

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire.mcp import Era
from ringfence.ports.upstream import Answered, Failed, NotSent, Reply, Unknown
from ringfence.testing.contracts.upstream import sending

DEADLINE_S = 10.0
ERAS = pytest.mark.parametrize("era", [Era.MODERN, Era.LEGACY])

Answer = Callable[[Exchange], Awaitable[None]]


def encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


async def call_against(
    answer: Answer, era: Era, *, deadline_s: float = DEADLINE_S, tool: str = "echo", **options: Any
) -> tuple[Reply, RawServer]:
    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=era is Era.LEGACY):
            await answer(exchange)

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, **options))
        try:
            reply = await upstream.call(sending(tool, {"a": 1}, deadline_s=deadline_s))
        finally:
            await upstream.close()
        return reply, server


def writes(data: Callable[[Exchange], bytes], *, close: bool = False) -> Answer:
    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(data(exchange))
        await exchange.writer.drain()
        if close:
            exchange.writer.close()

    return answer


def streamed(*events: Callable[[Exchange], bytes]) -> Answer:
    return writes(lambda exchange: STREAM + chunk(b"".join(item(exchange) for item in events)) + LAST_CHUNK)


def as_json(body: Callable[[Exchange], bytes]) -> Answer:
    return writes(lambda exchange: response(body(exchange)))


def fine_event(exchange: Exchange) -> bytes:
    return event(fine(exchange))


def stranger(exchange: Exchange) -> dict[str, Any]:
    return {**fine(exchange), "id": exchange.message["id"] + 1}


def as_text_id(exchange: Exchange) -> dict[str, Any]:
    return {**fine(exchange), "id": str(exchange.message["id"])}


def both(exchange: Exchange) -> dict[str, Any]:
    return {**fine(exchange), "error": {"code": -1, "message": "also"}}


def neither(exchange: Exchange) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": exchange.message["id"]}


def with_foreign_key(exchange: Exchange) -> dict[str, Any]:
    return {**fine(exchange), "extra": 1}


def doubled_key(exchange: Exchange) -> bytes:
    return encoded(fine(exchange)).replace(b'"isError"', b'"isError": true, "isError"')


def not_utf8(exchange: Exchange) -> bytes:
    return encoded(fine(exchange)).replace(b"fine", b"\xff\xfe")


def text_result(exchange: Exchange) -> dict[str, Any]:
    return {**fine(exchange), "result": "fine"}


def contentless(exchange: Exchange) -> dict[str, Any]:
    return {**fine(exchange), "result": {"isError": False}}


SPOILT: dict[str, Answer] = {
    "wrong id": as_json(lambda exchange: encoded(stranger(exchange))),
    "id of another type": as_json(lambda exchange: encoded(as_text_id(exchange))),
    "result and error": as_json(lambda exchange: encoded(both(exchange))),
    "neither result nor error": as_json(lambda exchange: encoded(neither(exchange))),
    "foreign envelope key": as_json(lambda exchange: encoded(with_foreign_key(exchange))),
    "batch": as_json(lambda exchange: encoded(fine(exchange)).join([b"[", b"]"])),
    "duplicate keys": as_json(doubled_key),
    "invalid UTF-8": as_json(not_utf8),
    "result that is text": as_json(lambda exchange: encoded(text_result(exchange))),
    "result without content": as_json(lambda exchange: encoded(contentless(exchange))),
    "truncated JSON": as_json(lambda exchange: encoded(fine(exchange))[:-1]),
    "empty body": as_json(lambda _: b""),
    "a request instead of an answer": as_json(lambda exchange: exchange.body),
    "html": writes(lambda _: response(b"<html>", kind="text/html")),
    "compressed": writes(lambda exchange: response(encoded(fine(exchange)), extra="content-encoding: gzip\r\n")),
    "accepted only": writes(lambda _: response(b"", status="202 Accepted")),
    "no content": writes(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n"),
    "server error": writes(lambda _: response(b"oops", status="502 Bad Gateway", kind="text/plain")),
    "closed before the answer": writes(lambda _: b"", close=True),
    "closed in the headers": writes(lambda _: b"HTTP/1.1 200 OK\r\ncontent-", close=True),
    "closed in the body": writes(lambda exchange: response(encoded(fine(exchange)))[:-5], close=True),
    "not HTTP": writes(lambda _: b"SSH-2.0-x\r\n\r\n"),
    "stream: wrong id": streamed(lambda exchange: event(stranger(exchange))),
    "stream: two answers": streamed(fine_event, fine_event),
    "stream: an answer, then one to another": streamed(fine_event, lambda exchange: event(stranger(exchange))),
    "stream: result and error": streamed(lambda exchange: event(both(exchange))),
    "stream: invalid UTF-8": streamed(lambda exchange: b"data: " + not_utf8(exchange) + b"\n\n"),
    "stream: ends without an answer": streamed(lambda _: b": nothing\n\n"),
    "stream: event never ended": streamed(lambda exchange: fine_event(exchange)[:-1]),
    "stream: closed early": writes(lambda _: STREAM + chunk(b": hello\n\n"), close=True),
}


@ERAS
@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.requirement("I2")
@pytest.mark.attack("A15")
async def test_a_spoilt_answer_leaves_the_outcome_unknown(name: str, era: Era) -> None:
    reply, server = await call_against(SPOILT[name], era)
    assert isinstance(reply, Unknown), reply
    assert server.methods().count("tools/call") == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent"])
@pytest.mark.attack("A8", "A23")
async def test_a_redirect_is_not_followed(status: str) -> None:
    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(response(b"", status=status, extra="location: /mcp\r\n"))

    reply, server = await call_against(answer, Era.MODERN)
    assert isinstance(reply, Unknown)
    assert server.methods()[-1] == "tools/call"
    assert server.methods().count("tools/call") == 1


@ERAS
@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
@pytest.mark.attack("A23")
async def test_a_refused_credential_is_told_in_our_own_words(status: str, era: Era) -> None:
    secret = encoded({"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "log in at evil.example"}})
    extra = 'www-authenticate: Bearer resource_metadata="https://evil.example"\r\n'
    reply, _ = await call_against(writes(lambda _: response(secret, status=status, extra=extra)), era)
    assert isinstance(reply, Failed)
    assert "evil" not in reply.message


@ERAS
async def test_a_json_rpc_error_in_a_4xx_is_a_failure(era: Era) -> None:
    def body(exchange: Exchange) -> bytes:
        return encoded({"jsonrpc": "2.0", "id": exchange.message["id"], "error": {"code": -32602, "message": "bad"}})

    reply, _ = await call_against(writes(lambda exchange: response(body(exchange), status="422 No")), era)
    assert reply == Failed(-32602, "bad")


@ERAS
async def test_a_4xx_without_an_answer_is_a_refusal(era: Era) -> None:
    reply, _ = await call_against(writes(lambda _: response(b"slow", status="429 Slow", kind="text/plain")), era)
    assert isinstance(reply, Failed)
    assert "429" in reply.message


@ERAS
@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200", STREAM, STREAM + chunk(b"data: {"), response(b"xxxxx")[:-3]])
@pytest.mark.attack("A13")
async def test_a_hanging_server_is_left_at_the_deadline(part: bytes, era: Era) -> None:
    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(part)
        await asyncio.Event().wait()

    reply, server = await call_against(answer, era, deadline_s=1.0, cancel_s=0.5)
    assert isinstance(reply, Unknown)
    await server.closed.wait()


async def test_a_server_that_begins_no_answer_is_left_before_the_deadline() -> None:
    async def answer(exchange: Exchange) -> None:
        await asyncio.Event().wait()

    reply, _ = await call_against(answer, Era.MODERN, deadline_s=3600.0, first_byte_s=0.2, connect_s=0.2)
    assert isinstance(reply, Unknown)


@ERAS
@pytest.mark.attack("A13")
async def test_an_endless_stream_is_cut_at_its_cap(era: Era) -> None:
    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(STREAM)
        while not exchange.writer.is_closing():
            exchange.writer.write(chunk(b": keep going\n\n" * 100))
            await exchange.writer.drain()

    reply, server = await call_against(answer, era, max_response=100_000)
    assert isinstance(reply, Unknown)
    assert "too large" in reply.why
    await server.closed.wait()


@ERAS
@pytest.mark.attack("A13")
async def test_a_flood_of_events_is_cut_at_its_cap(era: Era) -> None:
    log = event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})

    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(STREAM)
        while not exchange.writer.is_closing():
            exchange.writer.write(chunk(log * 10))
            await exchange.writer.drain()

    reply, _ = await call_against(answer, era, max_events=50)
    assert isinstance(reply, Unknown)
    assert "too many events" in reply.why


@pytest.mark.parametrize("data", [b"data: " + b"x" * 5000, b":" + b"x" * 5000, b"data: x\n" * 1000])
@pytest.mark.attack("A13")
async def test_an_oversized_event_is_refused(data: bytes) -> None:
    reply, _ = await call_against(streamed(lambda _: data), Era.MODERN, max_event=4096)
    assert isinstance(reply, Unknown)
    assert "larger" in reply.why


@pytest.mark.parametrize("extra", ["", "padding: x\r\n"])
@pytest.mark.attack("A13")
async def test_an_oversized_body_is_refused_declared_or_not(extra: str) -> None:
    whole = b" " * 5000
    declared = response(whole, extra=extra)
    undeclared = STREAM.replace(b"text/event-stream", b"application/json") + chunk(whole) + LAST_CHUNK
    for data in (declared, undeclared):
        reply, _ = await call_against(writes(lambda _, data=data: data), Era.MODERN, max_response=4096)
        assert isinstance(reply, Unknown)
        assert "too large" in reply.why


async def test_an_answer_that_drips_byte_by_byte_is_read() -> None:
    async def answer(exchange: Exchange) -> None:
        for byte in STREAM + b"".join(chunk(bytes([item])) for item in fine_event(exchange)) + LAST_CHUNK:
            exchange.writer.write(bytes([byte]))
            await exchange.writer.drain()

    reply, _ = await call_against(answer, Era.MODERN)
    assert isinstance(reply, Answered)


async def test_a_stream_left_open_after_its_answer_does_not_hold_the_call() -> None:
    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(STREAM + chunk(fine_event(exchange)))
        await asyncio.Event().wait()

    reply, server = await call_against(answer, Era.MODERN, deadline_s=3600.0)
    assert isinstance(reply, Answered)
    await server.closed.wait()


@pytest.mark.parametrize("kind", ["input_required", "task", "", None, 7])
async def test_an_unfinished_or_unknown_result_is_no_success(kind: Any) -> None:
    def body(exchange: Exchange) -> bytes:
        message = fine(exchange)
        return encoded({**message, "result": {**message["result"], "resultType": kind}})

    reply, _ = await call_against(as_json(body), Era.MODERN)
    assert isinstance(reply, Unknown)


async def test_what_a_legacy_server_asks_is_refused_and_ping_answered() -> None:
    def asking(exchange: Exchange) -> bytes:
        return b"".join(
            event({"jsonrpc": "2.0", "id": identity, "method": method})
            for identity, method in (("p", "ping"), (5, "sampling/createMessage"), (6, "roots/list"), (7, "elicitation/create"))
        )

    reply, server = await call_against(streamed(asking, fine_event), Era.LEGACY)
    assert isinstance(reply, Answered)
    answers = {item.message["id"]: item.message for item in server.seen if item.body and "method" not in item.message}
    assert answers.pop("p")["result"] == {}
    assert set(answers) == {5, 6, 7}
    assert {answer["error"]["code"] for answer in answers.values()} == {-32601}


async def test_a_modern_server_that_asks_gets_nothing() -> None:
    asking = event({"jsonrpc": "2.0", "id": 5, "method": "sampling/createMessage", "params": {}})
    reply, server = await call_against(streamed(lambda _: asking, fine_event), Era.MODERN)
    assert isinstance(reply, Answered)
    assert server.methods()[-1] == "tools/call"


async def test_progress_of_another_call_or_that_falls_is_dropped() -> None:
    def reports(exchange: Exchange) -> bytes:
        token = exchange.message["params"]["_meta"]["progressToken"]
        params: list[dict[str, Any]] = [
            {"progressToken": token, "progress": 2, "message": "m" * 9000, "total": "many", "secret": 1},
            {"progressToken": token, "progress": 1},
            {"progressToken": token, "progress": True},
            {"progressToken": str(token), "progress": 3},
            {"progressToken": token + 1, "progress": 4},
            {"progressToken": token, "progress": 5},
        ]
        return b"".join(event({"jsonrpc": "2.0", "method": "notifications/progress", "params": item}) for item in params)

    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=False):
            await streamed(reports, fine_event)(exchange)

    heard: list[Any] = []
    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo", on_progress=heard.append))
        await upstream.close()
    assert heard == [{"progress": 2, "message": "m" * 4096}, {"progress": 5}]


async def test_a_flood_of_progress_is_thinned_out() -> None:
    def reports(exchange: Exchange) -> bytes:
        token = exchange.message["params"]["_meta"]["progressToken"]
        return b"".join(
            event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": n}})
            for n in range(500)
        )

    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=False):
            await streamed(reports, fine_event)(exchange)

    heard: list[Any] = []
    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        await upstream.call(sending("echo", on_progress=heard.append))
        await upstream.close()
    assert 0 < len(heard) < 100


async def test_a_refused_connection_sends_nothing() -> None:
    async with raw_server(writes(lambda _: b"")) as server:
        url = server.url
    upstream = HttpUpstream(HttpOptions(url=url))
    reply = await upstream.call(sending("echo"))
    await upstream.close()
    assert isinstance(reply, NotSent)
