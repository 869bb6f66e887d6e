"""Lowering labels: who may, what stays, and what comes back meanwhile is not lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.labelling import trusted_words
from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.label import CLEAN, Label, agent_place
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.records.retention import KEPT_MS
from ringfence.core.records.unit import Change, Conflict, LowerLabel, Prune, Reserve, Unit
from ringfence.engine.outcome import Refused, Returned, ServerFailed
from ringfence.engine.people.labels import WORST, Holder, Kept, Lowered
from ringfence.engine.request import ClientSide
from ringfence.engine.runs.runs import Continued, NotDone, Opened
from ringfence.ports.identity import Outsider
from ringfence.ports.notifier import AlertKind
from ringfence.ports.store import Receipt
from ringfence.ports.upstream import Failed
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import ORDERS, READ, READER, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World

pytestmark = pytest.mark.requirement("I10")

ORDER = {"order": "A1"}
UNTRUSTED = Label(Trust.UNTRUSTED)
READ_LABEL = Label(Trust.UNTRUSTED, Sensitivity.INTERNAL)
TRUSTED_READ = replace(READ, trust=Trust.TRUSTED, sensitivity=Sensitivity.PUBLIC)


async def endorse(world: World, opened: Opened, by: Operator, reason: str = "read it") -> Lowered | NotDone:
    return await world.labels.endorse(Holder(Kept.RUN, opened.run.id), operator=by, reason=reason)


async def label_of(world: World, opened: Opened) -> Label:
    run = await world.store.run(opened.run.id)
    assert run is not None
    return run.label


async def tainted(world: World, **more: Any) -> Opened:
    opened = await world.open_run(**more)
    assert isinstance(await world.call(opened, "orders__get", ORDER), Returned)
    assert await label_of(world, opened) == READ_LABEL
    return opened


# --- who may ---


async def test_an_approver_of_the_agent_endorses_and_a_viewer_or_somebody_elses_approver_does_not() -> None:
    rules = shop_rules()
    support = replace(rules.agents[SUPPORT], approvers=frozenset({"bob"}), separation=True)
    world = await World.build(rules=replace(rules, agents={**rules.agents, SUPPORT: support}))
    opened = await tainted(world, by="operator:bob")
    bob, cyd, vi = [
        await world.operator(name, role) for name, role in (("bob", Role.APPROVER), ("cyd", Role.ADMIN), ("vi", Role.VIEWER))
    ]
    for who in (vi, cyd, bob):
        assert isinstance(await endorse(world, opened, who), NotDone), who.name
    other = await tainted(world, by="operator:ada")
    assert isinstance(await endorse(world, other, bob), Lowered)
    assert await label_of(world, opened) == READ_LABEL


async def test_only_an_admin_declassifies_what_is_regulated() -> None:
    world = await World.build(
        rules=shop_rules(tools=(tool_rule("orders.get", replace(READ, sensitivity=Sensitivity.REGULATED)),))
    )
    opened = await world.open_run()
    await world.call(opened, "orders__get", ORDER)
    holder = Holder(Kept.RUN, opened.run.id)
    bob, ada = await world.operator("bob", Role.APPROVER), await world.operator("ada")
    assert isinstance(await world.labels.declassify(holder, Sensitivity.PUBLIC, operator=bob, reason="r"), NotDone)
    assert isinstance(await world.labels.declassify(holder, Sensitivity.PUBLIC, operator=ada, reason="r"), Lowered)


async def test_people_are_told_of_it_without_the_reason() -> None:
    world = await World.build()
    opened = await tainted(world)
    done = await endorse(world, opened, await world.operator("ada"), "because order A1 of Ann is fine")
    assert isinstance(done, Lowered)
    (alert,) = [alert for alert in world.notifier.alerts if alert.kind is AlertKind.LABEL_LOWERED]
    assert (alert.path, alert.run) == (f"/audit/{done.entry}", opened.run.id)
    assert "Ann" not in alert.text


# --- what stays ---


async def test_a_run_above_keeps_the_effective_label_and_a_run_below_its_own() -> None:
    world = await World.build()
    root = await tainted(world)
    child = await world.open_run(parent=root.run)
    leaf = await world.open_run(parent=child.run)
    done = await endorse(world, child, await world.operator("ada"))
    assert isinstance(done, Lowered)
    assert (done.after.is_untrusted, done.effective.is_untrusted) == (False, True)
    assert done.above == ((root.run.id, READ_LABEL),)
    assert done.below == (leaf.run.id,)
    assert await label_of(world, leaf) == READ_LABEL


async def test_what_is_trusted_already_is_not_endorsed_and_it_is_said_what_counts() -> None:
    world = await World.build()
    root = await tainted(world)
    child = await world.open_run(parent=root.run)
    ada = await world.operator("ada")
    await endorse(world, child, ada)
    again = await endorse(world, child, ada)
    assert isinstance(again, NotDone)
    assert root.run.id in again.remedy


# --- what comes back meanwhile ---


async def test_nothing_is_endorsed_while_something_untrusted_is_under_way() -> None:
    world = await World.build()
    opened = await tainted(world)
    ada = await world.operator("ada")
    calling = asyncio.create_task(world.call(opened, "orders__slow", ORDER))
    await world.upstreams[ORDERS].until_executed(2)
    refused = await endorse(world, opened, ada)
    assert isinstance(refused, NotDone)
    assert "orders.slow is under way" in refused.why
    world.upstreams[ORDERS].release()
    assert isinstance(await calling, Returned)
    assert isinstance(await endorse(world, opened, ada), Lowered)


class LoweringFirst(FakeStore):
    """An operator's act slips in right before a call is recorded, when its facts have been gathered."""

    change: Change | None = None

    async def record(self, unit: Unit) -> Receipt | Conflict:
        if self.change is not None and any(isinstance(change, Reserve) for change in unit.changes):
            change, self.change = self.change, None
            assert not isinstance(await super().record(Unit((), (change,))), Conflict)
        return await super().record(unit)


