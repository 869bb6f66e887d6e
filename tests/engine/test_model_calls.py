"""Requests to models on a whole engine: what is passed on, what ends it, what is recorded and what it costs."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ringfence.core.metering.request import ModelRequest, read_request
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.metering.stream import CutKind
from ringfence.core.model.agent import Limits
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.modelling import Act
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.models.asking import Asking, Given
from ringfence.engine.models.calls import READ_ON_S
from ringfence.engine.outcome import NotSent, Refused, Returned
from ringfence.engine.runs import Opened
from ringfence.engine.stops import Stopped
from ringfence.ports.model_upstream import Lost, ModelPost, Unsent
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World, presented

MODEL = "claude-sonnet-4-5"
CAPS = tuple(ModelCap(kind, 10**9) for kind in (MeterKind.SPEND, MeterKind.TOKENS_IN, MeterKind.TOKENS_OUT))
START = b'event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":7}}}\n\n'
PART = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n'
)
TOTALS = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}\n\n'
)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
LATE_S = 5.0


class Answer:
    """One that says what the test puts into it, piece by piece."""

    def __init__(self, headers: Mapping[str, str] | None = None, status: int = 200) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": "text/event-stream"} if headers is None else headers
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = asyncio.Event()

    def says(self, *pieces: bytes) -> Answer:
        for piece in pieces:
            self.pieces.put_nowait(piece)
        return self

    async def read(self) -> bytes:
        return await self.pieces.get()

    def close(self) -> None:
        self.closed.set()


class Model:
    """A model API that gives one answer."""

    def __init__(self, answer: Answer | Unsent | Lost) -> None:
        self.answer = answer
        self.sent: list[ModelPost] = []
        self.is_closed = False

    async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> Answer | Unsent | Lost:
        if not may_send():
            return Unsent("stopped")
        self.sent.append(post)
        return self.answer

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class Reader:
    """A client that keeps what it is given."""

    is_gone: bool = False
    data: bytes = b""
    ended: bytes | None = None
    at_once: bool = False
    gone: Callable[[], None] | None = None
    got: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self, gone: Callable[[], None]) -> None:
        self.gone = gone

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        pass

    async def write(self, data: bytes) -> None:
        if not self.is_gone:
            self.data += data
        self.got.set()

    async def break_off(self, last: bytes, *, at_once: bool) -> None:
        self.ended, self.at_once = last, at_once

    def leave(self) -> None:
        self.is_gone = True
        assert self.gone is not None
        self.gone()


def rules_for(*models: str) -> Rules:
    limits = Limits(model=ModelLimits(caps=CAPS))
    asks = AgentRule(id=SUPPORT, purpose="asks models", tools=(), models=models or ("*",), limits=limits)
    return replace(shop_rules(agents=(asks,)), models=ModelRules(upstreams=(ModelUpstreamRule(name="vendor"),)))


async def world_with(model: Model, *models: str) -> tuple[World, Opened]:
    world = await World.build(rules=rules_for(*models), models={"vendor": model})
    return world, await world.open_run()


async def ask(world: World, run: Opened, client: Reader, **members: Any) -> Given:
    messages = [{"role": "user", "content": "the words of the prompt"}]
    body = json.dumps({"model": MODEL, "max_tokens": 400, "stream": True, "messages": messages, **members}).encode()
    request = read_request(body)
    assert isinstance(request, ModelRequest)
    asking = Asking(act=Act.MESSAGES, request=request, digest=hashlib.sha256(body).hexdigest(), said={"session": "s1"})
    post = ModelPost(method="POST", target="/v1/messages", body=body)
    async with asyncio.timeout(LATE_S):
        return await world.models.ask(presented(run), post, asking, client)


async def used(world: World, run: Opened) -> dict[str, tuple[int, int]]:
    """Held and spent of what goes in and out."""
    names = ("tokens_in", "tokens_out")
    meters = await world.store.meters([f"{name}:run/{run.run.id}:all" for name in names])
    return {
        name: (meter.held, sum(count for _, count in meter.parts)) for name, meter in zip(names, meters, strict=True) if meter
    }


async def outcome(world: World) -> dict[str, Any]:
    (entry,) = [entry for entry in await world.entries() if entry["kind"] == "outcome"]
    return entry["body"]


async def test_an_answer_is_passed_on_as_it_comes_and_its_end_only_when_it_is_recorded() -> None:
    world, run = await world_with(model := Model(Answer().says(START, PART, TOTALS + STOP, b"")))
    client = Reader()
    given = await ask(world, run, client)
    assert client.data == START + PART
    assert given.answer is not None
    assert given.answer.body == TOTALS + STOP
    assert isinstance(given.outcome, Returned)
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, 5)}
    told = (await outcome(world))["model"]
    assert (told["end"], told["exact"], told["tokens_in"], told["tokens_out"]) == ("complete", True, 7, 5)
    assert len(model.sent) == 1
    assert world.models.under_way == 0


async def test_no_word_of_a_prompt_or_an_answer_is_recorded_and_what_a_client_says_of_itself_is() -> None:
    world, run = await world_with(Model(Answer().says(START, PART.replace(b'"x"', b'"secret words"'), TOTALS, STOP, b"")))
    await ask(world, run, Reader())
    entries = await world.entries()
    assert "words" not in json.dumps(entries)
    (decision,) = [entry for entry in entries if entry["kind"] == "decision"]
    assert decision["body"]["arguments"]["said"] == {"session": "s1"}


@pytest.mark.requirement("I6")
@pytest.mark.parametrize("mode", [StopMode.KILL, StopMode.DISABLE])
async def test_a_stop_ends_an_answer_where_it_is_and_charges_the_worst_of_what_is_not_known(mode: StopMode) -> None:
    world, run = await world_with(Model(answer := Answer().says(START, PART)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    stopped = await world.stops.stop(mode, Scope(ScopeKind.EVERYTHING), reason="as the test says", by="operator:ada")
    assert isinstance(stopped, Stopped)
    assert [call.ended for call in stopped.inflight] == [True]
    answer.says(PART, TOTALS, STOP)
    given = await asked
    assert given.cut is CutKind.KILLED
    assert answer.closed.is_set()
    assert client.ended is not None
    assert b"permission_error" in client.ended
    assert client.at_once
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, 400)}
    body = await outcome(world)
    assert (body["model"]["end"], body["model"]["exact"], body["stopped"]) == ("killed", False, True)


@pytest.mark.requirement("I6")
async def test_a_stop_that_comes_before_the_answer_begins_ends_the_wait_for_it() -> None:
    class Silent(Model):
        async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> Answer | Unsent | Lost:
            assert may_send()
            waiting.set()
            await asyncio.Event().wait()
            raise AssertionError("never")

    waiting = asyncio.Event()
    world, run = await world_with(Silent(Lost("")))
    asked = asyncio.ensure_future(ask(world, run, Reader()))
    await waiting.wait()
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="as the test says", by="operator:ada")
    given = await asked
    assert (given.cut, given.has_begun) == (CutKind.KILLED, False)
    held = (await used(world, run))["tokens_out"]
    assert held == (0, 400)


async def test_a_pause_leaves_an_open_answer_alone() -> None:
    world, run = await world_with(Model(answer := Answer().says(START)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    stopped = await world.stops.stop(StopMode.PAUSE, Scope(ScopeKind.EVERYTHING), reason="as the test says", by="operator:ada")
    assert isinstance(stopped, Stopped)
    assert stopped.inflight == ()
    answer.says(PART, TOTALS, STOP, b"")
    assert (await asked).cut is None
    assert client.data == START + PART + TOTALS


async def test_an_answer_whose_client_has_gone_is_read_on_for_what_it_used() -> None:
    world, run = await world_with(Model(answer := Answer().says(START)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    client.leave()
    answer.says(PART, TOTALS, STOP, b"")
    await asked
    assert client.data == START
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, 5)}


async def test_it_is_not_read_on_for_ever() -> None:
    world, run = await world_with(Model(answer := Answer().says(START)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    client.leave()
    while not asked.done():
        world.clock.advance(int(READ_ON_S * 1000))
        await asyncio.sleep(0)
    assert answer.closed.is_set()
    assert (await asked).cut is CutKind.SILENT
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, 400)}
    assert (await outcome(world))["model"]["end"] == "client_gone"


async def test_what_provably_did_not_leave_costs_nothing_and_what_may_have_left_costs_the_worst() -> None:
    world, run = await world_with(Model(Unsent("it cannot be reached")))
    assert isinstance((await ask(world, run, Reader())).outcome, NotSent)
    assert await used(world, run) == {"tokens_in": (0, 0), "tokens_out": (0, 0)}
    world, run = await world_with(Model(Lost("no answer came")))
    given = await ask(world, run, Reader())
    assert given.cut is CutKind.FAULT
    assert (await used(world, run))["tokens_out"] == (0, 400)


async def test_an_answer_that_was_encoded_all_the_same_is_not_passed_on() -> None:
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    world, run = await world_with(Model(Answer(headers).says(b"\x1f\x8b", b"")))
    client = Reader()
    given = await ask(world, run, client)
    assert (client.data, given.cut, given.answer) == (b"", CutKind.FAULT, None)


async def test_an_error_of_the_model_comes_back_unchanged_and_costs_nothing() -> None:
    error = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    world, run = await world_with(Model(Answer({"content-type": "application/json"}, 529).says(error, b"")))
    given = await ask(world, run, Reader())
    assert given.answer is not None
    assert (given.answer.status, given.answer.body) == (529, error)
    assert await used(world, run) == {"tokens_in": (0, 0), "tokens_out": (0, 0)}


async def test_an_agent_asks_only_what_it_was_given_and_no_fallback_besides() -> None:
    world, run = await world_with(model := Model(Answer()), "claude-sonnet-*")
    for members in ({"model": "claude-opus-5-5"}, {"fallbacks": [{"model": "claude-opus-5-5"}]}, {"fallbacks": "auto"}):
        outcome = (await ask(world, run, Reader(), **members)).outcome
        assert isinstance(outcome, Refused)
        assert outcome.code is ReasonCode.MODEL_NOT_ALLOWED
    assert model.sent == []


async def test_an_upstream_that_was_replaced_is_closed_when_its_last_answer_has_ended() -> None:
    world, run = await world_with(model := Model(answer := Answer().says(START)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    await world.models.replace({"vendor": Model(Lost(""))})
    assert not model.is_closed
    answer.says(TOTALS, STOP, b"")
    await asked
    assert model.is_closed


async def test_a_gateway_that_stops_ends_open_answers_and_records_them() -> None:
    world, run = await world_with(Model(Answer().says(START)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    await world.models.close()
    assert (await asked).cut is CutKind.FAULT
    assert client.ended is not None
    assert b"api_error" in client.ended
    assert world.inflight.all() == ()


async def test_what_the_vendor_searches_for_makes_a_run_untrusted_and_a_plain_answer_does_not() -> None:
    world, run = await world_with(Model(Answer().says(START, TOTALS, STOP, b"")))
    await ask(world, run, Reader())
    known = await world.store.run(run.run.id)
    assert known is not None
    assert not known.label.is_untrusted
    world, run = await world_with(Model(Answer().says(START, TOTALS, STOP, b"")))
    await ask(world, run, Reader(), tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}])
    known = await world.store.run(run.run.id)
    assert known is not None
    assert known.label.is_untrusted


async def test_a_client_that_has_gone_before_anything_was_sent_costs_nothing() -> None:
    world, run = await world_with(model := Model(Answer()))
    given = await ask(world, run, Reader(is_gone=True))
    assert isinstance(given.outcome, NotSent)
    assert model.sent == []
    assert await used(world, run) == {"tokens_in": (0, 0), "tokens_out": (0, 0)}


async def test_an_answer_ends_with_its_run() -> None:
    world, run = await world_with(Model(Answer().says(START)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    await world.runs.close(run.run.id, by="operator:ada", why="it is done")
    assert (await asked).cut is CutKind.KILLED
