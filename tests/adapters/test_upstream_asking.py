"""What a legacy server asks during a call: brought to the client of that call, bounded, and answered once or never."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.servers.raw_http import LAST_CHUNK, STREAM, Exchange, RawServer, chunk, event, fine, handshake, raw_server, response

from ringfence.adapters.upstream.asked import MAX_ASKED, MAX_OPEN
from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.ports.upstream import Answered, ClientAnswer, Granted, Reply, Sending, ServerRequest, Unknown
from ringfence.testing.contracts.upstream import sending
from ringfence.testing.contracts.upstream_features import CAPABILITIES, Client

FORM = {"message": "Which one?", "requestedSchema": {"type": "object", "properties": {}}}


def asks(identity: Any, method: str = "elicitation/create", params: Mapping[str, Any] = FORM) -> bytes:
    return event({"jsonrpc": "2.0", "id": identity, "method": method, "params": dict(params)})


class Asking:
    """A legacy server that writes what a test tells it to, and keeps the answers to what it asked."""

    def __init__(self, script: Callable[[Exchange, "Asking"], Awaitable[None]]) -> None:
        self._script = script
        self._changed = asyncio.Event()
        self.answers: dict[Any, dict[str, Any]] = {}
        self.repeated = 0

    async def answering(self, exchange: Exchange) -> None:
        if exchange.method == "GET":
            exchange.writer.write(response(b"", status="405 Method Not Allowed", kind="text/plain"))
            return
        message = exchange.message
        if message and "method" not in message:
            self.repeated += message["id"] in self.answers
            self.answers[message["id"]] = message
            self._changed.set()
        if not await handshake(exchange, legacy=True):
            await self._script(exchange, self)

    async def until_answered(self, *identities: Any) -> None:
        while not set(identities) <= set(self.answers):
            self._changed.clear()
            await self._changed.wait()


async def against(
    script: Callable[[Exchange, Asking], Awaitable[None]], item: Sending, **options: Any
) -> tuple[Reply, Asking, RawServer]:
    asking = Asking(script)
    async with raw_server(asking.answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, **options))
        try:
            reply = await upstream.call(item)
        finally:
            await upstream.close()
        return reply, asking, server


def with_client(ask: Any, **fields: Any) -> Sending:
    return replace(sending("echo", deadline_s=10.0), capabilities=CAPABILITIES, on_requests=ask, **fields)


def begin(exchange: Exchange, *events: bytes) -> None:
    exchange.writer.write(STREAM + chunk(b"".join(events) or b": \n\n"))


def finish(exchange: Exchange, *events: bytes) -> None:
    exchange.writer.write(chunk(b"".join([event(fine(exchange)), *events])) + LAST_CHUNK)


async def test_the_answer_goes_back_under_the_servers_own_id_in_the_same_session() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks("s-1"), asks(1))
        await asking.until_answered("s-1", 1)
        finish(exchange)

    client = Client()
    reply, asking, server = await against(script, with_client(client.ask))
    assert isinstance(reply, Answered)
    assert len(client.asked) == 2
    assert asking.answers["s-1"]["result"] == asking.answers[1]["result"] != {}
    call = next(item for item in server.seen if item.message.get("method") == "tools/call")
    back = [item for item in server.seen if item.body and "method" not in item.message]
    assert {item.header("mcp-session-id") for item in back} == {call.header("mcp-session-id")}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {"name": "x"}),
        ("completion/complete", {}),
        ("no/such/method", {}),
        ("sampling/createMessage", {}),
        ("elicitation/create", {"mode": "url", "url": "https://a.example"}),
        ("elicitation/create", {"mode": ["form"]}),
    ],
)
@pytest.mark.requirement("I16")
async def test_what_was_not_declared_is_refused_and_never_reaches_the_client(method: str, params: dict[str, Any]) -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(5, method, params))
        await asking.until_answered(5)
        finish(exchange)

    client = Client()
    item = replace(with_client(client.ask), capabilities={"elicitation": {"form": {}}})
    reply, asking, _ = await against(script, item)
    assert isinstance(reply, Answered)
    assert asking.answers[5]["error"]["code"] == -32601
    assert client.asked == []


async def test_a_server_that_asks_a_thousand_times_is_answered_a_few_times() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, *(asks(n) for n in range(1000)))
        await asking.until_answered(*range(MAX_ASKED))
        finish(exchange)

    most, now = 0, 0

    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return {key: Granted({}) for key in requests}

    reply, asking, _ = await against(script, with_client(ask), max_events=2000)
    assert isinstance(reply, Answered)
    assert set(asking.answers) == set(range(MAX_ASKED))
    assert most <= MAX_OPEN


async def test_too_many_events_cut_the_call_whatever_they_ask() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, *(asks(n) for n in range(1000)))
        await asyncio.Event().wait()

    reply, _, _ = await against(script, with_client(Client().ask), max_events=500)
    assert isinstance(reply, Unknown)
    assert "too many events" in reply.why


async def test_what_is_asked_after_the_answer_is_asked_of_nobody() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        # The stream stays open for a while, so that the question is read.
        begin(exchange, event(fine(exchange)), asks(9))
        await asyncio.Event().wait()

    client = Client()
    reply, asking, _ = await against(script, with_client(client.ask))
    assert isinstance(reply, Answered)
    assert client.asked == []
    assert asking.answers == {}


async def test_a_question_still_open_when_the_call_ends_is_given_up() -> None:
    asked, given_up = asyncio.Event(), asyncio.Event()

    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return {}

    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(9))
        await asked.wait()
        finish(exchange)

    reply, asking, _ = await against(script, with_client(ask))
    assert isinstance(reply, Answered)
    assert given_up.is_set()
    assert asking.answers == {}


async def test_a_question_that_the_server_takes_back_is_given_up_alone() -> None:
    given_up = asyncio.Event()

    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        if requests["0"].params["message"] == "later":
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
        return {key: Granted({"action": "cancel"}) for key in requests}

    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks("a", params={"message": "later"}), asks("b"))
        await asking.until_answered("b")
        wrong = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "none"}}
        right = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "a"}}
        exchange.writer.write(chunk(event(wrong) + event(right)))
        await given_up.wait()
        finish(exchange)

    reply, asking, _ = await against(script, with_client(ask))
    assert isinstance(reply, Answered)
    assert set(asking.answers) == {"b"}


async def test_an_id_in_use_is_not_asked_twice() -> None:
    asked: list[str] = []
    go = asyncio.Event()

    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        asked.append(requests["0"].params["message"])
        await go.wait()
        return {key: Granted({"action": "accept"}) for key in requests}

    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(1, params={"message": "first"}), asks(1, params={"message": "second"}))
        await asking.until_answered(1)
        assert "error" in asking.answers.pop(1)
        go.set()
        await asking.until_answered(1)
        finish(exchange)

    reply, asking, _ = await against(script, with_client(ask))
    assert isinstance(reply, Answered)
    assert asked == ["first"]
    assert asking.answers[1]["result"] == {"action": "accept"}


@pytest.mark.parametrize("identity", [None, True, 1.5, [], {}])
@pytest.mark.requirement("I2")
async def test_a_request_with_an_id_that_is_none_spoils_the_stream(identity: Any) -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(identity))
        finish(exchange)

    client = Client()
    reply, _, _ = await against(script, with_client(client.ask))
    assert isinstance(reply, Unknown)
    assert client.asked == []


async def test_an_id_that_is_also_the_calls_own_is_the_servers_business() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(exchange.message["id"]))
        await asking.until_answered(exchange.message["id"])
        finish(exchange)

    client = Client()
    reply, _, _ = await against(script, with_client(client.ask))
    assert isinstance(reply, Answered)
    assert len(client.asked) == 1


@pytest.mark.requirement("I2")
async def test_a_message_of_a_mebibyte_is_larger_than_an_event() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(1, params={"message": "x" * 2**20}))
        finish(exchange)

    client = Client()
    reply, _, _ = await against(script, with_client(client.ask))
    assert isinstance(reply, Unknown)
    assert client.asked == []


@pytest.mark.requirement("I6")
async def test_after_a_stop_no_answer_of_the_client_leaves() -> None:
    stopped = False

    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        nonlocal stopped
        stopped = True
        return {key: Granted({"action": "accept", "content": {"secret": "canary"}}) for key in requests}

    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(1))
        await asyncio.Event().wait()

    item = replace(with_client(ask, may_send=lambda: not stopped), deadline_s=1.0)
    reply, asking, server = await against(script, item)
    assert isinstance(reply, Unknown)
    assert asking.answers == {}
    assert b"canary" not in server.received


async def test_waiting_for_the_client_is_no_silence_of_the_server() -> None:
    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        await asyncio.sleep(3.5)
        return {key: Granted({"action": "decline"}) for key in requests}

    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange, asks(1))
        await asking.until_answered(1)
        finish(exchange)

    reply, _, _ = await against(script, with_client(ask), first_byte_s=2.5, connect_s=2.5)
    assert isinstance(reply, Answered)


# --- sessions


@pytest.mark.requirement("I17")
async def test_a_session_is_kept_apart_by_principal_and_by_what_is_declared() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        exchange.writer.write(response(json.dumps(fine(exchange)).encode()))

    asking = Asking(script)
    async with raw_server(asking.answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        for principal, capabilities in (("r_1", {}), ("r_1", CAPABILITIES), ("r_2", CAPABILITIES), ("r_1", CAPABILITIES)):
            item = replace(sending("echo", principal=principal), capabilities=capabilities, on_requests=Client().ask)
            assert isinstance(await upstream.call(item), Answered)
        calls = [item.header("mcp-session-id") for item in server.seen if item.message.get("method") == "tools/call"]
        opened = [item.message["params"]["capabilities"] for item in server.seen if item.message.get("method") == "initialize"]
        await upstream.forget("r_1")
        ended = [item.header("mcp-session-id") for item in server.seen if item.method == "DELETE"]
        await upstream.close()
    assert len(set(calls)) == 3
    assert calls[1] == calls[3]
    assert opened == [{}, CAPABILITIES, CAPABILITIES]
    assert set(ended) == {calls[0], calls[1]}


# --- the stream of the session


class Aside(Asking):
    """Puts what a test says on the stream of a GET."""

    def __init__(self, script: Callable[[Exchange, Asking], Awaitable[None]]) -> None:
        super().__init__(script)
        self.streams: dict[str | None, Exchange] = {}

    async def answering(self, exchange: Exchange) -> None:
        if exchange.method == "GET":
            self.streams[exchange.header("mcp-session-id")] = exchange
            exchange.writer.write(STREAM)
        else:
            await super().answering(exchange)

    def say(self, exchange: Exchange, data: bytes) -> None:
        self.streams[exchange.header("mcp-session-id")].writer.write(chunk(data))


async def test_what_comes_on_the_stream_of_the_session_belongs_to_the_only_call() -> None:
    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange)
        aside.say(exchange, asks("g"))
        await asking.until_answered("g")
        finish(exchange)

    aside = Aside(script)
    client = Client()
    async with raw_server(aside.answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        assert isinstance(await upstream.call(with_client(client.ask)), Answered)
        await upstream.close()
    assert "result" in aside.answers["g"]
    assert len(client.asked) == 1


@pytest.mark.requirement("I17")
async def test_what_comes_on_the_stream_of_the_session_is_declined_between_calls_and_beside_two() -> None:
    first: list[Exchange] = []

    async def script(exchange: Exchange, asking: Asking) -> None:
        begin(exchange)
        if not first:
            first.append(exchange)
            return
        aside.say(exchange, asks("both"))
        await asking.until_answered("both")
        finish(exchange)
        finish(first[0])

    aside = Aside(script)
    client = Client()
    async with raw_server(aside.answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        replies = await asyncio.gather(*(upstream.call(with_client(client.ask)) for _ in range(2)))
        assert all(isinstance(reply, Answered) for reply in replies)
        aside.say(first[0], asks("none") + asks("alive", "ping", {}))
        await aside.until_answered("none", "alive")
        await upstream.close()
    assert aside.answers["both"]["error"]["code"] == aside.answers["none"]["error"]["code"] == -32601
    assert aside.answers["alive"]["result"] == {}
    assert client.asked == []
