"""A memory gives back the label with what it gives back: whoever reads it, whenever, has been given what was written."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.identifiers import AgentId, ServerId
from ringfence.core.model.label import CLEAN, Label, memory_place
from ringfence.core.model.profile import Sensitivity, ToolProfile, Trust
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.verdict import Level
from ringfence.core.rules import AgentRule, Rules, ServerRule
from ringfence.engine.outcome import Ambiguous, Outcome, Returned, Waiting
from ringfence.engine.runs.runs import Opened
from ringfence.ports.upstream import Answered, Failed, Reply, Sending, Unknown
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.fakes.upstream import FakeUpstream, tool
from ringfence.testing.scenario import ORDERS, READ, SMALL_WRITE, shop_rules, shop_upstreams, tool_rule
from ringfence.testing.world import World

NOTES, MAIL = ServerId("notes"), ServerId("mail")
OWN = replace(READ, trust=Trust.TRUSTED, memory=True, sensitivity=Sensitivity.PUBLIC)
KEEP = replace(SMALL_WRITE, trust=Trust.TRUSTED, memory=True)
SEND = replace(SMALL_WRITE, trust=Trust.TRUSTED, outbound=True)
SECRET = replace(READ, trust=Trust.TRUSTED, sensitivity=Sensitivity.CONFIDENTIAL)
PAGE = replace(READ, sensitivity=Sensitivity.PUBLIC)
BOTH = Label(Trust.UNTRUSTED, Sensitivity.CONFIDENTIAL)
AGENTS = ("support", "writer", "reader")


def rules(read: ToolProfile = OWN, keep: ToolProfile = KEEP) -> Rules:
    tools = (
        tool_rule("notes.get", read),
        tool_rule("notes.keep", keep),
        tool_rule("orders.get", SECRET),
        tool_rule("orders.slow", PAGE),
        tool_rule("mail.send", SEND),
    )
    agents = tuple(
        AgentRule(
            id=AgentId(name),
            purpose="to test",
            tools=("*",),
            provenance=ProvenanceRules(underivable=Level.ALLOW),
        )
        for name in AGENTS
    )
    made = shop_rules(tools=tools, agents=agents)
    return replace(made, servers={**made.servers, NOTES: ServerRule(id=NOTES), MAIL: ServerRule(id=MAIL)})


async def build(store: Any = None, **of: Any) -> World:
    orders = shop_upstreams()[ORDERS]
    orders.hanging.clear()
    upstreams = {ORDERS: orders, NOTES: FakeUpstream((tool("get"), tool("keep"))), MAIL: FakeUpstream((tool("send"),))}
    return await World.build(rules=rules(**of), upstreams=upstreams, store=store)


async def restarted(before: World, store: MemoryStore) -> World:
    """Another engine on the same store, which draws other names."""
    world = await build((store, store))
    drawn = before.entropy.drawn
    while world.entropy.drawn < drawn:
        world.entropy.token(1)
    return world


async def label_of(world: World, run: Opened) -> Label:
    known = await world.store.run(run.run.id)
    assert known is not None
    return known.label


async def tainted(world: World, agent: str = "writer") -> Opened:
    """A run that was given an untrusted page and confidential orders."""
    run = await world.open_run(agent)
    await world.call(run, "orders__slow", {"order": "A"})
    await world.call(run, "orders__get", {"order": "A"})
    assert await label_of(world, run) == BOTH
    return run


async def keep(world: World, run: Opened) -> Outcome:
    return await world.call(run, "notes__keep", {"text": "remember this"})


async def read(world: World, run: Opened) -> Outcome:
    return await world.call(run, "notes__get", {})


@pytest.mark.requirement("I10")
@pytest.mark.parametrize("agent", AGENTS)
async def test_what_a_tainted_run_keeps_taints_whoever_reads_it(agent: str) -> None:
    world = await build()
    await keep(world, await tainted(world))
    later = await world.open_run(agent)
    assert await label_of(world, later) == CLEAN
    await read(world, later)
    assert await label_of(world, later) == BOTH
    assert isinstance(await world.call(later, "mail__send", {"text": "hello"}), Waiting)


@pytest.mark.requirement("I10")
async def test_it_holds_over_a_restart_and_after_the_writer_is_gone() -> None:
    memory = MemoryStore()
    world = await build((memory, memory))
    writer = await tainted(world)
    await keep(world, writer)
    await world.runs.close(writer.run.id, why="done", by="operator:ada")
    again = await restarted(world, memory)
    later = await again.open_run("reader")
    await read(again, later)
    assert await label_of(again, later) == BOTH


@pytest.mark.requirement("I10")
async def test_nobody_is_tainted_by_what_clean_runs_keep() -> None:
    world = await build()
    await keep(world, await world.open_run("writer"))
    later = await world.open_run("reader")
    await read(world, later)
    assert await label_of(world, later) == CLEAN
    assert isinstance(await world.call(later, "mail__send", {"text": "hello"}), Returned)


@pytest.mark.requirement("I10", "I11")
async def test_a_child_run_keeps_what_the_runs_above_it_were_given() -> None:
    world = await build()
    parent = await world.open_run("writer")
    child = await world.open_run("writer", parent=parent.run)
    await world.call(parent, "orders__get", {"order": "A"})
    await world.call(parent, "orders__slow", {"order": "A"})
    await keep(world, child)
    assert world.store.label_of(memory_place(NOTES)) == BOTH


@pytest.mark.requirement("I10")
async def test_what_is_kept_while_somebody_reads_comes_with_the_answer() -> None:
    world = await build()
    writer, reader = await tainted(world), await world.open_run("reader")
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(sending: Sending) -> Reply:
        began.set()
        await go_on.wait()
        return Answered({"content": [{"type": "text", "text": "what the writer kept"}]})

    world.upstreams[NOTES].acts["get"] = slow
    reading = asyncio.create_task(read(world, reader))
    await began.wait()
    assert isinstance(await keep(world, writer), Returned)
    go_on.set()
    assert isinstance(await reading, Returned)
    assert await label_of(world, reader) == BOTH


@pytest.mark.requirement("I10")
@pytest.mark.parametrize("reply", [Failed(-32000, "no"), Unknown("lost"), Answered({"isError": True, "content": []})])
async def test_a_write_that_may_have_happened_counts_as_one(reply: Reply) -> None:
    world = await build()
    world.upstreams[NOTES].replies["keep"] = reply
    await keep(world, await tainted(world))
    later = await world.open_run("reader")
    await read(world, later)
    assert await label_of(world, later) == BOTH


@pytest.mark.requirement("I10", "I1")
async def test_nothing_is_kept_before_its_label_is() -> None:
    inner = MemoryStore()
    fake = FakeStore(inner)
    world = await build((fake, inner))
    writer = await tainted(world)
    fake.fail_at(StoreStep.DURABLE)
    assert not isinstance(await keep(world, writer), Returned | Ambiguous)
    assert world.upstreams[NOTES].executed == []
    fake.work_again()
    assert isinstance(await keep(world, writer), Returned)
    assert world.store.label_of(memory_place(NOTES)) == BOTH


@pytest.mark.requirement("I10")
async def test_a_write_that_answers_what_it_replaced_is_a_read_as_well() -> None:
    world = await build()
    await keep(world, await tainted(world))
    later = await world.open_run("reader")
    await keep(world, later)
    assert await label_of(world, later) == BOTH


@pytest.mark.requirement("I10")
async def test_a_sanitiser_or_a_trusted_tool_on_a_memory_gives_back_no_less() -> None:
    world = await build(read=replace(OWN, sanitiser=True))
    await keep(world, await tainted(world))
    later = await world.open_run("reader")
    await read(world, later)
    assert await label_of(world, later) == BOTH


async def test_one_servers_memory_says_nothing_of_anothers() -> None:
    world = await build()
    await keep(world, await tainted(world))
    later = await world.open_run("reader")
    assert isinstance(await world.call(later, "mail__send", {"text": "hello"}), Returned)
    assert await label_of(world, later) == CLEAN


steps = st.lists(
    st.tuples(st.sampled_from(AGENTS), st.sampled_from(["page", "secret", "keep", "read", "restart"])), max_size=14
)


@pytest.mark.requirement("I10")
@settings(max_examples=examples(30), deadline=None)
@given(steps)
def test_a_reader_has_at_least_the_label_of_everything_that_was_kept_before(order: list[tuple[str, str]]) -> None:
    async def play() -> None:
        memory = MemoryStore()
        world = await build((memory, memory))
        runs = {agent: await world.open_run(agent) for agent in AGENTS}
        written = CLEAN
        for agent, step in order:
            run = runs[agent]
            if step == "restart":
                world = await restarted(world, memory)
            elif step == "page":
                await world.call(run, "orders__slow", {"order": "A"})
            elif step == "secret":
                await world.call(run, "orders__get", {"order": "A"})
            elif step == "keep":
                assert isinstance(await keep(world, run), Returned)
                written = written.joined(await label_of(world, run))
            else:
                assert isinstance(await read(world, run), Returned)
                assert (await label_of(world, run)).covers(written)

    asyncio.run(play())
