"""Requests to models on a whole engine: what is passed on, what ends it, what is recorded and what it costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.engine.model_kit import (
    PART,
    SHOWN,
    START,
    STOP,
    THOUGHT,
    THOUGHT_DATA,
    TOTALS,
    Answer,
    Breaking,
    Model,
    Reader,
    ask,
    assert_lost,
    outcome,
    used,
    world_with,
)

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.metering.stream import CutKind
from ringfence.core.metering.unfinished import AHEAD
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.verdict import ReasonCode
from ringfence.engine.models.calls import READ_ON_S
from ringfence.engine.outcome import Ambiguous, NotSent, Refused, Returned
from ringfence.engine.stopping.stops import Stopped
from ringfence.ports.model_upstream import Lost, ModelPost, Unsent
from ringfence.testing.fakes.store import FakeStore, StoreStep


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
async def test_a_stop_ends_an_answer_where_it_is_and_charges_what_can_have_been_made_of_it(mode: StopMode) -> None:
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
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, SHOWN + AHEAD)}
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
    await assert_lost(world, run, "stopped by an operator; no answer had come")


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
    # Nothing of the answer was shown, so all of it may have been thought.
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, 400)}
    assert (await outcome(world))["model"]["end"] == "client_gone"


@pytest.mark.requirement("I2")
async def test_what_provably_did_not_leave_costs_nothing_and_what_may_have_left_costs_the_worst() -> None:
    world, run = await world_with(Model(Unsent("it cannot be reached")))
    assert isinstance((await ask(world, run, Reader())).outcome, NotSent)
    assert await used(world, run) == {"tokens_in": (0, 0), "tokens_out": (0, 0)}
    world, run = await world_with(Model(Lost("the connection broke off")))
    given = await ask(world, run, Reader())
    assert given.cut is CutKind.FAULT
    assert isinstance(given.outcome, Ambiguous)
    await assert_lost(world, run, "the connection broke off; no answer had come")


@pytest.mark.requirement("I2")
async def test_an_answer_that_breaks_off_before_it_is_whole_is_lost() -> None:
    answer = Breaking({"content-type": "application/json", "request-id": "req_1"}).says(b'{"type":"message","usage":{"inp')
    world, run = await world_with(Model(answer))
    given = await ask(world, run, Reader(), stream=False)
    assert (given.cut, given.answer) == (CutKind.FAULT, None)
    await assert_lost(world, run, "it broke off; the answer had begun with status 200, request-id req_1")


async def test_an_error_that_breaks_off_costs_nothing_since_it_was_one() -> None:
    world, run = await world_with(Model(Breaking({"content-type": "application/json"}, 529).says(b'{"type":"er')))
    given = await ask(world, run, Reader())
    assert (given.cut, given.answer) == (CutKind.FAULT, None)
    assert await used(world, run) == {"tokens_in": (0, 0), "tokens_out": (0, 0)}
    assert (await outcome(world))["model"]["end"] == "broken"


@pytest.mark.parametrize(
    ("thinking", "begun", "expected"),
    [
        ({"type": "disabled"}, START, AHEAD),
        ({"type": "disabled"}, START + PART, SHOWN + AHEAD),
        ({"type": "enabled", "budget_tokens": 20}, START + THOUGHT + PART, len(THOUGHT_DATA) + 20 + SHOWN + AHEAD),
        ({"type": "adaptive"}, START + PART, SHOWN + AHEAD),
        ({"type": "adaptive"}, START + THOUGHT + PART, 400),
        ({"type": "adaptive"}, START, 400),
        ({"type": "adaptive"}, START + THOUGHT + PART + TOTALS, 5),
    ],
)
async def test_where_a_model_may_have_thought_unseen_a_broken_answer_counts_all_that_it_may_think(
    thinking: dict[str, Any], begun: bytes, expected: int
) -> None:
    world, run = await world_with(Model(Breaking().says(begun)))
    given = await ask(world, run, Reader(), thinking=thinking)
    assert given.cut is CutKind.FAULT
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, expected)}
    assert (await outcome(world))["model"]["exact"] is (begun.endswith(TOTALS))


async def test_of_an_answer_that_its_client_has_not_taken_yet_more_may_have_come_than_was_looked_at() -> None:
    class Slow(Reader):
        async def write(self, data: bytes) -> None:
            self.got.set()
            await asyncio.Event().wait()

    world, run = await world_with(Model(Answer().says(START + PART)))
    client = Slow()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="as the test says", by="operator:ada")
    assert (await asked).cut is CutKind.KILLED
    assert await used(world, run) == {"tokens_in": (0, 7), "tokens_out": (0, 400)}


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_whose_outcome_cannot_be_recorded_is_not_given_out(stream: bool) -> None:
    whole = Answer({"content-type": "application/json"}).says(b'{"type":"message"}')
    answer = Answer().says(START, TOTALS + STOP) if stream else whole
    memory = MemoryStore()
    store = FakeStore(memory)
    world, run = await world_with(model := Model(answer), store=(store, memory))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client, stream=stream))
    await model.was_asked.wait()
    store.fail_at(StoreStep.RECORD)
    answer.says(b"")
    given = await asked
    assert isinstance(given.outcome, Ambiguous)
    assert given.answer is None
    assert STOP not in client.data
    assert (client.ended is not None and b"api_error" in client.ended) is stream


@pytest.mark.requirement("I2")
async def test_a_request_whose_own_task_is_cancelled_counts_as_lost_in_the_log_and_on_the_meters() -> None:
    world, run = await world_with(Model(Answer().says(START, PART)))
    client = Reader()
    asked = asyncio.ensure_future(ask(world, run, client))
    await client.got.wait()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await assert_lost(world, run, "the client went away")


async def test_an_answer_that_was_encoded_all_the_same_is_not_passed_on() -> None:
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    world, run = await world_with(Model(Answer(headers).says(b"\x1f\x8b", b"")))
    client = Reader()
    given = await ask(world, run, client)
    assert (client.data, given.cut, given.answer) == (b"", CutKind.FAULT, None)
    await assert_lost(world, run, "the answer is encoded, which was not asked for; the answer had begun with status 200")


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
        refused = (await ask(world, run, Reader(), **members)).outcome
        assert isinstance(refused, Refused)
        assert refused.code is ReasonCode.MODEL_NOT_ALLOWED
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


async def test_who_is_refused_is_told_what_the_request_will_probably_use_by_what_was_learnt_from_answers() -> None:
    world, run = await world_with(model := Model(Answer()), caps=(ModelCap(MeterKind.SPEND, 1_000_000),))
    refused: list[tuple[int, int | None]] = []
    for _ in range(2):
        outcome = (await ask(world, run, Reader(), max_tokens=9_000_000)).outcome
        assert isinstance(outcome, Refused)
        assert outcome.ran_out is not None
        refused.append((outcome.ran_out.need, outcome.ran_out.likely))
        model.answer = Answer().says(START.replace(b":7}", b":70}"), TOTALS, STOP, b"")
        await ask(world, run, Reader(), system="x" * 1000)
    (most, unknown), (_, learnt) = refused
    assert unknown is None
    assert learnt is not None
    assert 0 < learnt < most
    decisions = [entry["body"]["arguments"] for entry in await world.entries() if entry["kind"] == "decision"]
    assert decisions[0] == decisions[2]
