"""Every way that a request to a model can end, on every store: charged once, and nothing of what it held is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.engine.model_kit import PART, SHOWN, START, STOP, TOTALS, Answer, Breaking, Model, Reader, ask, used, world_with

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.metering.unfinished import AHEAD
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.engine.models.asking import Given
from ringfence.ports.model_upstream import Lost, Unsent

JSON = {"content-type": "application/json"}
WHOLE = b'{"type":"message","model":"m","content":[],"usage":{"input_tokens":7,"output_tokens":5}}'
UNCOUNTED = (
    b'{"type":"message","model":"m","content":[{"type":"text","text":"x"}],"usage":{"input_tokens":0,"output_tokens":0}}'
)
NO_START, NO_TOTALS = START.replace(b":7", b":0"), TOTALS.replace(b":5", b":0")
ERROR = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
ALL = -1
"""Everything that was reserved."""

Made = Callable[[], Answer | Unsent | Lost]
WAYS: dict[str, tuple[Made, int, int]] = {
    "a stream that ends": (lambda: Answer().says(START, PART, TOTALS, STOP, b""), 7, 5),
    "a stream that breaks off after its totals": (lambda: Breaking().says(START, PART, TOTALS), 7, 5),
    "a stream that breaks off": (lambda: Breaking().says(START, PART, PART), 7, 2 * SHOWN + AHEAD),
    "a stream that just ends": (lambda: Answer().says(START, PART, b""), 7, SHOWN + AHEAD),
    "a stream that ends with an error": (lambda: Answer().says(START, PART, ERROR, b""), 7, SHOWN + AHEAD),
    "a stream that says nothing": (lambda: Answer().says(b""), ALL, ALL),
    "a whole answer": (lambda: Answer(JSON).says(WHOLE, b""), 7, 5),
    "a whole answer of a server that counts nothing": (lambda: Answer(JSON).says(UNCOUNTED, b""), ALL, ALL),
    "a whole answer that says nothing": (lambda: Answer(JSON).says(WHOLE.replace(b":5", b":0"), b""), 7, 0),
    "a stream of a server that counts nothing": (lambda: Answer().says(NO_START, PART, NO_TOTALS, STOP, b""), ALL, ALL),
    "a stream that says nothing and counts so": (lambda: Answer().says(START, NO_TOTALS, STOP, b""), 7, 0),
    "a whole answer that breaks off": (lambda: Breaking(JSON).says(WHOLE[:40]), ALL, ALL),
    "a whole answer that cannot be read": (lambda: Answer(JSON).says(b"hello", b""), ALL, ALL),
    "an error": (lambda: Answer(JSON, 529).says(b"{}", b""), 0, 0),
    "something on the way that has waited long enough": (lambda: Answer(JSON, 504).says(b"{}", b""), ALL, ALL),
    "a proxy of the vendor's that has": (lambda: Answer(JSON, 524).says(b"<html>", b""), ALL, ALL),
    "no connection": (lambda: Unsent("refused"), 0, 0),
    "no answer": (lambda: Lost("reset"), ALL, ALL),
}


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryStore | SqliteStore]:
    opened = MemoryStore() if request.param == "memory" else await open_store(tmp_path)
    yield opened
    await opened.close()


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("way", WAYS)
async def test_each_way_is_charged_once_and_leaves_nothing_reserved(store: MemoryStore | SqliteStore, way: str) -> None:
    made, tokens_in, tokens_out = WAYS[way]
    world, run = await world_with(Model(made()), store=(store, store))
    await ask(world, run, Reader())
    (decision,) = [entry for entry in await world.entries() if entry["kind"] == "decision"]
    most = decision["body"]["arguments"]["most"]
    expected = {"tokens_in": tokens_in, "tokens_out": tokens_out}
    assert await used(world, run) == {name: (0, most[name] if count == ALL else count) for name, count in expected.items()}
    assert await store.holds() == {}
    assert len([entry for entry in await world.entries() if entry["kind"] == "outcome"]) == 1


@pytest.mark.requirement("I6")
@pytest.mark.requirement("I7")
async def test_a_kill_of_many_open_answers_charges_each_and_leaves_nothing_reserved(store: MemoryStore | SqliteStore) -> None:
    many = 20
    world, run = await world_with(Model(Answer()), store=(store, store))
    readers = [Reader() for _ in range(many)]
    answers = [Answer().says(START, PART) for _ in range(many)]
    asked: list[asyncio.Task[Given]] = []
    for reader, answer in zip(readers, answers, strict=True):
        await world.models.replace({"vendor": Model(answer)})
        asked.append(asyncio.create_task(ask(world, run, reader)))
        await reader.got.wait()
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="as the test says", by="operator:ada")
    await asyncio.gather(*asked)
    assert await used(world, run) == {"tokens_in": (0, 7 * many), "tokens_out": (0, (SHOWN + AHEAD) * many)}
    assert await store.holds() == {}
    assert world.models.under_way == 0
