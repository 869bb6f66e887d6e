"""Runs that go in circles are paused by the gateway itself, over tools and models and along the tree; others go on."""

from __future__ import annotations

import asyncio

import pytest
from tests.engine.guards_kit import ask, guarded, pauses, world_of

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.guards import NO_GUARDS, Burning, GuardRules
from ringfence.core.model.limits import ToolLimits
from ringfence.core.model.operator import Role
from ringfence.core.model.stop import ScopeKind, StopMode
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.runs.runs import Opened
from ringfence.engine.stopping.stops import Lifted
from ringfence.ports.notifier import AlertKind
from ringfence.ports.upstream import Answered
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import READ, SMALL_WRITE, tool_rule
from ringfence.testing.world import World

NOTE = tool_rule("orders.note", SMALL_WRITE)


async def until_paused(world: World, run: Opened, call: tuple[str, dict[str, object]], most: int = 100, rest: int = 0) -> int:
    """How many calls are executed before the run is paused."""
    name, arguments = call
    for number in range(most):
        outcome = await world.call(run, name, arguments)
        if isinstance(outcome, Refused):
            assert outcome.code.value == "paused"
            return number
        world.clock.advance(rest)
    return most


@pytest.mark.requirement("I7")
async def test_the_same_call_pauses_its_run_and_says_which_guard() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    assert await until_paused(world, run, ("orders__get", {"order": "A"})) == 21
    (stop,) = await pauses(world)
    assert (stop.mode, stop.scope.kind, stop.scope.target) == (StopMode.PAUSE, ScopeKind.RUN, run.run.id)
    assert stop.by == "guard:identical"
    assert "20 calls in a row that brought nothing new" in stop.reason
    (entry,) = [entry for entry in await world.entries() if entry["kind"] == "control" and entry["decision"] == "pause"]
    assert (entry["by"], entry["body"]["reason"]) == (stop.by, stop.reason)


async def test_people_are_warned_before_and_told_of_the_pause() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    await until_paused(world, run, ("orders__get", {"order": "A"}))
    warned, stopped = [alert for alert in world.notifier.alerts if alert.kind in (AlertKind.LOOPING, AlertKind.KILL)]
    assert (warned.kind, warned.run, warned.agent) == (AlertKind.LOOPING, run.run.id, "support")
    assert (stopped.kind, stopped.run) == (AlertKind.KILL, run.run.id)
    assert "by guard:identical: 20 calls in a row that brought nothing new" in stopped.text


@pytest.mark.requirement("I7")
async def test_a_run_that_is_let_go_on_begins_anew() -> None:
    world = await world_of(guarded())
    run, ada = await world.open_run(), await world.operator("ada", Role.APPROVER)
    first = await until_paused(world, run, ("orders__get", {"order": "A"}))
    (stop,) = await pauses(world)
    assert isinstance(await world.stops.lift(stop.id, ada, reason="looked at it", confirmed=False), Lifted)
    assert await until_paused(world, run, ("orders__get", {"order": "A"})) == first


async def test_other_runs_of_the_agent_go_on() -> None:
    world = await world_of(guarded())
    run, other = await world.open_run(), await world.open_run()
    await until_paused(world, run, ("orders__get", {"order": "A"}))
    assert isinstance(await world.call(other, "orders__get", {"order": "A"}), Returned)


@pytest.mark.requirement("I7")
async def test_a_status_that_is_asked_calmly_or_of_a_polling_tool_is_no_loop() -> None:
    world = await world_of(guarded())
    assert await until_paused(world, await world.open_run(), ("orders__get", {"order": "A"}), 200, rest=6_000) == 200
    polling = await world_of(guarded(tool_rule("orders.get", READ, limits=ToolLimits(polling=True))))
    assert await until_paused(polling, await polling.open_run(), ("orders__get", {"order": "A"}), 200) == 200


async def test_calls_that_differ_in_a_counter_alone_pause_their_run() -> None:
    world = await world_of(guarded(NOTE))
    world.upstreams[NOTE.server].replies["note"] = Answered({"content": [{"type": "text", "text": "ok"}]})
    run = await world.open_run()
    number = 0
    for number in range(100):
        outcome = await world.call(run, "orders__note", {"order": "A", "text": f"attempt {number}"})
        if isinstance(outcome, Refused):
            break
    assert (number, [stop.by for stop in await pauses(world)]) == (41, ["guard:alike"])


