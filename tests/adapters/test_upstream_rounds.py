"""A modern server that wants more before it answers: asked of the client, repeated byte for byte, and never without an end."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.servers.raw_http import Exchange, event, fine, handshake, raw_server, response, result

from ringfence.adapters.upstream.answers import MAX_REQUESTS, MAX_STATE
from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.upstream.rounds import MAX_ROUNDS
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.ports.upstream import Answered, ClientAnswer, Declined, Failed, Granted, Reply, Sending, ServerRequest, Unknown
from ringfence.testing.contracts.upstream import sending
from ringfence.testing.contracts.upstream_features import CAPABILITIES, GRANTED, Client

FORM = {"method": "elicitation/create", "params": {"message": "m", "requestedSchema": {"type": "object", "properties": {}}}}
SAMPLE = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}
ROOTS = {"method": "roots/list"}
LAST: dict[str, Any] = {"content": [{"type": "text", "text": "fine"}]}


def wants(**fields: Any) -> dict[str, Any]:
    return {"resultType": "input_required", **fields}


async def against(results: list[dict[str, Any]], item: Sending) -> tuple[Reply, list[dict[str, Any]]]:
    """The reply, and the params of each sending. The last result is given for ever."""
    sent: list[Exchange] = []

    async def answering(exchange: Exchange) -> None:
        if not await handshake(exchange, legacy=False):
            sent.append(exchange)
            answer = result(exchange, **results[min(len(sent), len(results)) - 1])
            exchange.writer.write(response(json.dumps(answer).encode()))

    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, round_pause_s=0.0))
        try:
            reply = await upstream.call(item)
        finally:
            await upstream.close()
    assert len({exchange.message["id"] for exchange in sent}) == len(sent)
    return reply, [exchange.message["params"] for exchange in sent]


def with_client(client: Client | None = None, **fields: Any) -> Sending:
    ask = (client or Client()).ask
    return replace(sending("echo", {"a": 1}, deadline_s=10.0), capabilities=CAPABILITIES, on_requests=ask, **fields)


@pytest.mark.requirement("I4")
async def test_the_call_is_repeated_with_the_answers_and_the_state_as_it_was() -> None:
    state = 'v1.\u2028"\\ü\u0001'
    client = Client()
    reply, sent = await against([wants(inputRequests={"a": FORM, "b": ROOTS}, requestState=state), LAST], with_client(client))
    assert isinstance(reply, Answered)
    assert [item.method for item in client.asked] == ["elicitation/create", "roots/list"]
    first, second = sent
    assert "inputResponses" not in first
    assert second["inputResponses"] == {"a": GRANTED["elicitation/create"], "b": GRANTED["roots/list"]}
    assert second["requestState"] == state
    for member in ("name", "arguments", "_meta"):
        assert second[member] == first[member]
    assert first["_meta"]["io.modelcontextprotocol/clientCapabilities"] == CAPABILITIES


async def test_each_round_answers_the_wishes_of_the_one_before() -> None:
    results = [
        wants(inputRequests={"a": FORM}, requestState="1"),
        wants(requestState="2"),
        wants(inputRequests={"b": ROOTS}),
        LAST,
    ]
    reply, sent = await against(results, with_client())
    assert isinstance(reply, Answered)
    assert [params.get("requestState") for params in sent] == [None, "1", "2", None]
    assert [sorted(params.get("inputResponses", {})) for params in sent] == [[], ["a"], [], ["b"]]


@pytest.mark.parametrize("method", ["resources/read", "prompts/get"])
async def test_other_methods_have_rounds_too(method: str) -> None:
    params = {"uri": "note:///1"} if method == "resources/read" else {"name": "p"}
    last: dict[str, Any] = {"contents": []} if method == "resources/read" else {"messages": []}
    item = replace(with_client(), method=method, tool="", arguments=canonical_bytes(params))
    reply, sent = await against([wants(inputRequests={"a": FORM}), last], item)
    assert isinstance(reply, Answered)
    assert sent[1]["inputResponses"] == {"a": GRANTED["elicitation/create"]}
    assert "requestState" not in sent[1]


async def test_completion_has_no_rounds() -> None:
    params = {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": ""}}
    item = replace(with_client(), method="completion/complete", tool="", arguments=canonical_bytes(params))
    reply, sent = await against([wants(requestState="s")], item)
    assert isinstance(reply, Unknown)
    assert len(sent) == 1


async def test_a_declined_question_to_a_person_is_told_to_the_server() -> None:
    client = Client({"elicitation/create": Declined(-32601, "no")})
    reply, sent = await against([wants(inputRequests={"a": FORM, "b": ROOTS}), LAST], with_client(client))
    assert isinstance(reply, Answered)
    assert sent[1]["inputResponses"]["a"] == {"action": "decline"}


@pytest.mark.parametrize("asked", [SAMPLE, ROOTS, {"method": "no/such"}, {"method": "tools/call", "params": {"name": "x"}}])
async def test_anything_else_that_is_declined_ends_the_call(asked: dict[str, Any]) -> None:
    no = Declined(-32601, "no")
    client = Client({"sampling/createMessage": no, "roots/list": no})
    reply, sent = await against([wants(inputRequests={"a": asked}, requestState="s"), LAST], with_client(client))
    assert isinstance(reply, Failed)
    assert reply.code == -32601
    assert len(sent) == 1


@pytest.mark.requirement("I16")
async def test_what_was_not_declared_never_reaches_the_client() -> None:
    client = Client()
    item = replace(with_client(client), capabilities={"roots": {}})
    reply, sent = await against([wants(inputRequests={"a": FORM, "b": ROOTS}), LAST], item)
    assert isinstance(reply, Answered)
    assert [asked.method for asked in client.asked] == ["roots/list"]
    assert sent[1]["inputResponses"]["a"] == {"action": "decline"}


@pytest.mark.parametrize("results", [[wants(requestState="s")], [wants(inputRequests={"a": FORM})]])
async def test_rounds_without_an_end_end(results: list[dict[str, Any]]) -> None:
    reply, sent = await against(results, with_client())
    assert isinstance(reply, Failed)
    assert len(sent) == MAX_ROUNDS + 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"inputRequests": {}},
        {"inputRequests": None},
        {"inputRequests": []},
        {"inputRequests": "all"},
        {"inputRequests": {"a": None}},
        {"inputRequests": {"a": []}},
        {"inputRequests": {"a": {"params": {}}}},
        {"inputRequests": {"a": {"method": 5}}},
        {"inputRequests": {"a": {"method": "roots/list", "params": []}}},
        {"inputRequests": {"k" * 300: ROOTS}},
        {"requestState": 5},
        {"requestState": {"a": 1}},
        {"inputRequests": {"a": ROOTS}, "requestState": ["s"]},
    ],
)
@pytest.mark.requirement("I2")
async def test_wishes_that_cannot_be_read_leave_the_outcome_unknown(fields: dict[str, Any]) -> None:
    client = Client()
    reply, sent = await against([wants(**fields)], with_client(client))
    assert isinstance(reply, Unknown)
    assert client.asked == []
    assert len(sent) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"requestState": "x" * 2**20},
        {"requestState": "x" * (MAX_STATE + 1)},
        {"inputRequests": {str(n): ROOTS for n in range(MAX_REQUESTS + 1)}},
    ],
)
async def test_more_than_a_server_may_want_ends_the_call(fields: dict[str, Any]) -> None:
    client = Client()
    reply, sent = await against([wants(**fields)], with_client(client))
    assert isinstance(reply, Failed)
    assert client.asked == []
    assert len(sent) == 1


async def test_as_much_as_a_server_may_want_is_given() -> None:
    fields = {"requestState": "x" * MAX_STATE, "inputRequests": {str(n): ROOTS for n in range(MAX_REQUESTS)}}
    reply, sent = await against([wants(**fields), LAST], with_client())
    assert isinstance(reply, Answered)
    assert sent[1]["requestState"] == fields["requestState"]
    assert len(sent[1]["inputResponses"]) == MAX_REQUESTS


@pytest.mark.requirement("I6")
async def test_the_last_look_is_taken_before_every_round() -> None:
    looks = iter([True, True, False])
    reply, sent = await against([wants(requestState="s")], with_client(may_send=lambda: next(looks)))
    assert isinstance(reply, Unknown)
    assert len(sent) == 2


@pytest.mark.requirement("I2")
async def test_the_deadline_of_the_call_holds_for_the_clients_answer() -> None:
    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        await asyncio.Event().wait()
        return {}

    item = replace(with_client(), on_requests=ask, deadline_s=1.0)
    reply, sent = await against([wants(inputRequests={"a": FORM})], item)
    assert isinstance(reply, Unknown)
    assert len(sent) == 1


async def test_a_call_cancelled_between_two_rounds_never_goes_out_again() -> None:
    asked = asyncio.Event()

    async def ask(requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        asked.set()
        await asyncio.Event().wait()
        return {}

    async with raw_server(_wanting) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        call = asyncio.create_task(upstream.call(replace(with_client(), on_requests=ask)))
        await asked.wait()
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        await upstream.close()
        assert server.methods().count("tools/call") == 1


async def _wanting(exchange: Exchange) -> None:
    if not await handshake(exchange, legacy=False):
        exchange.writer.write(response(json.dumps(result(exchange, **wants(inputRequests={"a": FORM}))).encode()))


async def test_progress_rises_over_all_rounds() -> None:
    sent: list[Exchange] = []

    async def answering(exchange: Exchange) -> None:
        if await handshake(exchange, legacy=False):
            return
        sent.append(exchange)
        token = exchange.message["params"]["_meta"]["progressToken"]
        events = [
            {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": value}}
            for value in (1, len(sent) + 1)
        ]
        last = result(exchange, **wants(requestState="s")) if len(sent) == 1 else fine(exchange)
        body = b"".join(event(message) for message in [*events, last])
        exchange.writer.write(response(body, kind="text/event-stream"))

    heard: list[Any] = []
    async with raw_server(answering) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, round_pause_s=0.0))
        assert isinstance(await upstream.call(with_client(on_progress=heard.append)), Answered)
        await upstream.close()
    assert heard == [{"progress": 1}, {"progress": 2}, {"progress": 3}]


async def test_an_answer_that_cannot_be_written_ends_the_call() -> None:
    client = Client({"elicitation/create": Granted({"action": float("nan")})})
    reply, sent = await against([wants(inputRequests={"a": FORM}), LAST], with_client(client))
    assert isinstance(reply, Failed)
    assert len(sent) == 1
