"""Every way that a request of the vendor's own client can go through a gateway, against what the model billed for it.

What ended is charged to the token and the micro-dollar; what was cut, what the documentation says; nothing stays reserved.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import pytest
from tests.servers.metered_gateway import MODEL, Metered, metered, scripted
from tests.servers.model_script import Script
from tests.servers.model_server import Executed

from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.prices import cost
from ringfence.core.metering.tokens import WEB_SEARCH, Tokens, Usage
from ringfence.core.metering.unfinished import AHEAD

CAPS = {"spend": "500 per run", "tokens": "50000000 per run", "tokens_in": "50000000 per run", "tokens_out": "10000000 per run"}
MOST = 5000
READ: Any = {"name": "read", "description": "Read.", "input_schema": {"type": "object"}}
SEARCH: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
CACHED = {
    "input_tokens": 9, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 70, "output_tokens": 12,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
}  # fmt: skip
NOT_SPLIT = {key: value for key, value in CACHED.items() if key != "cache_creation"}
HOUR: Any = [{"type": "text", "text": "for an hour", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
SEARCHED = {"input_tokens": 900, "output_tokens": 60, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}}
FRAME = len('"}}')
"""What is counted of each event besides its text."""
PATIENCE_S = 20


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncGenerator[Metered]:
    async with metered(tmp_path, CAPS) as running:
        yield running


async def settled(shop: Metered, run: str) -> dict[str, int]:
    """What a run's meters say is spent, once nothing is held and every request has its outcome."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            log = [entry for entry in await shop.people.log() if entry.get("run") == run]
            decided = sum(entry["kind"] == "decision" and entry["decision"] == "allow" for entry in log)
            meters = await shop.meters(run)
            if decided == sum(entry["kind"] == "outcome" for entry in log) and not any(held for _, held in meters.values()):
                return {kind: spent for kind, (spent, _) in meters.items()}
            await asyncio.sleep(0.02)


def bill(executed: list[Executed]) -> dict[str, int]:
    """What the model billed, as the meters have it."""
    sums = {"spend": 0, "tokens": 0, "tokens_in": 0, "tokens_out": 0}
    for one in executed:
        usage = one.usage
        written = usage["cache_creation_input_tokens"]
        asked_for_an_hour = '"1h"' in str(one.body).replace("'", '"')
        split = usage.get("cache_creation", {})
        hour = split.get("ephemeral_1h_input_tokens", written if asked_for_an_hour else 0)
        tokens = Tokens(
            plain=usage["input_tokens"],
            write_5m=written - hour,
            write_1h=hour,
            read=usage["cache_read_input_tokens"],
            output=usage["output_tokens"],
        )
        searches = usage.get("server_tool_use", {}).get("web_search_requests", 0)
        price = cost(Usage(model=str(one.body["model"]), tokens=tokens, tools={WEB_SEARCH: searches}), PRICES)
        assert price is not None
        sums["spend"] += price
        sums["tokens"] += tokens.total
        sums["tokens_in"] += tokens.prompt
        sums["tokens_out"] += tokens.output
    return sums


Act = Callable[[anthropic.AsyncAnthropic, dict[str, Any]], Awaitable[None]]


async def whole(client: anthropic.AsyncAnthropic, request: dict[str, Any]) -> None:
    assert (await client.messages.create(**request)).usage.output_tokens > 0


async def streamed(client: anthropic.AsyncAnthropic, request: dict[str, Any]) -> None:
    last = [event.type async for event in await client.messages.create(**request, stream=True)][-1]
    assert last == "message_stop"


