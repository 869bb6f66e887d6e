"""What takes long to read is read beside the event loop: other calls, and a kill, go on meanwhile. The decision is the same."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from itertools import count

import pytest

from ringfence.core.beforehand import read_beforehand
from ringfence.core.model.call import Call
from ringfence.core.model.label import Label
from ringfence.core.model.profile import Authority, Role, ToolProfile, Trust
from ringfence.core.model.provenance import Flow, ProvenanceRules
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.tool import Tool
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.core.records.unit import JoinLabel, Unit
from ringfence.core.rules import Rules
from ringfence.engine.outcome import Outcome, Refused, Returned
from ringfence.engine.runs.runs import Opened
from ringfence.engine.waiting.reading import LONG, Reading
from ringfence.testing.scenario import READ, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World

PATIENCE_S = 30.0
_numbers = count(1_000)
SINK: ToolProfile = replace(READ, trust=Trust.TRUSTED, outbound=True, authority=(Authority("/order", Role.SELECTOR),))


def long_words() -> str:
    """Each time other ones: what was read of a statement is kept for all."""
    more = "Some more words of what is wanted, a number 12 and a day, 3 March 2027.\n\n" * (LONG // 100)
    return f"look after order 7. This is task {next(_numbers)}. {more}"


class HeldUp:
    """Reads like the real one, but stands still in its thread until it is released."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.reached = asyncio.Event()
        self.of_loop = threading.get_ident()
        self.read: list[str] = []
        self._loop = asyncio.get_running_loop()

    def __call__(self, call: Call, tool: Tool, flow: Flow, label: Label, *, weighed: bool) -> None:
        assert threading.get_ident() != self.of_loop
        self.read.append(call.id)
        self._loop.call_soon_threadsafe(self.reached.set)
        assert self.release.wait(PATIENCE_S)
        read_beforehand(call, tool, flow, label, weighed=weighed)

    async def is_reached(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.reached.wait()


def rules() -> Rules:
    shop = shop_rules(tools=(tool_rule("orders.get", SINK),))
    support = replace(shop.agents[SUPPORT], provenance=ProvenanceRules(underivable=Level.DENY))
    return replace(shop, agents={**shop.agents, SUPPORT: support})


async def world_with(held: HeldUp) -> World:
    return await World.build(rules=rules(), reading=Reading(held))


def get(world: World, run: Opened, order: str) -> asyncio.Task[Outcome]:
    return asyncio.create_task(world.call(run, "orders__get", {"order": order}))


@pytest.mark.requirement("I6")
async def test_while_long_words_are_read_other_calls_are_decided_and_a_kill_is_acknowledged() -> None:
    held = HeldUp()
    world = await world_with(held)
    long, short = await world.open_run(task=long_words()), await world.open_run(task="look after order 7")
    waiting = get(world, long, "7")
    try:
        await held.is_reached()
        assert isinstance(await world.call(short, "orders__get", {"order": "7"}), Returned)
        await world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, long.run.id), reason="now", by="operator:ada")
        assert not waiting.done()
    finally:
        held.release.set()
    stopped = await waiting
    assert isinstance(stopped, Refused)
    assert stopped.code is ReasonCode.KILLED, "what was put in force meanwhile counts"


async def test_words_are_read_apart_once_and_the_decision_is_the_one_that_it_always_is() -> None:
    held = HeldUp()
    held.release.set()
    world = await world_with(held)
    run = await world.open_run(task=long_words())
    assert isinstance(await world.call(run, "orders__get", {"order": "7"}), Returned)
    refused = await world.call(run, "orders__get", {"order": "8123"})
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.PROVENANCE
    assert len(held.read) == 1


async def test_a_long_call_is_read_apart_each_time() -> None:
    held = HeldUp()
    held.release.set()
    world = await world_with(held)
    run = await world.open_run(task="look after order 7")
    for _ in range(2):
        assert isinstance(await world.call(run, "orders__get", {"order": "7" * LONG}), Refused)
    assert len(held.read) == 2


@pytest.mark.requirement("I6")
async def test_what_is_stopped_is_refused_without_being_read() -> None:
    held = HeldUp()
    world = await world_with(held)
    run = await world.open_run(task=long_words())
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, run.run.id), reason="now", by="operator:ada")
    refused = await world.call(run, "orders__get", {"order": "8123"})
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.KILLED
    assert not held.read


async def test_one_run_takes_one_place_however_many_long_calls_it_makes() -> None:
    held = HeldUp()
    world = await world_with(held)
    greedy, other = await world.open_run(task=long_words()), await world.open_run(task=long_words())
    many = [get(world, greedy, "7") for _ in range(8)]
    try:
        await held.is_reached()
        held.reached.clear()
        one = get(world, other, "7")
        await held.is_reached()
        assert len(held.read) == 2
        assert not one.done()
    finally:
        held.release.set()
    assert all(isinstance(outcome, Returned) for outcome in await asyncio.gather(*many, one))


async def test_somebody_who_went_away_leaves_no_place_taken() -> None:
    held = HeldUp()
    world = await world_with(held)
    run = await world.open_run(task=long_words())
    gone = get(world, run, "7")
    await held.is_reached()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    held.release.set()
    assert isinstance(await world.call(run, "orders__get", {"order": "7"}), Returned)
    assert isinstance(await world.call(run, "orders__get", {"order": "7"}), Returned)


@pytest.mark.requirement("I10")
async def test_what_a_run_was_given_while_its_words_were_read_counts() -> None:
    held = HeldUp()
    shop = rules()
    inferred = tool_rule("orders.get", replace(SINK, authority=None))
    world = await World.build(rules=replace(shop, tools={**shop.tools, inferred.id: inferred}), reading=Reading(held))
    run = await world.open_run(task=long_words())
    waiting = get(world, run, "8123")
    try:
        await held.is_reached()
        await world.store.record(Unit((), (JoinLabel(run.run.id, Label(Trust.UNTRUSTED)),)))
    finally:
        held.release.set()
    refused = await waiting
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.PROVENANCE
