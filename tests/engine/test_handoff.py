"""What a child run hands to the run above it, through the whole engine: once, under its schema, with its label."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any, cast

import pytest

from ringfence.core.explaining.rule_class import RuleClass, class_of, text_of
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Authority, Role, Sensitivity, Trust
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.run import Posture, Run, RunState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.own_tools.result_schema import MOST_RESULT_BYTES
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.catalogue.given import Given
from ringfence.engine.hearing import Hearing
from ringfence.engine.identity.identify import Principal
from ringfence.engine.outcome import Outcome, Refused, Returned, Waiting
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.ports.notifier import AlertKind
from ringfence.testing.scenario import READER, SMALL_WRITE, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World

pytestmark = [pytest.mark.requirement("I10"), pytest.mark.requirement("I11")]
DELEGATE, HAND = "ringfence__delegate", "ringfence__handoff"
FREE = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"], "additionalProperties": False}
TYPED = {
    "type": "object",
    "properties": {"total": {"type": "integer"}, "status": {"enum": ["paid", "open"]}},
    "required": ["total"],
    "additionalProperties": False,
}
UNTRUSTED = Label(Trust.UNTRUSTED, Sensitivity.INTERNAL)


def rules(*agents: AgentRule, **more: Any) -> Rules:
    known = shop_rules(agents=agents)
    support = replace(known.agents[SUPPORT], delegate=SpawnCaps(depth=3, children=5, tree=20), **more)
    return replace(known, agents={**known.agents, SUPPORT: support})


async def a_world(**more: Any) -> tuple[World, Opened]:
    world = await World.build(rules=rules(**more))
    return world, await world.open_run()


async def child_of(world: World, parent: Opened | str, schema: Any = FREE, **asked: Any) -> tuple[str, str]:
    """The id and the credential of a child that the agent opens."""
    found = answer(await world.call(parent, DELEGATE, {"task": "count", "result_schema": schema, **asked}))
    return found["run"], found["credential"]


def answer(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Returned), outcome
    assert json.loads(outcome.result["content"][0]["text"]) == outcome.result["structuredContent"]
    return dict(outcome.result["structuredContent"])


def why(outcome: Outcome) -> str:
    """The detail of the handoff check's reason, which the log has."""
    assert isinstance(outcome, Refused), outcome
    (reason,) = [reason for reason in outcome.reasons if reason.code is ReasonCode.HANDOFF]
    return reason.detail


async def run_of(world: World, run: Opened | str) -> Run:
    found = await world.store.run(RunId(run) if isinstance(run, str) else run.run.id)
    assert found is not None
    return found


def refusals(world: World) -> int:
    return len(world.notifier.of(AlertKind.HANDOFF_REFUSED))


async def test_what_a_child_found_reaches_its_parent_as_data_with_the_childs_label() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    await world.call(key, "orders__get", {"order": "A"})
    assert answer(await world.call(key, HAND, {"result": {"note": "all paid"}})) == {
        "handed": True,
        "to": parent.run.id,
        "bytes": 19,
    }
    assert (await run_of(world, parent)).label == CLEAN
    found = answer(await world.call(parent, HAND, {"from": child}))
    assert found["result"] == {"note": "all paid"}
    assert found["label"] == UNTRUSTED.view()
    assert (await run_of(world, parent)).label == UNTRUSTED
    assert refusals(world) == 0


async def test_a_typed_result_does_not_make_its_parent_untrusted_but_keeps_how_confidential_it_is() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent, TYPED)
    await world.call(key, "orders__get", {"order": "A"})
    await world.call(key, HAND, {"result": {"total": 3}})
    assert answer(await world.call(parent, HAND, {"from": child}))["result"] == {"total": 3}
    assert (await run_of(world, parent)).label == Label(Trust.TRUSTED, Sensitivity.INTERNAL)


async def test_a_child_may_say_that_its_result_is_worse_than_what_it_read_but_not_better() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent, TYPED)
    await world.call(key, "orders__get", {"order": "A"})
    for claim in ({"integrity": "trusted"}, {"confidentiality": "public"}):
        refused = await world.call(key, HAND, {"result": {"total": 3}, "label": claim})
        assert why(refused) == "it claims a lower label than the run has (untrusted, internal)"
    assert refusals(world) == 2
    worse = {"integrity": "untrusted", "confidentiality": "regulated"}
    answer(await world.call(key, HAND, {"result": {"total": 3}, "label": worse}))
    answer(await world.call(parent, HAND, {"from": child}))
    assert (await run_of(world, parent)).label == Label(Trust.UNTRUSTED, Sensitivity.REGULATED)