async def collected(client: anthropic.AsyncAnthropic, request: dict[str, Any]) -> None:
    async with client.messages.stream(**request) as stream:
        assert (await stream.get_final_message()).stop_reason is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way, and what it should come to."""

    act: Act
    script: dict[str, Any]
    more: dict[str, Any]
    end: str


def way(act: Act, script: dict[str, Any] | None = None, end: str = "complete", **more: Any) -> Way:
    return Way(act=act, script=script or {}, more=more, end=end)


ENDS: dict[str, Way] = {
    "a stream": way(streamed),
    "a stream that the client puts together": way(collected, {"text": ["one ", "two ", "three"]}),
    "a whole answer": way(whole),
    "a tool, streamed": way(collected, {"tools": [["read", {"path": "a"}], ["read", {"path": "b"}]]}, tools=[READ]),
    "a tool, whole": way(whole, {"tools": [["read", {"path": "a"}]]}, tools=[READ]),
    "caches of both kinds, streamed": way(streamed, {"usage": CACHED}),
    "caches of both kinds, whole": way(whole, {"usage": CACHED}),
    "a cache for five minutes, not split": way(streamed, {"usage": NOT_SPLIT}),
    "a cache for an hour, not split": way(streamed, {"usage": NOT_SPLIT}, system=HOUR),
    "thinking of which less is shown than billed": way(
        collected, {"thinking": ["hm"], "usage": {"output_tokens": 900}}, thinking={"type": "adaptive"}
    ),
    "thinking with a budget, whole": way(
        whole, {"thinking": ["hm"], "usage": {"output_tokens": 900}}, thinking={"type": "enabled", "budget_tokens": 1024}
    ),
    "a search that the vendor runs": way(streamed, {"usage": SEARCHED}, tools=[SEARCH]),
    "a slow drip": way(streamed, {"text": ["drip "], "times": 30, "drip_s": 0.005}),
    "pings and unknown events": way(streamed, {"ping_each": 1, "unknown_events": True}),
    "single bytes and other line breaks": way(streamed, {"line_break": "\r\n", "piece": 1}),
    "an answer that was too long": way(streamed, {"stop_reason": "max_tokens"}),
    "a stream that breaks off after its totals": way(streamed, {"close_after": 7}, "broken"),
}


def request_of(one: Way) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": MOST, "messages": scripted(**one.script), **one.more}


@pytest.mark.requirement("I7")
async def test_every_answer_whose_totals_came_is_charged_to_the_token_and_the_micro_dollar(shop: Metered) -> None:
    for name, one in ENDS.items():
        run, credential = await shop.people.open_run("coder")
        before = len(shop.model.executed)
        async with shop.client(credential) as client:
            if one.end == "broken":
                with pytest.raises(anthropic.APIStatusError):
                    await one.act(client, request_of(one))
            else:
                await one.act(client, request_of(one))
        assert await settled(shop, run) == bill(shop.model.executed[before:]), name
        (outcome,) = [entry["body"]["model"] for entry in await shop.outcomes(run)]
        assert (outcome["end"], outcome["exact"]) == (one.end, True), name
    await assert_nothing_is_held(shop)


@pytest.mark.requirement("I7")
async def test_errors_cost_nothing_however_often_the_client_tries_again(shop: Metered) -> None:
    nothing = dict.fromkeys(("spend", "tokens", "tokens_in", "tokens_out"), 0)
    for status in (400, 401, 403, 404, 413, 429, 500, 503, 529):
        run, credential = await shop.people.open_run("coder")
        async with shop.client(credential) as client:
            with pytest.raises(anthropic.APIStatusError):
                await client.messages.create(model=MODEL, max_tokens=MOST, messages=scripted(status=status))
        assert await settled(shop, run) == nothing, status
    run, credential = await shop.people.open_run("coder")
    at_once = {"retry-after-ms": "1"}
    shop.model.queue += [Script(status=529, headers=at_once), Script(status=500, headers=at_once), Script()]
    before = len(shop.model.executed)
    async with shop.client(credential, retries=5) as client:
        hello: Any = [{"role": "user", "content": "hello"}]
        await client.messages.create(model=MODEL, max_tokens=MOST, messages=hello)
    tried = shop.model.executed[before:]
    assert [one.status for one in tried] == [529, 500, 200]
    assert await settled(shop, run) == bill(tried[2:])
    assert len(await shop.outcomes(run)) == 3
    await assert_nothing_is_held(shop)


DISABLED, BUDGET, ADAPTIVE = {"type": "disabled"}, {"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}
SHOWN = 1 + len("Hello there") + 2 * FRAME + AHEAD
"""Of a stream that is cut after two words: what it had counted, what it has shown since, what had not arrived."""
ENVELOPE = 250
"""Bytes of the events around thinking, which count as if a model had written them."""
BREAKS: tuple[tuple[dict[str, Any], dict[str, Any], int], ...] = (
    ({"close_after": 4}, {}, SHOWN),
    ({"error_after": 2}, {}, SHOWN),
    ({"close_after": 1}, {"thinking": DISABLED}, 1 + AHEAD),
    ({"thinking": ["hm"], "close_after": 3}, {"thinking": BUDGET}, 1 + 1024 + AHEAD),
    ({"thinking": ["hm"], "close_after": 3}, {"thinking": ADAPTIVE}, MOST),
)


@pytest.mark.requirement("I7")
async def test_a_stream_that_breaks_off_is_charged_what_was_shown_of_it_and_what_cannot_be_seen(shop: Metered) -> None:
    for script, more, expected in BREAKS:
        run, credential = await shop.people.open_run("coder")
        before = len(shop.model.executed)
        async with shop.client(credential) as client:
            with pytest.raises(anthropic.APIStatusError):
                await streamed(client, {"model": MODEL, "max_tokens": MOST, "messages": scripted(**script), **more})
        spent, billed = await settled(shop, run), bill(shop.model.executed[before:])
        assert spent["tokens_in"] == billed["tokens_in"], script
        assert billed["tokens_out"] <= expected <= spent["tokens_out"], script
        assert spent["tokens_out"] <= (min(MOST, expected + ENVELOPE) if more else expected), script
        (outcome,) = await shop.outcomes(run)
        assert not outcome["body"]["model"]["exact"], script
    await assert_nothing_is_held(shop)


@pytest.mark.requirement("I2")
async def test_a_request_to_which_no_answer_came_is_ambiguous_and_what_it_held_is_spent(shop: Metered) -> None:
    for is_killed in (False, True):
        run, credential = await shop.people.open_run("coder")
        before = len(shop.model.executed)
        script: dict[str, Any] = {"wait_after": 0} if is_killed else {"cut_after": 0}
        async with shop.client(credential, retries=3) as client:
            asked = asyncio.ensure_future(client.messages.create(model=MODEL, max_tokens=MOST, messages=scripted(**script)))
            if is_killed:
                await shop.model.waiting.wait()
                await shop.people.done("POST", "/kill", {"scope": {"run": run}, "reason": "as the test says"})
            (error,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(error, anthropic.APIStatusError)
        # Nobody knows whether it was billed, so the client is told not to send it again.
        assert (error.status_code, len(shop.model.executed) - before) == (403 if is_killed else 502, 1)
        spent = await settled(shop, run)
        decided = [entry for entry in await shop.people.log() if entry.get("run") == run and entry["kind"] == "decision"]
        most = decided[0]["body"]["arguments"]["most"]
        assert spent == {
            "spend": most["micro"],
            "tokens": most["tokens_in"] + most["tokens_out"],
            "tokens_in": most["tokens_in"],
            "tokens_out": most["tokens_out"],
        }
        outcomes = await shop.outcomes(run)
        assert [(entry["decision"], "model" in entry["body"]) for entry in outcomes] == [("ambiguous", False)]
    shop.model.go_on.set()
    await assert_nothing_is_held(shop)


async def test_an_answer_whose_client_goes_away_early_is_charged_exactly(shop: Metered) -> None:
    for stream in (True, False):
        shop.model.waiting.clear()
        shop.model.go_on.clear()
        run, credential = await shop.people.open_run("coder")
        before = len(shop.model.executed)
        async with shop.client(credential) as client:
            script = scripted(text=["a", "b", "c"], wait_after=0)
            if stream:
                answer = await client.messages.create(model=MODEL, max_tokens=MOST, messages=script, stream=True)
                await shop.model.waiting.wait()
                await answer.close()
            else:
                asked = asyncio.ensure_future(client.messages.create(model=MODEL, max_tokens=MOST, messages=script))
                await shop.model.waiting.wait()
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
        shop.model.go_on.set()
        assert await settled(shop, run) == bill(shop.model.executed[before:])
    await assert_nothing_is_held(shop)


@pytest.mark.requirement("I2")
async def test_a_gateway_that_is_stopped_settles_what_is_open_before_it_ends(shop: Metered) -> None:
    run, credential = await shop.people.open_run("coder")
    async with shop.client(credential) as client:
        words = scripted(text=["a", "b"], wait_after=1)
        stream = await client.messages.create(model=MODEL, max_tokens=MOST, messages=words, stream=True)
        async for event in stream:
            if event.type == "content_block_delta":
                break
        await shop.model.waiting.wait()
        await assert_nothing_is_held(shop)
        await stream.close()
    store = await open_store(shop.folder / "state")
    (meter,) = await store.meters([f"tokens_out:run/{run}:all"])
    await store.close()
    assert meter is not None
    assert bill(shop.model.executed)["tokens_out"] <= sum(count for _, count in meter.parts) <= 1 + len("a") + FRAME + AHEAD


async def assert_nothing_is_held(shop: Metered) -> None:
    """Nor is any reservation left in the state that the gateway leaves behind."""
    assert await shop.process.stop() == 0
    store = await open_store(shop.folder / "state")
    try:
        assert await store.holds() == {}
    finally:
        await store.close()
