"""Models behind a real gateway, with the vendor's own client: what every path costs is what the model billed."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import aiohttp
import anthropic
import pytest
from tests.servers.metered_gateway import KEY, MODEL, Metered, metered, scripted
from tests.servers.model_server import Executed

from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.prices import cost
from ringfence.core.metering.tokens import Tokens, Usage

CAPS = {"spend": "5 per run", "tokens": "5000000 per run", "tokens_in": "5000000 per run", "tokens_out": "1000000 per run"}
CACHED = {"input_tokens": 9, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 70, "output_tokens": 12}
READ: Any = {"name": "read", "description": "Read.", "input_schema": {"type": "object"}}
PATIENCE_S = 20


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncGenerator[Metered]:
    async with metered(tmp_path, CAPS) as running:
        yield running


def billed(executed: list[Executed]) -> tuple[int, int, int]:
    """Micro-dollars, tokens in, tokens out."""
    micro = tokens_in = tokens_out = 0
    for each in executed:
        tokens = Tokens(
            plain=each.usage["input_tokens"],
            write_5m=each.usage["cache_creation_input_tokens"],
            read=each.usage["cache_read_input_tokens"],
            output=each.usage["output_tokens"],
        )
        price = cost(Usage(model=str(each.body["model"]), tokens=tokens), PRICES)
        assert price is not None
        micro, tokens_in, tokens_out = micro + price, tokens_in + tokens.prompt, tokens_out + tokens.output
    return micro, tokens_in, tokens_out


def error_of(raised: anthropic.APIStatusError) -> dict[str, str]:
    """As the API writes it."""
    return cast("dict[str, dict[str, str]]", raised.body)["error"]


async def settled(shop: Metered, run: str) -> dict[str, int]:
    """What is spent, once nothing is held any more."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            meters = await shop.meters(run)
            if all(held == 0 for _, held in meters.values()):
                return {kind: spent for kind, (spent, _) in meters.items()}
            await asyncio.sleep(0.01)


async def assert_settled_exactly(shop: Metered, run: str) -> None:
    spent = await settled(shop, run)
    micro, tokens_in, tokens_out = billed(shop.model.generated())
    assert spent == {
        "spend": micro,
        "tokens": tokens_in + tokens_out,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
    }
    assert all(entry["body"]["model"]["exact"] for entry in await shop.outcomes(run))


async def streamed(client: anthropic.AsyncAnthropic, max_tokens: int = 1000, **script: Any) -> list[Any]:
    """Every event of one streamed answer."""
    request: dict[str, Any] = {"model": MODEL, "max_tokens": max_tokens, "messages": scripted(**script)}
    return [event async for event in await client.messages.create(**request, stream=True)]


@pytest.mark.requirement("I7")
async def test_every_way_that_an_answer_can_go_settles_to_the_exact_token_and_leaves_nothing_reserved(shop: Metered) -> None:
    run, credential = await shop.people.open_run("coder")
    async with shop.client(credential) as client:
        whole = await client.messages.create(model=MODEL, max_tokens=100, messages=scripted(usage=CACHED))
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (9, 12)
        tools = await client.messages.create(
            model=MODEL, max_tokens=100, messages=scripted(tools=[["read", {"path": "a"}]]), tools=[READ]
        )
        assert tools.stop_reason == "tool_use"
        scripts: tuple[dict[str, Any], ...] = (
            {},
            {"usage": CACHED},
            {"tools": [["read", {"path": "b"}]]},
            {"ping_each": 1, "unknown_events": True},
            {"line_break": "\r\n", "piece": 7},
            {"text": ["word "], "times": 200, "drip_s": 0.0005},
            {"stop_reason": "max_tokens"},
        )
        for script in scripts:
            events = await streamed(client, **script)
            assert events[-1].type == "message_stop"
        assert (await client.messages.count_tokens(model=MODEL, messages=scripted())).input_tokens > 0
        assert MODEL in [one.id async for one in client.models.list()]
        for status in (400, 429, 500, 529):
            with pytest.raises(anthropic.APIStatusError) as refused:
                await client.messages.create(model=MODEL, max_tokens=100, messages=scripted(status=status))
            assert refused.value.status_code == status
            assert error_of(refused.value)["message"] == f"scripted {status}"
    assert len(shop.model.generated()) == 9
    await assert_settled_exactly(shop, run)