async def test_an_endorsement_between_the_facts_of_a_call_and_its_record_does_not_lose_the_label() -> None:
    memory = MemoryStore()
    store = LoweringFirst(memory)
    world = await World.build(store=(store, memory))
    opened = await tainted(world)
    store.change = LowerLabel(opened.run.id, CLEAN, READ_LABEL)
    assert isinstance(await world.call(opened, "orders__get", ORDER), Returned)
    assert store.change is None
    assert await label_of(world, opened) == READ_LABEL


async def test_the_error_of_a_trusted_tool_makes_a_run_untrusted_that_was_endorsed_meanwhile() -> None:
    world = await World.build(rules=shop_rules(tools=(tool_rule("orders.slow", TRUSTED_READ),)))
    world.upstreams[ORDERS].replies["slow"] = Failed(-1, "see https://evil.example")
    opened = await tainted(world)
    calling = asyncio.create_task(world.call(opened, "orders__slow", ORDER))
    await world.upstreams[ORDERS].until_executed(2)
    assert isinstance(await endorse(world, opened, await world.operator("ada")), Lowered)
    world.upstreams[ORDERS].release()
    assert isinstance(await calling, ServerFailed)
    assert (await label_of(world, opened)).is_untrusted


async def test_a_client_is_told_of_progress_only_when_the_label_is_in_the_journal() -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    world = await World.build(store=(store, memory))
    orders = world.upstreams[ORDERS]
    orders.progress["get"] = ({"progress": 1, "message": "half"},)
    opened = await world.open_run()
    heard: list[object] = []
    store.fail_at(StoreStep.JOURNALED)
    outcome = await world.call(opened, "orders__get", ORDER, client=ClientSide(on_progress=heard.append))
    assert isinstance(outcome, Refused)
    assert (heard, orders.executed) == ([], [])
    store.work_again()
    await world.call(opened, "orders__get", ORDER, client=ClientSide(on_progress=heard.append))
    assert len(heard) == 1


# --- runs that no operator opened ---


async def test_the_next_run_of_an_agents_own_begins_where_the_last_ended_and_an_operators_does_not() -> None:
    world = await World.build()
    first = await tainted(world, by="agent:support")
    await world.runs.close(first.run.id, by="agent:support", why="done")
    assert await label_of(world, await world.open_run(by="agent:support")) == READ_LABEL
    assert await label_of(world, await world.open_run(by="gateway")) == READ_LABEL
    assert await label_of(world, await world.open_run(by="operator:ada")) == CLEAN
    assert await label_of(world, await world.open_run(agent="reader", by="agent:reader")) == CLEAN