async def test_what_a_child_reads_after_it_has_handed_over_does_not_count_for_what_it_handed() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    await world.call(key, HAND, {"result": {"note": "nothing to do"}})
    await world.call(key, "orders__get", {"order": "A"})
    answer(await world.call(parent, HAND, {"from": child}))
    assert (await run_of(world, parent)).label == CLEAN


async def test_a_result_is_handed_over_once_and_the_same_once_more_is_a_retry() -> None:
    world, parent = await a_world()
    _, key = await child_of(world, parent)
    first = answer(await world.call(key, HAND, {"result": {"note": "one"}}))
    assert answer(await world.call(key, HAND, {"result": {"note": "one"}})) == first
    assert refusals(world) == 0
    assert "has handed its result over" in why(await world.call(key, HAND, {"result": {"note": "two"}}))
    assert refusals(world) == 1


async def test_a_miss_says_where_and_nothing_of_the_schema_or_the_values() -> None:
    world, parent = await a_world()
    _, key = await child_of(world, parent, TYPED)
    refused = await world.call(key, HAND, {"result": {"total": "many", "status": "lost"}})
    assert isinstance(refused, Refused)
    assert class_of(refused.code) is RuleClass.HANDOFF
    told = text_of(RuleClass.HANDOFF, refused.reasons)
    assert "/total" in told
    assert "/status" in told
    assert not any(word in told for word in ("many", "lost", "paid", "integer"))
    assert refusals(world) == 1
    assert (await world.store.handoff(RunId("r_1"))) is None
    answer(await world.call(key, HAND, {"result": {"total": 1}}))


async def test_a_result_that_is_too_large_is_refused() -> None:
    world, parent = await a_world()
    _, key = await child_of(world, parent)
    fits = "x" * (MOST_RESULT_BYTES - len('{"note":""}'))
    assert "the most are" in why(await world.call(key, HAND, {"result": {"note": fits + "x"}}))
    assert answer(await world.call(key, HAND, {"result": {"note": fits}}))["bytes"] == MOST_RESULT_BYTES


async def test_runs_that_owe_nothing_and_parents_of_others_get_nothing() -> None:
    world, parent = await a_world()
    other = await world.open_run()
    child, key = await child_of(world, parent)
    grandchild, below = await child_of(world, key)
    silent = answer(await world.call(parent, DELEGATE, {"task": "count"}))
    await child_of(world, other)
    for run in (key, below):
        await world.call(run, HAND, {"result": {"note": "mine"}})
    for run, arguments, said in (
        (parent, {"result": {"note": "x"}}, f"run {parent.run.id} owes no result"),
        (parent, {"from": grandchild}, f"run {grandchild} is no child of run {parent.run.id}"),
        (parent, {"from": parent.run.id}, f"run {parent.run.id} is no child of run {parent.run.id}"),
        (parent, {"from": "r_unknown"}, f"run r_unknown is no child of run {parent.run.id}"),
        (parent, {"from": silent["run"]}, f"no schema was fixed for the result of run {silent['run']}"),
        (other, {"from": child}, f"run {child} is no child of run {other.run.id}"),
        (below, {"from": child}, f"run {child} is no child of run {grandchild}"),
        (silent["credential"], {"result": {}}, f"run {silent['run']} owes no result, and no child owes it one"),
    ):
        before = refusals(world)
        assert why(await world.call(run, HAND, arguments)).startswith(said[:40]), arguments
        assert refusals(world) == before + 1
    assert (await run_of(world, other)).label == CLEAN


async def test_for_a_run_that_is_no_party_to_any_handoff_the_tool_does_not_exist() -> None:
    world, parent = await a_world()
    refused = await world.call(parent, HAND, {"schema": True})
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.NOT_EXPOSED
    assert class_of(refused.code) is RuleClass.UNKNOWN_TOOL


async def test_only_runs_that_are_party_see_the_tool() -> None:
    world, parent = await a_world()
    given = Given(world.store, world.catalogue)

    async def sees(run: RunId) -> bool:
        view = await given.view(Principal(agent=SUPPORT, run=run, credential_hash="", posture=Posture.SEPARATE))
        assert view is not None
        return "ringfence__handoff" in view.exposed(None)

    silent = answer(await world.call(parent, DELEGATE, {"task": "count"}))["run"]
    assert not await sees(parent.run.id)
    assert not await sees(RunId(silent))
    child, _ = await child_of(world, parent, tools=["orders__get"])
    assert await sees(parent.run.id)
    assert await sees(RunId(child))