async def test_a_tool_that_fails_again_and_again_pauses_its_run_whatever_it_is_asked() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    number = 0
    for number in range(100):
        outcome = await world.call(run, "orders__boom", {"order": str(number)})
        if isinstance(outcome, Refused):
            break
    assert (number, [stop.by for stop in await pauses(world)]) == (20, ["guard:failing"])


async def test_a_run_that_asks_again_for_what_is_refused_is_paused() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    codes = [await world.call(run, "orders__get", {"order": 7}) for _ in range(22)]
    assert [refused.code.value for refused in codes if isinstance(refused, Refused)] == ["arguments"] * 20 + ["paused"] * 2
    assert [stop.by for stop in await pauses(world)] == ["guard:failing"]


async def test_what_people_are_told_holds_no_word_of_the_agents() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    for _ in range(22):
        await world.call(run, "look__at_this", {"order": "urgent"})
    (stop,) = await pauses(world)
    assert (stop.by, "a tool that does not exist" in stop.reason) == ("guard:failing", True)
    assert not any("look" in alert.text for alert in world.notifier.alerts)


@pytest.mark.requirement("I7")
async def test_a_model_that_gets_nowhere_is_paused_after_a_known_number_of_requests() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    asked = 0
    while not await pauses(world):
        asked += 1
        await ask(world, run, "begin", f"version {asked}", f"check version {asked}")
    assert asked == 13
    assert [stop.by for stop in await pauses(world)] == ["guard:no_progress"]


async def test_a_batch_of_different_documents_is_work() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    for number in range(60):
        await ask(world, run, f"is document {number} a letter?")
    assert await pauses(world) == []


@pytest.mark.requirement("I7")
async def test_spending_far_above_the_past_pauses_the_whole_tree() -> None:
    rules = guarded(guards=GuardRules(burn=Burning(floor_micro=1)))
    costs = {"input_tokens": 100, "output_tokens": 1}
    world = await world_of(rules, lambda _: costs)
    root = await world.open_run()
    child = await world.open_run(parent=root.run)
    for minute in range(6):
        await ask(world, root, f"document {minute}")
        world.clock.advance(60_000)
    costs["input_tokens"] = 3_000
    await ask(world, child, "another document")
    (stop,) = await pauses(world)
    assert (stop.by, stop.scope.target) == ("guard:burn", root.run.id)


async def test_work_that_is_handed_to_and_fro_pauses_the_tree_and_not_the_child() -> None:
    world = await world_of(guarded())
    root = await world.open_run()
    number = 0
    for number in range(60):
        outcome = await world.call(root, "ringfence__delegate", {"task": f"check answer {number}"})
        if isinstance(outcome, Refused):
            break
    (stop,) = await pauses(world)
    assert (number, stop.by, stop.scope.target) == (25, "guard:ping_pong", root.run.id)


async def test_nothing_is_paused_where_guards_are_off() -> None:
    for guards in (None, NO_GUARDS):
        world = await world_of(guarded(guards=guards))
        assert await until_paused(world, await world.open_run(), ("orders__get", {"order": "A"}), 60) == 60


async def test_what_runs_did_is_forgotten_when_they_end_or_are_quiet_for_long() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    for _ in range(12):
        await world.call(run, "orders__get", {"order": "A"})
    assert world.guards.warnings(run.run.id) == ("identical",)
    world.clock.advance(3600 * 1000 + 1)
    other = await world.open_run()
    await world.call(other, "orders__get", {"order": "A"})
    assert world.guards.warnings(run.run.id) == ()
    for _ in range(12):
        await world.call(other, "orders__get", {"order": "A"})
    await world.runs.close(other.run.id, by="operator:ada", why="done")
    assert world.guards.warnings(other.run.id) == ()


async def test_many_calls_at_once_lead_to_one_pause() -> None:
    world = await world_of(guarded())
    run = await world.open_run()
    await asyncio.gather(*(world.call(run, "orders__get", {"order": "A"}) for _ in range(200)))
    assert [stop.by for stop in await pauses(world)] == ["guard:identical"]


async def test_a_run_whose_pause_cannot_be_written_is_held_all_the_same() -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    world = await World.build(rules=guarded(), store=(store, memory))
    run = await world.open_run()
    for _ in range(20):
        await world.call(run, "orders__get", {"order": "A"})
    store.fail_at(StoreStep.DURABLE)
    await world.call(run, "orders__get", {"order": "A"})
    assert isinstance(await world.call(run, "orders__get", {"order": "A"}), Refused)