async def test_the_body_goes_on_as_it_came_and_the_upstreams_key_takes_the_place_of_the_agents(shop: Metered) -> None:
    _, credential = await shop.people.open_run("coder")
    # Written as no encoder would: a proxy that parses and writes again is seen.
    body = b'{ "model":"claude-opus-5-5" ,"max_tokens":100, "more":1.50,\n"messages":[{"content":"\\u0041 hi","role":"user"}]}'
    headers = {
        "authorization": f"Bearer {credential}",
        "content-type": "application/json",
        "anthropic-beta": "one,two",
        "anthropic-version": "2023-06-01",
        "cookie": "a=b",
        "x-forwarded-for": "10.0.0.1",
    }
    url = f"{shop.base_url}/v1/messages?beta=true"
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    (sent,) = shop.model.executed
    assert sent.digest == hashlib.sha256(body).hexdigest()
    assert sent.headers["x-api-key"] == KEY
    assert sent.headers["anthropic-beta"] == "one,two"
    assert {"authorization", "cookie", "x-forwarded-for"}.isdisjoint(sent.headers)
    assert credential not in json.dumps(dict(sent.headers))
    log = json.dumps(await shop.people.log())
    assert "\\u0041 hi" not in log
    assert "A hi" not in log


async def test_an_answer_that_breaks_off_is_told_and_charged_at_least_what_was_billed(shop: Metered) -> None:
    cut, credential = await shop.people.open_run("coder")
    async with shop.client(credential) as client:
        with pytest.raises(anthropic.APIStatusError):
            await streamed(client, max_tokens=500, cut_after=2)
    _, tokens_in, tokens_out = billed(shop.model.generated())
    spent = await settled(shop, cut)
    # A connection that is reset may take with it what was on its way: then not even the prompt is known.
    assert spent["tokens_in"] >= tokens_in
    assert tokens_out <= spent["tokens_out"] <= 500
    gave_up, credential = await shop.people.open_run("coder")
    async with shop.client(credential) as client:
        with pytest.raises(anthropic.APIStatusError) as overloaded:
            await streamed(client, max_tokens=500, error_after=1)
        assert "Overloaded" in str(overloaded.value)
    _, tokens_in, tokens_out = billed(shop.model.generated()[1:])
    spent = await settled(shop, gave_up)
    assert spent["tokens_in"] == tokens_in
    assert tokens_out <= spent["tokens_out"] < 500
    for run in (cut, gave_up):
        assert [entry["body"]["model"]["exact"] for entry in await shop.outcomes(run)] == [False]


async def test_an_answer_whose_client_goes_away_is_read_on_and_charged_exactly(shop: Metered) -> None:
    run, credential = await shop.people.open_run("coder")
    async with shop.client(credential) as client:
        stream = await client.messages.create(
            model=MODEL, max_tokens=100, messages=scripted(text=["a", "b", "c"], wait_after=1), stream=True
        )
        async for event in stream:
            if event.type == "content_block_delta":
                break
        await shop.model.waiting.wait()
        await stream.close()
    shop.model.go_on.set()
    await assert_settled_exactly(shop, run)