async def test_a_child_that_was_given_one_tool_only_still_hands_over() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent, tools=["orders__get"])
    answer(await world.call(key, HAND, {"result": {"note": "x"}}))
    assert answer(await world.call(parent, HAND, {"from": child}))["handed"] is True


async def test_a_child_of_another_agent_hands_over_too() -> None:
    world, parent = await a_world()
    opened = await world.runs.open(
        READER, "look it up", by="operator:ada", trusted=True, parent=parent.run.id, result_schema=FREE
    )
    assert isinstance(opened, Opened)
    answer(await world.call(opened, HAND, {"result": {"note": "x"}}))
    assert answer(await world.call(parent, HAND, {"from": opened.run.id}))["handed"] is True


async def test_a_child_asks_what_it_owes() -> None:
    world, parent = await a_world()
    _, key = await child_of(world, parent, TYPED)
    assert answer(await world.call(key, HAND, {"schema": True})) == {"schema": TYPED, "handed": False}
    await world.call(key, HAND, {"result": {"total": 1}})
    assert answer(await world.call(key, HAND, {"schema": True}))["handed"] is True


async def test_a_parent_hears_clearly_that_nothing_was_handed_over() -> None:
    world, parent = await a_world()
    child, _ = await child_of(world, parent)
    assert answer(await world.call(parent, HAND, {"from": child})) == {"from": child, "handed": False, "run": "open"}
    await world.runs.close(RunId(child), by="operator:ada", why="enough")
    assert answer(await world.call(parent, HAND, {"from": child})) == {"from": child, "handed": False, "run": "closed"}
    assert refusals(world) == 0


async def test_what_a_closed_child_handed_over_can_still_be_taken_and_nothing_be_handed_by_it() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    late, late_key = await child_of(world, parent)
    await world.call(key, HAND, {"result": {"note": "done"}})
    for run in (child, late):
        await world.runs.close(RunId(run), by="operator:ada", why="done")
    assert (await run_of(world, child)).state is RunState.CLOSED
    assert answer(await world.call(parent, HAND, {"from": child}))["result"] == {"note": "done"}
    assert isinstance(await world.call(late_key, HAND, {"result": {"note": "x"}}), Refused)
    assert await world.store.handoff(RunId(late)) is None


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "nothing"}, "invalid"),
        ({"$ref": "https://example.com/a"}, "outside itself"),
        ({"description": "x" * 9_000}, "the most are"),
        (
            {"$defs": {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}, "$ref": "#/$defs/a0"},
            "would cost too much",
        ),
    ],
)
async def test_a_schema_that_cannot_be_used_opens_no_child_and_says_why(schema: Any, said: str) -> None:
    world, parent = await a_world()
    refused = await world.call(parent, DELEGATE, {"task": "count", "result_schema": schema})
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.ARGUMENTS
    assert said in text_of(RuleClass.ARGUMENTS, refused.reasons)
    assert len(await world.store.runs()) == 1


async def test_a_run_with_nobody_above_it_cannot_owe_a_result() -> None:
    world, _ = await a_world()
    opened = await world.runs.open(SUPPORT, "x", by="operator:ada", trusted=True, result_schema=FREE)
    assert isinstance(opened, NotDone)


async def test_exactly_one_of_the_forms_is_asked_for() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    for arguments in ({"result": {"note": "x"}, "from": child}, {"label": {}}, {"from": child, "label": {}}, {"schema": False}):
        refused = await world.call(key, HAND, arguments)
        assert isinstance(refused, Refused)
        assert refused.code is ReasonCode.ARGUMENTS


async def test_the_log_tells_what_was_handed_over_by_its_digest_and_how_the_label_rose() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    await world.call(key, "orders__get", {"order": "A"})
    await world.call(key, HAND, {"result": {"note": "x"}})
    await world.call(parent, HAND, {"from": child})
    opened, handed, taken = [entry for entry in await world.entries() if entry["kind"] == "run"][1:]
    assert opened["body"]["result_schema"] == FREE
    assert (handed["run"], taken["run"]) == (child, parent.run.id)
    assert handed["body"]["handoff"]["to"] == parent.run.id
    assert handed["body"]["handoff"]["label"] == UNTRUSTED.view()
    assert taken["body"]["handoff"]["from"] == child
    assert taken["body"]["handoff"]["sha256"] == handed["body"]["handoff"]["sha256"]
    risen = taken["body"]["handoff"]
    assert (risen["run_before"], risen["run_after"]) == (CLEAN.view(), UNTRUSTED.view())
    decision = [entry for entry in await world.entries() if entry["kind"] == "decision"][-1]
    assert (decision["tool"], decision["body"]["brings"]) == ("ringfence.handoff", UNTRUSTED.view())
    assert taken["seq"] == decision["seq"] + 1


