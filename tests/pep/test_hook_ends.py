"""A client says that it ends: what ends with it, and what a later conversation hears."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.pep.hook_world import HookWorld, coder, decision_of

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.egress.opening import Admitted, Opening
from ringfence.core.model.egress import EgressRule, EgressRules
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.run import Posture, RunState
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.testing.asgi import Exchange
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import SUPPORT
from ringfence.testing.world import presented

FOR_GOOD = ["logout", "prompt_input_exit"]
ENDED = "this run has ended"


async def state_of(hooks: HookWorld, opened: Opened | None = None) -> RunState:
    run = await hooks.world.store.run((opened or hooks.run).run.id)
    assert run is not None
    return run.state


async def start(hooks: HookWorld, conversation: str = "s1", source: str = "startup") -> None:
    await hooks.post(hooks.event("SessionStart", source=source, session_id=conversation))


async def end(hooks: HookWorld, reason: str = "prompt_input_exit", conversation: str = "s1") -> None:
    assert await hooks.post(hooks.event("SessionEnd", reason=reason, session_id=conversation)) == {}


async def left_waiting(hooks: HookWorld, command: str = "rm -rf a") -> Ticket:
    """The ticket of a call that nobody has decided in time."""
    held = hooks.begin(hooks.bash(command))
    await hooks.world.clock.until_sleeping()
    hooks.world.clock.advance(31_000)
    await held.done()
    (ticket,) = await hooks.world.store.tickets(frozenset({TicketState.PENDING}))
    return ticket


async def kept_run(hooks: HookWorld) -> Opened:
    opened = await hooks.world.runs.open(SUPPORT, "task", by="operator:ada", trusted=True, is_kept=True)
    assert not isinstance(opened, NotDone)
    return opened


@pytest.mark.parametrize("reason", FOR_GOOD)
async def test_a_run_ends_with_the_client_that_a_person_has_left_and_the_log_says_who_and_why(reason: str) -> None:
    hooks = await HookWorld.open()
    await start(hooks)
    await end(hooks, reason)
    assert await state_of(hooks) is RunState.CLOSED
    (entry,) = [entry for entry in await hooks.entries("run") if entry["summary"].startswith("run closed")]
    assert (entry["by"], entry["body"]["why"]) == ("agent:support", f"its client has ended ({reason})")


async def test_what_waits_for_a_person_is_withdrawn_and_what_is_under_way_is_settled_when_a_run_ends() -> None:
    hooks = await HookWorld.open()
    await start(hooks)
    ticket = await left_waiting(hooks)
    await hooks.ask("touch a", "u1")
    await end(hooks)
    after = await hooks.world.store.ticket(ticket.id)
    assert after is not None
    assert (after.state, after.closed_why) == (TicketState.WITHDRAWN, "its client has ended (prompt_input_exit)")
    assert await hooks.outcomes() == ["ambiguous"]


async def test_ways_out_of_a_run_are_closed_with_it() -> None:
    agent = replace(coder(), egress=EgressRules(rules=(EgressRule(host="pypi.example.com"),)))
    hooks = await HookWorld.open(agent=agent)
    way = await hooks.world.connections.admit(presented(hooks.run), Opening("pypi.example.com", 443))
    assert isinstance(way, Admitted)
    await end(hooks)
    assert not hooks.world.connections.lives(way)
    await hooks.world.connections.close()


@pytest.mark.requirement("I3")
async def test_a_conversation_that_is_resumed_hears_at_every_gate_that_its_run_has_ended() -> None:
    hooks = await HookWorld.open()
    await start(hooks)
    await end(hooks)
    await start(hooks, source="resume")
    blocked = await hooks.post(hooks.event("UserPromptSubmit", prompt="go on"))
    assert blocked["decision"] == "block"
    assert ENDED in blocked["reason"]
    denied = await hooks.ask("cat a")
    assert denied["permissionDecision"] == "deny"
    assert ENDED in denied["permissionDecisionReason"]
    late = await hooks.after("cat a", "u1", "the result")
    assert "the result" not in str(late)


async def test_a_run_whose_time_is_over_says_so_and_an_unknown_credential_is_told_nothing() -> None:
    hooks = await HookWorld.open()
    hooks.world.clock.advance(901_000)
    assert ENDED in (await hooks.ask("cat a"))["permissionDecisionReason"]
    nobody = decision_of(await hooks.post(hooks.bash("cat a"), authorization="Bearer rf_run_nobody"))
    assert "credential not accepted" in nobody["permissionDecisionReason"]


async def test_whoever_shows_a_bound_credential_from_elsewhere_is_not_told_that_its_run_has_ended() -> None:
    hooks = await HookWorld.open()
    bound = await hooks.world.runs.open(SUPPORT, "task", by="operator:ada", trusted=True, binding="uid:1000")
    assert not isinstance(bound, NotDone)
    await hooks.world.runs.close(bound.run.id, by="operator:ada", why="done")
    answer = await hooks.post(hooks.bash("cat a"), authorization=f"Bearer {bound.credential}")
    assert "credential not accepted" in decision_of(answer)["permissionDecisionReason"]


@pytest.mark.parametrize("reason", ["clear", "resume", "other", "bypass", "", "Logout", "prompt_input_exit "])
async def test_a_conversation_that_ends_in_another_way_ends_its_calls_and_not_its_run(reason: str) -> None:
    hooks = await HookWorld.open()
    await start(hooks)
    ticket = await left_waiting(hooks)
    await hooks.ask("touch a", "u1")
    await end(hooks, reason)
    assert await state_of(hooks) is RunState.OPEN
    assert await hooks.outcomes() == ["ambiguous"]
    await hooks.world.approve(ticket)
    assert (await hooks.ask("rm -rf a", session_id="s2"))["permissionDecision"] == "allow"


async def test_a_client_that_goes_on_in_another_conversation_ends_its_run_with_the_last_one() -> None:
    hooks = await HookWorld.open()
    await start(hooks, "s1")
    await end(hooks, "clear", "s1")
    await start(hooks, "s2", "clear")
    await end(hooks, "resume", "s2")
    await start(hooks, "s1", "resume")
    assert await state_of(hooks) is RunState.OPEN
    await end(hooks, conversation="s1")
    assert await state_of(hooks) is RunState.CLOSED


async def test_one_of_two_conversations_ends_nothing_of_the_other_and_the_last_ends_the_run() -> None:
    hooks = await HookWorld.open()
    await start(hooks, "s1")
    await hooks.ask("touch b", "u2", session_id="s2")
    await end(hooks, conversation="s1")
    assert await state_of(hooks) is RunState.OPEN
    assert await hooks.outcomes() == []
    await end(hooks, conversation="s2")
    assert await state_of(hooks) is RunState.CLOSED


async def test_of_more_conversations_than_are_told_apart_none_ends_the_run() -> None:
    hooks = await HookWorld.open()
    for number in range(40):
        await start(hooks, f"s{number}")
    for number in range(40):
        await end(hooks, conversation=f"s{number}")
    assert await state_of(hooks) is RunState.OPEN


async def test_what_a_child_run_does_ends_its_own_run_alone() -> None:
    hooks = await HookWorld.open()
    child = await hooks.world.open_run(parent=hooks.run.run)
    answer = await hooks.post(hooks.event("SessionEnd", reason="logout"), authorization=f"Bearer {child.credential}")
    assert answer == {}
    assert await state_of(hooks, child) is RunState.CLOSED
    assert await state_of(hooks) is RunState.OPEN


async def test_a_run_that_somebody_else_ends_does_not_end_with_a_client() -> None:
    boxed = await HookWorld.open(posture=Posture.BOXED)
    await end(boxed)
    assert await state_of(boxed) is RunState.OPEN

    hooks = await HookWorld.open()
    kept = await kept_run(hooks)
    standing = await hooks.world.runs.reset_standing(SUPPORT, by="operator:ada")
    assert not isinstance(standing, NotDone)
    for opened in (kept, standing):
        await hooks.post(hooks.event("SessionEnd", reason="logout"), authorization=f"Bearer {opened.credential}")
        assert await state_of(hooks, opened) is RunState.OPEN


async def test_a_gateway_that_was_started_again_ends_no_run_of_before_since_it_knows_not_who_uses_it() -> None:
    store = MemoryStore()
    before = await HookWorld.open(store=(store, store))
    await start(before, "s1")
    await start(before, "s2")
    after = await before.started_again(store)
    await end(after, conversation="s1")
    assert await state_of(after) is RunState.OPEN


@pytest.mark.requirement("I6")
async def test_the_end_of_a_client_lifts_no_stop_and_opens_nothing() -> None:
    hooks = await HookWorld.open()
    await hooks.world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, hooks.run.run.id), reason="enough", by="operator:ada")
    answer = await hooks.post(hooks.event("SessionEnd", reason="logout"))
    assert answer["continue"] is False
    assert len(await hooks.world.store.stops()) == 1
    assert (await hooks.ask("cat a"))["permissionDecision"] == "deny"


async def test_a_client_that_is_gone_before_it_is_answered_has_ended_its_run_all_the_same() -> None:
    hooks = await HookWorld.open()
    await start(hooks)
    ticket = await left_waiting(hooks)
    gone: list[Exchange] = []
    is_over = asyncio.Event()

    async def leave(run: RunId, why: str) -> None:
        gone[0].leave()
        await is_over.wait()

    hooks.world.runs.on_close.append(leave)
    gone.append(hooks.begin(hooks.event("SessionEnd", reason="prompt_input_exit")))
    exchange = await gone[0].done()
    assert exchange.status == 0
    is_over.set()
    await hooks.world.hooks.close()
    after = await hooks.world.store.ticket(ticket.id)
    assert after is not None
    assert (await state_of(hooks), after.state) == (RunState.CLOSED, TicketState.WITHDRAWN)


async def test_two_ends_at_once_are_one() -> None:
    hooks = await HookWorld.open()
    await start(hooks)
    await asyncio.gather(*(hooks.post(hooks.event("SessionEnd", reason="logout")) for _ in range(5)))
    closed = [entry for entry in await hooks.entries("run") if entry["summary"].startswith("run closed")]
    assert len(closed) == 1


async def test_a_store_that_does_not_answer_leaves_the_run_as_it_is() -> None:
    memory = MemoryStore()
    store = FakeStore(memory)
    hooks = await HookWorld.open(store=(store, memory))
    await start(hooks)
    store.fail_at(StoreStep.RECORD)
    await hooks.post(hooks.event("SessionEnd", reason="logout"))
    store.work_again()
    assert await state_of(hooks) is RunState.OPEN
    await end(hooks)
    assert await state_of(hooks) is RunState.CLOSED