async def test_a_cap_is_said_as_real_clients_stop_on_it_and_a_person_can_raise_it(tmp_path: Path) -> None:
    async with metered(tmp_path, {"spend": "0.05 per run"}) as shop:
        run, credential = await shop.people.open_run("coder")
        async with shop.client(credential, retries=5) as client:
            with pytest.raises(anthropic.APIStatusError) as refused:
                await client.messages.create(model=MODEL, max_tokens=5000, messages=scripted())
            assert refused.value.status_code == 402
            error = error_of(refused.value)
            assert error["type"] == "billing_error"
            assert "ringfence budget raise" in error["message"]
            assert run in error["message"]
            assert shop.model.executed == []
            decisions = [entry for entry in await shop.people.log() if entry["kind"] == "decision"]
            assert [entry["decision"] for entry in decisions] == ["deny"]
            await shop.people.done(
                "POST", "/budget/raise", {"run": run, "meter": "spend", "by": "1", "reason": "it is worth it"}
            )
            assert (await client.messages.create(model=MODEL, max_tokens=5000, messages=scripted())).content


async def test_near_a_cap_an_answer_is_made_shorter_where_the_operator_allows_it(tmp_path: Path) -> None:
    async with metered(tmp_path, {"tokens_out": "700 per run", "shrink": True}) as shop:
        run, credential = await shop.people.open_run("coder")
        async with shop.client(credential) as client:
            await client.messages.create(model=MODEL, max_tokens=5000, messages=scripted())
            await client.messages.create(model=MODEL, max_tokens=5000, messages=scripted())
        assert [each.body["max_tokens"] for each in shop.model.executed] == [700, 691]
        assert await settled(shop, run) == {"tokens_out": 18}


@pytest.mark.requirement("I6")
async def test_a_kill_ends_every_open_answer_before_it_is_acknowledged_and_refuses_the_next(shop: Metered) -> None:
    many = 40
    run, credential = await shop.people.open_run("coder")
    other, spared = await shop.people.open_run("coder")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        body = json.dumps(
            {"model": MODEL, "max_tokens": 200, "stream": True, "messages": scripted(text=["x"], times=100_000, drip_s=0.005)}
        )
        reads = [0] * many
        is_open = [asyncio.Event() for _ in range(many)]
        last = [b""] * many

        async def read(number: int) -> None:
            headers = {"x-api-key": credential, "content-type": "application/json"}
            async with http.post(f"{shop.base_url}/v1/messages", data=body, headers=headers) as answer:
                assert answer.status == 200
                try:
                    while data := await answer.content.readany():
                        reads[number] += len(data)
                        last[number] = data
                        if reads[number] > 2000:
                            is_open[number].set()
                except aiohttp.ClientError:
                    pass

        readers = [asyncio.ensure_future(read(number)) for number in range(many)]
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(each.wait() for each in is_open))
            stopped = await shop.people.done("POST", "/kill", {"scope": {"run": run}, "reason": "as the test says"})
            assert stopped["durable"]
            assert all(call["ended"] for call in stopped["inflight"])
            assert len(stopped["inflight"]) == many
            await asyncio.gather(*readers)
        assert all(not each.is_whole for each in shop.model.executed)
        # Whoever had read everything so far was told why; who had not, lost the rest with the connection.
        assert all(b"permission_error" in data for data in last if b"event: error" in data)
        async with shop.client(credential) as client:
            with pytest.raises(anthropic.PermissionDeniedError):
                await client.messages.create(model=MODEL, max_tokens=10, messages=scripted())
        async with shop.client(spared) as client:
            await client.messages.create(model=MODEL, max_tokens=10, messages=scripted())
    assert (await settled(shop, run))["tokens_out"] == 200 * many
    assert {entry["body"]["model"]["end"] for entry in await shop.outcomes(run)} == {"killed"}
    assert (await settled(shop, other))["tokens_out"] == 9


async def test_a_pause_leaves_open_answers_alone_and_holds_the_next_request_until_it_is_lifted(shop: Metered) -> None:
    run, credential = await shop.people.open_run("coder")
    async with shop.client(credential) as client:
        first = asyncio.ensure_future(streamed(client, text=["a", "b"], wait_after=1))
        await shop.model.waiting.wait()
        scope = {"scope": {"run": run}, "reason": "as the test says"}
        await shop.people.done("POST", "/pause", scope)
        shop.model.go_on.set()
        assert (await first)[-1].type == "message_stop"
        held = asyncio.ensure_future(client.messages.create(model=MODEL, max_tokens=10, messages=scripted()))
        await asyncio.sleep(0)
        await shop.people.done("POST", "/resume", scope)
        assert (await held).content
    assert len(shop.model.generated()) == 2
    await assert_settled_exactly(shop, run)