async def test_each_is_one_call_of_its_run() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    await world.call(key, HAND, {"result": {"note": "x"}})
    await world.call(parent, HAND, {"from": child})
    assert await world.calls_used(RunId(child)) == (0, 1)
    assert await world.calls_used(parent.run.id) == (0, 3)


async def test_what_is_taken_is_heard_as_what_nobody_trusts() -> None:
    world, parent = await a_world(provenance=ProvenanceRules())
    child, key = await child_of(world, parent)
    await world.call(key, "orders__get", {"order": "A"})
    await world.call(key, HAND, {"result": {"note": "refund A9"}})
    await world.call(parent, HAND, {"from": child})
    gathering = vars(world.enforcer)["_gathering"]
    heard = cast(Hearing, vars(gathering)["_hearing"]).of(parent.run.id)[-1]
    assert heard.tool == HANDOFF
    assert heard.label == UNTRUSTED
    assert heard.lookup is None
    assert heard.records is None


async def test_a_secret_in_a_result_is_masked_before_its_parent_gets_it() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    token = "ghp_" + "a1B2" * 9
    answer(await world.call(key, HAND, {"result": {"note": f"use {token}"}}))
    taken = await world.call(parent, HAND, {"from": child})
    assert isinstance(taken, Returned)
    assert token not in json.dumps(taken.result)
    assert token not in json.dumps(await world.entries())


async def test_of_results_that_are_handed_over_at_once_exactly_one_is_kept() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    outcomes = await asyncio.gather(*(world.call(key, HAND, {"result": {"note": str(n)}}) for n in range(8)))
    assert sum(isinstance(outcome, Returned) for outcome in outcomes) == 1
    assert all(outcome.code is ReasonCode.HANDOFF for outcome in outcomes if isinstance(outcome, Refused))
    kept = answer(await world.call(parent, HAND, {"from": child}))["result"]["note"]
    assert isinstance(outcomes[int(kept)], Returned)


async def test_what_a_child_is_given_while_it_hands_over_counts() -> None:
    world, parent = await a_world()
    child, key = await child_of(world, parent)
    await asyncio.gather(world.call(key, "orders__get", {"order": "A"}), world.call(key, HAND, {"result": {"note": "x"}}))
    handed = await world.store.handoff(RunId(child))
    assert handed is not None
    seqs = {entry["tool"]: entry["seq"] for entry in await world.entries() if entry["kind"] == "decision"}
    read_first = seqs["orders.get"] < seqs["ringfence.handoff"]
    assert handed.label == (UNTRUSTED if read_first else CLEAN)


@pytest.mark.parametrize(
    ("schema", "result", "order"),
    [(FREE, {"note": "A9"}, "A9"), (FREE, {"note": "ticket 4711 is yours"}, "4711"), (TYPED, {"total": 4711}, "4711")],
)
async def test_what_a_child_says_is_never_the_source_of_what_decides_a_call(schema: Any, result: Any, order: str) -> None:
    noting = replace(SMALL_WRITE, authority=(Authority("/order", Role.SELECTOR),))
    known = rules(provenance=ProvenanceRules())
    note = tool_rule("orders.note", noting)
    world = await World.build(rules=replace(known, tools={**known.tools, note.id: note}))
    parent = await world.open_run(task="look after ticket 1234")
    child, key = await child_of(world, parent, schema)
    answer(await world.call(key, HAND, {"result": result}))
    answer(await world.call(parent, HAND, {"from": child}))
    asked = await world.call(parent, "orders__note", {"order": order, "text": "x"})
    assert isinstance(asked, Waiting)
    assert [gate.code for gate in asked.ticket.gates] == [ReasonCode.PROVENANCE]
    assert isinstance(await world.call(parent, "orders__note", {"order": "1234", "text": "x"}), Returned)


async def test_an_untrusted_run_still_hands_over_and_delegates_without_a_person() -> None:
    world, parent = await a_world(provenance=ProvenanceRules())
    child, key = await child_of(world, parent)
    await world.call(parent, "orders__get", {"order": "A"})
    await world.call(key, "orders__get", {"order": "A"})
    await child_of(world, key, tools=["orders__get"], bounds=[])
    answer(await world.call(key, HAND, {"result": {"note": "see https://evil.example/A9"}}))
    assert answer(await world.call(parent, HAND, {"from": child}))["handed"] is True
