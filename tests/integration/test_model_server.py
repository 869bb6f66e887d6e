"""The scripted model is one that the vendor's own client takes for a model, and the meter's pure parts agree with its bill.

Each answer is read twice: by the client, and by the objects that the proxy will be made of, from the same bytes.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import anthropic
import pytest
from tests.servers.model_script import Script
from tests.servers.model_server import Executed, ModelServer, model_server

from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.bound import Bound, bound_of
from ringfence.core.metering.prices import cost
from ringfence.core.metering.request import ModelRequest, read_batch, read_request
from ringfence.core.metering.stream import Cut, CutKind, Forward, MessageStream
from ringfence.core.metering.usage import read_answer, settled

MODEL = "claude-opus-5-5"
KEY = "sk-test-0001"
HI: Any = [{"role": "user", "content": "Hi"}]
CACHED = {"input_tokens": 9, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 70, "output_tokens": 12}


@pytest.fixture
async def model() -> AsyncGenerator[ModelServer]:
    async with model_server(KEY) as server:
        yield server


@pytest.fixture
async def client(model: ModelServer) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=model.url, max_retries=0) as client:
        yield client


def scripted(**script: Any) -> dict[str, str]:
    return {"x-model-script": json.dumps(script)}


async def raw(model: ModelServer, script: dict[str, Any], **body: Any) -> tuple[MessageStream, bytes, ModelRequest]:
    """The bytes of one streamed answer through the pure stream object, and the request as the meter reads it."""
    data = json.dumps({"model": MODEL, "max_tokens": 1000, "stream": True, "messages": HI, **body}).encode()
    request = read_request(data)
    assert isinstance(request, ModelRequest)
    stream, out = MessageStream(), b""
    async with aiohttp.ClientSession() as http, http.post(
        f"{model.url}/v1/messages", data=data, headers={"x-api-key": KEY, **scripted(**script)}
    ) as answer:  # fmt: skip
        try:
            async for chunk, _ in answer.content.iter_chunks():
                for command in stream.feed(chunk):
                    assert not isinstance(command, Cut)
                    out += command.data if isinstance(command, Forward) else b""
        except aiohttp.ClientError:
            pass  # a connection that breaks off is what some of these tests are about
        out += b"".join(command.data for command in stream.finish() if isinstance(command, Forward))
    return stream, out, request


def bound(request: ModelRequest) -> Bound:
    found = bound_of(request, PRICES)
    assert isinstance(found, Bound)
    return found


def assert_charged_exactly(executed: Executed, stream: MessageStream, request: ModelRequest) -> None:
    found = settled(stream.reported, request, bound(request))
    assert found.is_exact
    tokens = found.usage.tokens
    assert tokens.plain == executed.usage["input_tokens"]
    assert tokens.write_5m + tokens.write_1h == executed.usage["cache_creation_input_tokens"]
    assert tokens.read == executed.usage["cache_read_input_tokens"]
    assert tokens.output == executed.usage["output_tokens"]


async def test_the_client_reads_an_answer_and_the_meter_reads_the_same(model: ModelServer, client: anthropic.AsyncAnthropic):
    message = await client.messages.create(
        model=MODEL, max_tokens=50, messages=HI, extra_headers=scripted(usage=CACHED, tools=[["pay", {"amount": 3}]])
    )
    assert message.stop_reason == "tool_use"
    (executed,) = model.generated()
    assert message.usage.output_tokens == executed.usage["output_tokens"] == 12
    answer = read_answer(message.to_dict())
    assert answer.reported.output == 12
    assert answer.reported.written == 30
    assert [use.name for use in answer.uses] == ["pay"]


async def test_the_client_reads_a_stream(model: ModelServer, client: anthropic.AsyncAnthropic):
    script = scripted(text=["a", "b"], times=3, ping_each=2, tools=[["pay", {"to": "é"}]], usage=CACHED, unknown_events=True)
    async with client.messages.stream(model=MODEL, max_tokens=50, messages=HI, extra_headers=script) as stream:
        said = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    assert "".join(said) == "ababab"
    assert message.usage.cache_read_input_tokens == 70
    (executed,) = model.generated()
    assert executed.is_whole
    assert executed.stream
    assert executed.usage["output_tokens"] == message.usage.output_tokens == 12


@pytest.mark.parametrize(
    "script",
    [
        {}, {"line_break": "\r\n"}, {"line_break": "\r"}, {"piece": 1}, {"piece": 7, "line_break": "\r\n"}, {"ping_each": 1},
        {"unknown_events": True}, {"tools": [["pay", {"amount": 3}]]}, {"usage": CACHED}, {"times": 200, "piece": 1000},
        {"drip_s": 0.002},
    ],
)  # fmt: skip
async def test_a_stream_is_charged_to_the_token(model: ModelServer, script: dict[str, Any]):
    stream, out, request = await raw(model, script)
    (executed,) = model.generated()
    assert len(out) == executed.sent
    assert stream.is_complete
    assert_charged_exactly(executed, stream, request)


@pytest.mark.parametrize("script", [{"cut_after": 1}, {"cut_after": 0}, {"error_after": 2}, {"error_after": 0}])
async def test_what_breaks_off_is_charged_at_least_what_was_billed_and_at_most_what_was_reserved(
    model: ModelServer, script: dict[str, Any]
):
    stream, _, request = await raw(model, {"times": 10, **script})
    (executed,) = model.generated()
    assert not executed.is_whole
    found = settled(stream.reported, request, bound(request))
    assert not found.is_exact
    assert found.usage.tokens.prompt == executed.usage["input_tokens"]
    assert found.usage.tokens.output >= executed.usage["output_tokens"]
    spent = cost(found.usage, PRICES)
    assert spent is not None
    assert spent <= bound(request).micro


async def test_the_client_hears_of_an_overload_in_the_middle(client: anthropic.AsyncAnthropic):
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        async with client.messages.stream(
            model=MODEL, max_tokens=50, messages=HI, extra_headers=scripted(error_after=1)
        ) as stream:
            await stream.get_final_message()


async def test_the_client_understands_a_cut_of_ours(model: ModelServer):
    _, whole, _ = await raw(model, {"times": 3})

    async def cutting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        stream = MessageStream()
        (passed,) = stream.feed(whole[: len(whole) // 2])
        assert isinstance(passed, Forward)
        ending = stream.cut(CutKind.KILLED, "stopped by a person")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + passed.data + ending)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(cutting, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, anthropic.AsyncAnthropic(api_key=KEY, base_url=f"http://{host}:{port}", max_retries=0) as client:
        with pytest.raises(anthropic.APIStatusError, match="stopped by a person"):
            async with client.messages.stream(model=MODEL, max_tokens=50, messages=HI) as stream:
                await stream.get_final_message()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError), (401, anthropic.AuthenticationError), (403, anthropic.PermissionDeniedError),
        (413, anthropic.RequestTooLargeError), (429, anthropic.RateLimitError), (500, anthropic.InternalServerError),
        (529, anthropic.OverloadedError),
    ],
)  # fmt: skip
async def test_errors_are_those_of_the_vendor_and_billed_nothing(
    model: ModelServer, client: anthropic.AsyncAnthropic, status: int, error: type[anthropic.APIStatusError]
):
    script = scripted(status=status, headers={"retry-after": "3"})
    with pytest.raises(error) as caught:
        await client.messages.create(model=MODEL, max_tokens=5, messages=HI, extra_headers=script)
    assert caught.value.response.headers["retry-after"] == "3"
    assert model.executed[0].status == status
    assert model.billed() == {}


async def test_a_credential_that_is_not_the_one_is_refused(model: ModelServer):
    async with anthropic.AsyncAnthropic(api_key="other", base_url=model.url, max_retries=0) as other:
        with pytest.raises(anthropic.AuthenticationError):
            await other.messages.create(model=MODEL, max_tokens=5, messages=HI)
    assert model.generated() == []


async def test_counting_models_and_batches_are_answered(model: ModelServer, client: anthropic.AsyncAnthropic):
    counted = await client.messages.count_tokens(model=MODEL, messages=HI)
    assert counted.input_tokens > 0
    models = [each.id async for each in client.models.list()]
    assert models[0] == MODEL
    requests: Any = [{"custom_id": str(at), "params": {"model": MODEL, "max_tokens": 9, "messages": HI}} for at in range(3)]
    batch = await client.messages.batches.create(requests=requests)
    lines = [line async for line in await client.messages.batches.results(batch.id)]
    assert [line.custom_id for line in lines] == ["0", "1", "2"]
    assert model.billed()["output_tokens"] == 27
    assert isinstance(read_batch(json.dumps({"requests": requests}).encode()), tuple)


async def test_a_script_comes_through_in_the_user_or_in_the_text(model: ModelServer, client: anthropic.AsyncAnthropic):
    by_user = await client.messages.create(
        model=MODEL, max_tokens=5, messages=HI, metadata={"user_id": json.dumps({"script": {"text": ["one"]}})}
    )
    by_text = await client.messages.create(
        model=MODEL, max_tokens=5, messages=[{"role": "user", "content": 'script:{"text": ["two"]}'}]
    )
    model.queue.append(Script(text=("three",)))
    by_test = await client.messages.create(model=MODEL, max_tokens=5, messages=HI)
    said = [block.text for each in (by_user, by_text, by_test) for block in each.content if block.type == "text"]
    assert said == ["one", "two", "three"]


async def test_an_answer_waits_until_it_is_told_to_go_on(model: ModelServer):
    data = {"model": MODEL, "max_tokens": 5, "stream": True, "messages": HI}
    async with aiohttp.ClientSession() as http:
        headers = {"x-api-key": KEY, **scripted(wait_after=1)}
        async with http.post(f"{model.url}/v1/messages", json=data, headers=headers) as answer:
            await model.waiting.wait()
            assert model.executed[0].events == 1
            model.go_on.set()
            assert b"message_stop" in await answer.read()
    await model.executed[0].ended.wait()
    assert model.executed[0].is_whole


async def test_two_hundred_megabytes_pass_with_little_held(model: ModelServer):
    stream, held = MessageStream(), 0
    data = {"model": MODEL, "max_tokens": 5, "stream": True, "messages": HI}
    async with aiohttp.ClientSession() as http:
        headers = {"x-api-key": KEY, **scripted(megabytes=200)}
        async with http.post(f"{model.url}/v1/messages", json=data, headers=headers) as answer:
            passed = taken = 0
            async for chunk in answer.content.iter_any():
                taken += len(chunk)
                passed += sum(len(each.data) for each in stream.feed(chunk) if isinstance(each, Forward))
                held = max(held, taken - passed)
    stream.finish()
    assert stream.forwarded == model.executed[0].sent > 200 << 20
    assert held < 1 << 20
    assert stream.reported.is_final