@pytest.mark.requirement("I2")
async def test_what_a_killed_gateway_had_reserved_is_spent_when_it_starts_again(shop: Metered) -> None:
    run, credential = await shop.people.open_run("coder")
    async with shop.client(credential) as client:
        open_one = asyncio.ensure_future(streamed(client, max_tokens=777, text=["a", "b"], wait_after=1))
        await shop.model.waiting.wait()
        await shop.process.kill()
        (gone,) = await asyncio.gather(open_one, return_exceptions=True)
        assert isinstance(gone, Exception)
    await shop.process.start()
    async with shop.process.people() as people:
        after = Metered(shop.process, people, shop.model, shop.folder)
        assert (await settled(after, run))["tokens_out"] == 777
        async with after.client(credential) as client:
            await client.messages.create(model=MODEL, max_tokens=10, messages=scripted())
        assert (await settled(after, run))["tokens_out"] == 777 + 9


async def test_nobody_asks_a_model_with_a_wrong_credential_from_a_page_or_by_another_path(shop: Metered) -> None:
    _, credential = await shop.people.open_run("coder")
    good = {"x-api-key": credential, "content-type": "application/json"}
    body = json.dumps({"model": MODEL, "max_tokens": 10, "messages": scripted()})
    tries: list[tuple[str, str, dict[str, str], str, int]] = [
        ("POST", "/v1/messages", {"content-type": "application/json"}, body, 401),
        ("POST", "/v1/messages", {**good, "x-api-key": KEY}, body, 401),
        ("POST", "/v1/messages", {**good, "authorization": "Bearer other"}, body, 401),
        ("POST", "/v1/messages", {**good, "origin": "https://page.example"}, body, 403),
        ("POST", "/v1/messages", {**good, "host": "page.example"}, body, 403),
        ("POST", "/v1/messages", {**good, "content-type": "text/plain"}, body, 400),
        ("POST", "/v1/messages", good, '{"model": "a", "model": "b", "max_tokens": 1}', 400),
        ("POST", "/v1/messages", good, "{", 400),
        ("POST", "/v1/messages/batches", good, body, 403),
        ("GET", "/v1/files", good, "", 404),
        ("POST", "/v1/organizations/users", good, "{}", 404),
        ("GET", "/v1/models/../organizations", good, "", 404),
        ("POST", "/v1/complete", good, body, 404),
    ]
    async with aiohttp.ClientSession() as http:
        for method, path, headers, data, expected in tries:
            async with http.request(method, shop.base_url + path, data=data or None, headers=headers) as answer:
                assert answer.status == expected, (path, headers, await answer.text())
    assert shop.model.executed == []


async def test_an_agent_asks_only_the_models_that_it_was_given(tmp_path: Path) -> None:
    agents = {"coder": {"purpose": "Write code.", "models": ["claude-haiku-*"]}}
    async with metered(tmp_path, {}, agents=agents, models={"unknown": "refuse"}) as shop:
        _, credential = await shop.people.open_run("coder")
        async with shop.client(credential) as client:
            for model in (MODEL, "claude-haiku-99"):
                with pytest.raises(anthropic.PermissionDeniedError) as refused:
                    await client.messages.create(model=model, max_tokens=10, messages=scripted())
                assert "this model may not be used" in str(refused.value)
            await client.messages.create(model="claude-haiku-4-5", max_tokens=10, messages=scripted())
        reasons = [entry["body"]["reasons"][0]["code"] for entry in await shop.people.log() if entry.get("decision") == "deny"]
        assert reasons == ["model_not_allowed", "unpriced_model"]
