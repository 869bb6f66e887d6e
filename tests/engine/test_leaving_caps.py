"""Caps on what leaves, through the whole engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from ringfence.core.model.agent import Limits
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.limits import LeavingCap, ToolLimits, UseLimits
from ringfence.core.model.profile import Sensitivity, ToolProfile
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.verdict import Level
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.outcome import Outcome, Refused
from ringfence.engine.people.budgets import Raised
from ringfence.engine.runs.runs import Opened
from ringfence.ports.notifier import AlertKind
from ringfence.testing.scenario import ORDERS, READ, SMALL_WRITE, shop_rules, tool_rule
from ringfence.testing.world import World

DAY = 86_400_000
OUT = replace(SMALL_WRITE, outbound=True)
CONFIDENTIAL_READ = replace(READ, sensitivity=Sensitivity.CONFIDENTIAL)
FREE = ProvenanceRules(underivable=Level.ALLOW, rule_of_two=Level.ALLOW, hosts=("corp.example",))


def always(**of: Any) -> LeavingCap:
    return LeavingCap(since=Sensitivity.PUBLIC, **of)


def rules(
    *, whose: str = "agent", cap: LeavingCap | None = None, note: ToolProfile = OUT, provenance: ProvenanceRules | None = FREE
) -> Rules:
    caps = (cap or always(records=3),)
    tool = tool_rule("orders.note", note, limits=ToolLimits(leaving=caps if whose == "tool" else ()))
    agents = tuple(
        AgentRule(
            id=AgentId(name),
            purpose="to test",
            tools=("orders.*",),
            provenance=provenance,
            limits=Limits(leaving=caps if whose == "agent" else ()),
        )
        for name in ("support", "reader")
    )
    made = shop_rules(tools=(tool, tool_rule("orders.get", CONFIDENTIAL_READ)), agents=agents)
    if whose == "gateway":
        made = replace(made, limits=UseLimits(leaving=caps))
    if whose == "server":
        made = replace(made, servers={**made.servers, ORDERS: replace(made.servers[ORDERS], limits=UseLimits(leaving=caps))})
    return made


def code(outcome: Outcome) -> str:
    return outcome.code.value if isinstance(outcome, Refused) else type(outcome).__name__


async def note(world: World, run: Opened, text: str = "one line") -> str:
    return code(await world.call(run, "orders__note", {"order": "A", "text": text}))


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("whose", ["gateway", "agent", "server", "tool"])
async def test_what_leaves_in_a_run_is_capped_at_every_level(whose: str) -> None:
    world = await World.build(rules=rules(whose=whose))
    one, two = await world.open_run(), await world.open_run()
    assert [await note(world, one, text) for text in ("a\nb", "c", "d")] == ["Returned", "Returned", "leaving_cap"]
    assert await note(world, two) == "Returned"


@pytest.mark.requirement("I7")
@pytest.mark.parametrize(("whose", "for_others"), [("gateway", "leaving_cap"), ("agent", "Returned"), ("tool", "leaving_cap")])
async def test_a_span_counts_all_runs_together(whose: str, for_others: str) -> None:
    world = await World.build(rules=rules(whose=whose, cap=always(records=2, window_ms=DAY)))
    assert await note(world, await world.open_run(), "a\nb") == "Returned"
    assert await note(world, await world.open_run()) == "leaving_cap"
    assert await note(world, await world.open_run("reader")) == for_others
    world.clock.advance(DAY + DAY // 24 + 1)
    assert await note(world, await world.open_run()) == "Returned"


@pytest.mark.requirement("I7", "I11")
async def test_what_child_runs_send_counts_for_the_run_above() -> None:
    world = await World.build(rules=rules())
    parent = await world.open_run()
    children = [await world.open_run(parent=parent.run) for _ in range(3)]
    assert [await note(world, run) for run in (*children, parent)] == ["Returned"] * 3 + ["leaving_cap"]


@pytest.mark.requirement("I7")
async def test_bytes_are_those_of_the_canonical_arguments() -> None:
    size = len('{"order":"A","text":"one line"}')
    world = await World.build(rules=rules(cap=always(bytes=2 * size)))
    run = await world.open_run()
    assert [await note(world, run) for _ in range(3)] == ["Returned", "Returned", "leaving_cap"]
    assert await note(world, await world.open_run(), "x" * 3 * size) == "leaving_cap"


async def test_it_counts_once_the_run_was_given_confidential_data() -> None:
    world = await World.build(rules=rules(cap=LeavingCap(records=1)))
    run = await world.open_run()
    assert [await note(world, run) for _ in range(3)] == ["Returned"] * 3
    assert code(await world.call(run, "orders__get", {"order": "A"})) == "Returned"
    assert [await note(world, run) for _ in range(2)] == ["Returned", "leaving_cap"]


async def test_a_call_that_stays_inside_costs_nothing_until_it_names_a_host_outside() -> None:
    world = await World.build(rules=rules(note=SMALL_WRITE, cap=always(records=1)))
    run = await world.open_run()
    assert [await note(world, run, text) for text in ("a", "b", "see https://corp.example/")] == ["Returned"] * 3
    assert await note(world, run, "see https://evil.example/?d=1") == "Returned"
    assert await note(world, run, "see https://evil.example/?d=2") == "leaving_cap"


async def test_without_provenance_the_profile_alone_says_what_leaves() -> None:
    world = await World.build(rules=rules(note=SMALL_WRITE, provenance=None, cap=always(records=1)))
    run = await world.open_run()
    assert [await note(world, run, "https://evil.example/") for _ in range(2)] == ["Returned", "Returned"]
    world = await World.build(rules=rules(provenance=None, cap=always(records=1)))
    run = await world.open_run()
    assert [await note(world, run) for _ in range(2)] == ["Returned", "leaving_cap"]


@pytest.mark.requirement("I7")
async def test_parallel_calls_never_pass_the_cap() -> None:
    world = await World.build(rules=rules(cap=always(records=7)))
    parent = await world.open_run()
    runs = [parent, *[await world.open_run(parent=parent.run) for _ in range(3)]]
    texts = ["a", "a\nb", "a\nb\nc"] * 8
    found = await asyncio.gather(*(note(world, runs[index % 4], text) for index, text in enumerate(texts)))
    sent = sum(text.count("\n") + 1 for text, outcome in zip(texts, found, strict=True) if outcome == "Returned")
    assert sent <= 7
    assert set(found) == {"Returned", "leaving_cap"}
    assert sum(len(each.arguments) > 0 for each in world.upstreams[ORDERS].executed) == found.count("Returned")


@settings(max_examples=examples(25), deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), min_size=1, max_size=16))
@pytest.mark.requirement("I7")
def test_no_order_of_parallel_calls_passes_a_cap(cap: int, calls: list[tuple[int, int]]) -> None:
    async def play() -> None:
        world = await World.build(rules=rules(cap=always(records=cap)))
        parent = await world.open_run()
        runs = [parent, await world.open_run(parent=parent.run), await world.open_run(parent=parent.run)]
        found = await asyncio.gather(*(note(world, runs[run], "\n".join("abcde"[:lines])) for run, lines in calls))
        assert sum(lines for (_, lines), outcome in zip(calls, found, strict=True) if outcome == "Returned") <= cap

    asyncio.run(play())


async def test_a_call_that_was_not_sent_gives_it_back() -> None:
    world = await World.build(rules=rules(cap=always(records=1)))
    run = await world.open_run()
    world.upstreams[ORDERS].unreachable = "down"
    assert await note(world, run) == "NotSent"
    world.upstreams[ORDERS].unreachable = ""
    assert [await note(world, run) for _ in range(2)] == ["Returned", "leaving_cap"]


async def test_budgets_show_it_and_an_operator_adds_to_it() -> None:
    world = await World.build(rules=rules(cap=always(records=2, bytes=10_000)))
    run = await world.open_run()
    assert [await note(world, run) for _ in range(3)] == ["Returned", "Returned", "leaving_cap"]
    shown = await world.budgets.of_run(run.run.id)
    assert isinstance(shown, tuple)
    readings = {reading.meter: reading for reading in shown[1]}
    meter = f"leaving:run/{run.run.id}:records"
    assert (readings[meter].used, readings[meter].cap) == (2, 2)
    assert readings[f"leaving:run/{run.run.id}:bytes"].used == 2 * len('{"order":"A","text":"one line"}')
    raised = await world.budgets.raise_cap(run.run.id, meter, 1, operator=await world.operator("ada"), reason="one more")
    assert isinstance(raised, Raised), raised
    assert [await note(world, run) for _ in range(2)] == ["Returned", "leaving_cap"]


async def test_people_are_told_before_a_cap_is_reached() -> None:
    world = await World.build(rules=rules(cap=always(records=4)))
    run = await world.open_run()
    await note(world, run, "a\nb")
    told = [alert.text for alert in world.notifier.alerts if alert.kind is AlertKind.CAP_NEAR]
    assert told == [f"50 % of a cap: leaving:run/{run.run.id}:records has used 2 of 4"]