async def test_a_standing_run_that_an_operator_resets_begins_clean() -> None:
    world = await World.build()
    await tainted(world, by="agent:support")
    opened = await world.runs.reset_standing(SUPPORT, by="operator:ada")
    assert isinstance(opened, Opened)
    assert await label_of(world, opened) == CLEAN


async def test_somebody_outside_who_is_let_in_again_has_the_label_that_they_had() -> None:
    world = await World.build()
    outsider = Outsider(
        subject="https://issuer.example#u1",
        agent=SUPPORT,
        until=world.clock.now() + 3_600_000,
        binding="",
        still=lambda: True,
        token=None,
    )
    admitted = await world.outsiders.admit(outsider)
    assert not isinstance(admitted, str)
    await world.store.record(Unit((), (LowerLabel(admitted.run, READ_LABEL, CLEAN),)))
    run = await world.outsiders.readmit(admitted.run, by="operator:ada")
    assert not isinstance(run, NotDone)
    known = await world.store.run(run.id)
    assert known is not None
    assert known.label == READ_LABEL
    assert world.store.label_of(agent_place(SUPPORT)) == READ_LABEL


# --- going on ---


async def test_a_run_goes_on_with_the_label_of_a_closed_one_and_its_words_only_if_the_operator_says_so() -> None:
    world = await World.build()
    opened = await tainted(world)
    await world.steering.say(opened.run.id, "and write to ann", operator=await world.operator("bob"))
    await world.runs.close(opened.run.id, by="operator:ada", why="done")
    for with_words, texts in ((False, []), (True, ["look after ticket 7", "and write to ann"])):
        continued = await world.labels.continued(opened.run.id, with_words=with_words)
        assert isinstance(continued, Continued)
        assert continued.label == READ_LABEL
        assert [words.text for words in continued.words] == texts


async def test_a_run_that_only_the_log_still_knows_is_taken_for_the_worst() -> None:
    world = await World.build()
    opened = await tainted(world)
    await world.runs.close(opened.run.id, by="operator:ada", why="done")
    await world.store.record(Unit((), (Prune(world.clock.now() + KEPT_MS + 1),)))
    assert await world.store.run(opened.run.id) is None
    continued = await world.labels.continued(opened.run.id, with_words=False)
    assert isinstance(continued, Continued)
    assert continued.label == WORST
    assert isinstance(await world.labels.continued(opened.run.id, with_words=True), NotDone)
    assert isinstance(await world.labels.continued(RunId("r_never"), with_words=False), NotDone)


# --- words ---


async def test_what_an_operator_adds_counts_for_the_run_and_those_below_it() -> None:
    world = await World.build()
    root = await world.open_run(task="close ticket 7")
    told = await world.runs.open(AgentId(READER), "look up A1", by="agent:support", trusted=False, parent=root.run.id)
    assert isinstance(told, Opened)
    await world.steering.say(root.run.id, "and write to ann", operator=await world.operator("bob", Role.APPROVER))
    state = [await world.store.run(one.run.id) for one in (told, root)]
    words = trusted_words([run for run in state if run is not None])
    assert [(said.text, said.by) for said in words] == [
        ("close ticket 7", "operator:ada"),
        ("and write to ann", "operator:bob"),
    ]


async def test_a_viewer_says_nothing_and_nothing_is_said_to_a_run_that_has_ended() -> None:
    world = await World.build()
    opened = await world.open_run()
    vi, ada = await world.operator("vi", Role.VIEWER), await world.operator("ada")
    assert isinstance(await world.steering.say(opened.run.id, "x", operator=vi), NotDone)
    await world.runs.close(opened.run.id, by="operator:ada", why="done")
    assert isinstance(await world.steering.say(opened.run.id, "x", operator=ada), NotDone)


async def test_words_that_fit_no_entry_are_refused_and_not_cut() -> None:
    world = await World.build()
    opened = await world.open_run()
    ada = await world.operator("ada")
    assert isinstance(await world.steering.say(opened.run.id, "\U0001f98a" * 20_000, operator=ada), NotDone)
    run = await world.store.run(opened.run.id)
    assert run is not None
    assert run.words == ()
