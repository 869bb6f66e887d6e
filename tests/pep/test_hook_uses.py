"""A use of a client's own tool, from its first hook to its last: one call, decided and recorded like every other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.pep.hook_world import CWD, KEY, HookWorld, coder, decision_of

from ringfence.adapters.pep.hook.dialects.claude_code import ClaudeCode
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.rules import AgentRule, PersonalArguments, PersonalRule, ScanRule
from ringfence.core.scan.personal import Personal
from ringfence.engine.local.asked import Event, Say
from ringfence.engine.runs.runs import NotDone
from ringfence.testing.scenario import SUPPORT
from ringfence.testing.world import presented


@pytest.mark.requirement("I1", "I9")
async def test_an_allowed_command_is_recorded_before_the_client_hears_of_it_and_settled_by_its_result() -> None:
    hooks = await HookWorld.open()
    answer = await hooks.ask("touch a", "toolu_x", agent_id="a7")
    assert answer == {"hookEventName": "PreToolUse", "permissionDecision": "allow"}
    (decision,) = await hooks.entries("decision")
    assert decision["tool"] == "local.Bash"
    assert decision["decision"] == "allow"
    assert decision["body"]["arguments"] == {"input": {"command": "touch a"}, "cwd": CWD}
    assert decision["body"]["tool_use"] == "toolu_x"
    assert decision["body"]["said"] == {"session": "s1", "agent": "a7", "mode": "default"}
    assert decision["body"]["local"]["acts"] == [{"text": "touch a"}]
    assert await hooks.world.calls_used(hooks.run.run.id) == (1, 0)
    assert await hooks.after("touch a", "toolu_x") == {}
    assert await hooks.outcomes() == ["returned"]
    assert await hooks.world.calls_used(hooks.run.run.id) == (0, 1)


async def test_a_long_file_is_written_like_a_short_one() -> None:
    hooks = await HookWorld.open()
    answer = await hooks.post(hooks.before("Write", {"file_path": f"{CWD}/a", "content": "a line\n" * 300_000}))
    assert decision_of(answer)["permissionDecision"] == "allow"
    assert hooks.world.local.under_way == 1


async def test_a_command_that_failed_is_settled_as_one() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    assert await hooks.failed("cat a", "u1", "Exit code 1\nno such file") == {}
    (outcome,) = await hooks.entries("outcome")
    assert outcome["decision"] == "returned"
    assert outcome["body"]["is_error"] is True
    run = await hooks.world.store.run(hooks.run.run.id)
    assert run is not None
    assert not run.label.is_untrusted, "what a command of its own says as it fails is what its profile says"


@pytest.mark.requirement("I4")
async def test_what_cannot_be_undone_waits_for_a_person_and_runs_when_it_is_approved_meanwhile() -> None:
    hooks = await HookWorld.open()
    held = hooks.begin(hooks.bash("rm -rf a", "u1"))
    ticket = await the_ticket(hooks)
    assert not held.task.done()
    await hooks.world.approve(ticket)
    answer = decision_of((await held.done()).json)
    assert answer["permissionDecision"] == "allow"
    assert [entry["decision"] for entry in await hooks.entries("decision")] == ["ask", "allow"]
    assert await hooks.world.calls_used(hooks.run.run.id) == (1, 0), "asked and counted once"


@pytest.mark.requirement("I4")
async def test_two_uses_at_once_wait_each_for_its_own_word() -> None:
    hooks = await HookWorld.open()
    held = [hooks.begin(hooks.bash(f"rm -rf {name}")) for name in "ab"]
    for _ in range(200):
        await asyncio.sleep(0)
    waiting = await hooks.world.store.tickets(frozenset({TicketState.PENDING}))
    assert len(waiting) == 2
    await hooks.world.approve(waiting[0].id)
    await hooks.world.deny(waiting[1].id)
    answers = [decision_of((await each.done()).json)["permissionDecision"] for each in held]
    assert sorted(answers) == ["allow", "deny"]


@pytest.mark.requirement("I4")
async def test_what_nobody_stands_still_for_gives_way_to_the_next_ask() -> None:
    hooks = await HookWorld.open()
    for name in "abc":
        held = hooks.begin(hooks.bash(f"rm -rf {name}"))
        await until_waiting(hooks)
        held.leave()
        await held.done()
    (ticket,) = await hooks.world.store.tickets(frozenset({TicketState.PENDING}))
    assert b"rm -rf c" in ticket.arguments


@pytest.mark.requirement("I4")
async def test_a_person_who_says_no_is_heard_at_once() -> None:
    hooks = await HookWorld.open()
    held = hooks.begin(hooks.bash("rm -rf a"))
    await hooks.world.deny(await the_ticket(hooks))
    answer = decision_of((await held.done()).json)
    assert answer["permissionDecision"] == "deny"
    assert "a person has denied this call" in answer["permissionDecisionReason"]


@pytest.mark.requirement("I4")
async def test_without_a_word_in_time_it_is_denied_with_its_ticket_and_the_same_call_runs_later() -> None:
    hooks = await HookWorld.open()
    held = hooks.begin(hooks.bash("rm -rf a"))
    ticket = await the_ticket(hooks)
    hooks.world.clock.advance(31_000)
    answer = decision_of((await held.done()).json)
    assert answer["permissionDecision"] == "deny"
    assert ticket in answer["permissionDecisionReason"]
    assert "continue" not in answer, "the agent may do something else meanwhile"
    await hooks.world.approve(ticket)
    assert (await hooks.ask("rm -rf a"))["permissionDecision"] == "allow"


@pytest.mark.requirement("I4")
async def test_a_run_does_not_end_over_waiting_for_a_person() -> None:
    hooks = await HookWorld.open()
    hooks.world.clock.advance(890_000)
    held = hooks.begin(hooks.bash("rm -rf a"))
    ticket = await the_ticket(hooks)
    hooks.world.clock.advance(20_000)
    await hooks.world.approve(ticket)
    assert decision_of((await held.done()).json)["permissionDecision"] == "allow"


async def test_the_same_command_elsewhere_is_another_call() -> None:
    hooks = await HookWorld.open()
    held = hooks.begin(hooks.bash("rm -rf a"))
    await hooks.world.approve(await the_ticket(hooks))
    await held.done()
    elsewhere = hooks.begin(hooks.bash("rm -rf a", cwd="/home/ada"))
    await until_waiting(hooks)
    assert not elsewhere.task.done()
    elsewhere.leave()
    await elsewhere.done()


async def test_a_client_that_leaves_while_it_waits_is_not_let_through_and_its_approval_stays_for_the_next_try() -> None:
    hooks = await HookWorld.open()
    held = hooks.begin(hooks.bash("rm -rf a"))
    ticket = await the_ticket(hooks)
    held.leave()
    await held.done()
    await hooks.world.approve(ticket)
    assert await hooks.world.calls_used(hooks.run.run.id) == (0, 0)
    assert (await hooks.ask("rm -rf a"))["permissionDecision"] == "allow"


@pytest.mark.requirement("I6")
async def test_a_kill_is_a_denial_that_ends_the_turn_at_every_later_event() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("touch a", "u1")
    stopped = await hooks.world.stops.stop(
        StopMode.KILL, Scope(ScopeKind.RUN, hooks.run.run.id), reason="enough", by="operator:ada"
    )
    assert not isinstance(stopped, NotDone)
    assert [call.ended for call in stopped.inflight] == [True]
    assert await hooks.outcomes() == ["ambiguous"], "what its client does goes on; nobody knows what comes of it"
    denied = await hooks.ask("cat a")
    assert denied["permissionDecision"] == "deny"
    assert denied["continue"] is False
    assert "operator" in denied["stopReason"]
    late = await hooks.after("touch a", "u1", "the result")
    assert late["continue"] is False
    assert "the result" not in str(late["hookSpecificOutput"]["updatedToolOutput"])
    for name in ("UserPromptSubmit", "PostToolBatch", "SubagentStart"):
        said = await hooks.post(hooks.event(name, prompt="go on", tool_calls=[]))
        assert said["continue"] is False
        assert said["decision"] == "block"
    permission = await hooks.post(hooks.event("PermissionRequest", tool_name="Bash", tool_input={"command": "cat a"}))
    assert permission["hookSpecificOutput"]["decision"]["behavior"] == "deny"
    assert await hooks.post(hooks.event("Stop")) == {}, "a refusal there would say: go on"


@pytest.mark.requirement("I6")
@pytest.mark.parametrize(("mode", "say"), [(StopMode.KILL, Say.HALT), (StopMode.PAUSE, Say.REFUSE)])
async def test_a_stop_between_the_decision_and_its_answer_is_what_the_client_hears(mode: StopMode, say: Say) -> None:
    hooks = await HookWorld.open()
    event = ClaudeCode().event(hooks.bash("touch a", "u1"))
    assert isinstance(event, Event)
    allowed = await hooks.world.hooks.heard(presented(hooks.run), event)
    assert allowed.say is Say.ALLOW
    assert allowed.lastly is not None
    assert allowed.lastly() is None
    await hooks.world.stops.stop(mode, Scope(ScopeKind.RUN, hooks.run.run.id), reason="x", by="operator:ada")
    instead = allowed.lastly()
    assert instead is not None
    assert instead.say is say
    await settled(hooks, 1)
    assert await hooks.outcomes() == ["ambiguous" if mode is StopMode.KILL else "failed_not_sent"]


@pytest.mark.requirement("I6")
async def test_a_run_that_ends_between_the_decision_and_its_answer_lets_nothing_through_and_blames_no_operator() -> None:
    hooks = await HookWorld.open()
    event = ClaudeCode().event(hooks.bash("touch a", "u1"))
    assert isinstance(event, Event)
    allowed = await hooks.world.hooks.heard(presented(hooks.run), event)
    assert allowed.lastly is not None
    await hooks.post(hooks.event("SessionEnd", reason="logout"))
    instead = allowed.lastly()
    assert instead is not None
    assert instead.say is Say.REFUSE
    assert "operator" not in instead.why


@pytest.mark.requirement("I6")
async def test_a_kill_of_the_run_above_holds_for_the_client_of_a_run_below() -> None:
    hooks = await HookWorld.open()
    child = await hooks.world.open_run(parent=hooks.run.run)
    await hooks.world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, hooks.run.run.id), reason="x", by="operator:ada")
    answer = await hooks.post(hooks.bash("cat a"), authorization=f"Bearer {child.credential}")
    assert decision_of(answer)["continue"] is False


@pytest.mark.requirement("I6")
async def test_a_pause_holds_the_next_call_and_lets_what_is_under_way_end() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    scope = Scope(ScopeKind.RUN, hooks.run.run.id)
    stopped = await hooks.world.stops.stop(StopMode.PAUSE, scope, reason="wait", by="operator:ada")
    held = hooks.begin(hooks.bash("cat b", "u2"))
    await hooks.world.clock.until_sleeping(2)
    assert not held.task.done()
    assert await hooks.after("cat a", "u1") == {}
    assert await hooks.outcomes() == ["returned"]
    assert not isinstance(stopped, NotDone)
    await hooks.world.stops.lift(stopped.stop.id, await hooks.world.operator(), reason="go on", confirmed=True)
    hooks.world.clock.advance(300)
    assert decision_of((await held.done()).json)["permissionDecision"] == "allow"


@pytest.mark.requirement("I6")
async def test_a_pause_that_does_not_end_denies_without_ending_the_turn() -> None:
    hooks = await HookWorld.open()
    await hooks.world.stops.stop(StopMode.PAUSE, Scope(ScopeKind.RUN, hooks.run.run.id), reason="wait", by="operator:ada")
    held = hooks.begin(hooks.bash("cat b"))
    await hooks.world.clock.until_sleeping()
    hooks.world.clock.advance(31_000)
    answer = decision_of((await held.done()).json)
    assert answer["permissionDecision"] == "deny"
    assert "continue" not in answer


async def test_a_call_of_which_nothing_more_is_told_ends_with_its_client_or_after_its_time() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    await hooks.post(hooks.event("SessionEnd", reason="other"))
    await settled(hooks, 1)
    await hooks.ask("cat b", "u2")
    hooks.world.clock.advance(7 * 3_600_000)
    await settled(hooks, 2)
    assert await hooks.outcomes() == ["ambiguous", "ambiguous"]


async def test_the_end_of_a_turn_ends_what_the_main_agent_left_and_nothing_of_its_subagents() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    await hooks.ask("cat b", "u2", agent_id="sub1")
    await hooks.post(hooks.event("Stop"))
    await settled(hooks, 1)
    assert await hooks.after("cat b", "u2") == {}
    assert await hooks.outcomes() == ["ambiguous", "returned"]


async def test_twenty_at_once_are_decided_each_for_itself() -> None:
    hooks = await HookWorld.open()
    commands = [f"{'boom' if index % 5 == 0 else 'cat'} {index}" for index in range(20)]
    answers = await asyncio.gather(*(hooks.ask(command, f"u{index}") for index, command in enumerate(commands)))
    allowed = [answer["permissionDecision"] == "allow" for answer in answers]
    assert allowed == [index % 5 != 0 for index in range(20)]
    results = await asyncio.gather(*(hooks.after(f"cat {index}", f"u{index}") for index in range(20) if index % 5))
    assert results == [{}] * 16
    assert await hooks.world.calls_used(hooks.run.run.id) == (0, 16)


async def test_what_a_run_wrote_is_known_to_whoever_judges_its_next_call() -> None:
    hooks = await HookWorld.open()
    answer = await hooks.post(hooks.before("Write", {"file_path": f"{CWD}/x.sh", "content": "rm -rf keep"}))
    assert decision_of(answer)["permissionDecision"] == "allow"
    await hooks.ask("touch y.sh")
    for name in ("x.sh", "y.sh", "z.sh"):
        await hooks.ask(f"sh {name}")
    found: list[Any] = [text if isinstance(text, str) else text.name for text in hooks.judges.written]
    assert found == ["rm -rf keep", "UNREADABLE", "NOT_WRITTEN"]


async def test_a_masked_argument_is_judged_decided_recorded_and_sent_to_the_client_as_one() -> None:
    personal = PersonalRule(look_for=Personal(frozenset({"email"})), arguments=PersonalArguments.MASK)
    hooks = await HookWorld.open(agent=replace(coder(), local_scan=ScanRule(personal=personal)))
    answer = await hooks.ask("cat ada@lovelace.org", "u1")
    assert answer["permissionDecision"] == "allow"
    sent = answer["updatedInput"]["command"]
    assert sent.startswith("cat [masked: ")
    assert [seen[1]["command"] for seen in hooks.judges.seen] == [sent]
    assert (await hooks.entries("decision"))[0]["body"]["arguments"]["input"]["command"] == sent


async def test_a_secret_in_a_result_is_masked_in_the_shape_of_the_tool() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    said = await hooks.after("cat a", "u1", f"key {KEY}\n")
    shown = said["hookSpecificOutput"]["updatedToolOutput"]
    assert set(shown) == {"stdout", "stderr", "interrupted", "isImage", "noOutputExpected"}
    assert KEY not in shown["stdout"]
    assert shown["stdout"].startswith("key ")
    assert await hooks.post(batch(hooks, "u1", shown["stdout"])) == {}


async def test_a_failing_command_that_shows_a_secret_ends_the_turn_before_its_model_is_asked() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    await hooks.failed("cat a", "u1", f"Exit code 1\n{KEY}")
    said = await hooks.post(batch(hooks, "u1", f"Exit code 1\n{KEY}"))
    assert said["decision"] == "block"
    assert said["continue"] is False
    assert KEY not in str(await hooks.entries())


async def test_a_failing_command_that_is_told_of_twice_has_shown_what_it_has_shown() -> None:
    """As version 2.1.329 does: the second time with the text alone, in the place of the shell's own result."""
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    await hooks.failed("cat a", "u1", f"Exit code 1\n{KEY}")
    again = hooks.event("PostToolUse", tool_name="Bash", tool_input={"command": "cat a"}, tool_use_id="u1")
    said = await hooks.post({**again, "tool_response": f"Error: Exit code 1\n{KEY}"})
    shown = said["hookSpecificOutput"]["updatedToolOutput"]
    assert shown["stdout"].startswith("Error: Exit code 1\n")
    assert KEY not in shown["stdout"]
    assert await hooks.entries("observed") == []
    assert (await hooks.post(batch(hooks, "u1", "whatever")))["continue"] is False


async def test_a_batch_tells_of_what_no_hook_told_before_and_is_held_to_the_same() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    await hooks.ask("cat b", "u2")
    assert await hooks.post(batch(hooks, "u1", "fine")) == {}
    assert (await hooks.post(batch(hooks, "u2", KEY)))["continue"] is False
    assert (await hooks.post(batch(hooks, "u3", KEY)))["continue"] is False, "of a use that nobody asked about, too"
    assert await hooks.outcomes() == ["returned", "returned"]


async def test_a_result_of_a_use_that_nobody_let_through_is_looked_at_and_recorded() -> None:
    hooks = await HookWorld.open()
    said = await hooks.after("cat a", "u9", KEY)
    assert KEY not in str(said["hookSpecificOutput"]["updatedToolOutput"])
    (seen,) = await hooks.entries("observed")
    assert "nobody has let through" in seen["summary"]
    assert seen["body"]["tool_use"] == "u9"


@pytest.mark.requirement("I4")
@pytest.mark.requirement("I9")
async def test_a_result_that_is_told_of_twice_is_looked_at_twice_and_recorded() -> None:
    hooks = await HookWorld.open()
    await hooks.ask("cat a", "u1")
    assert await hooks.after("cat a", "u1", "nothing to see") == {}
    answer = await hooks.after("cat a", "u1", f"key {KEY}")
    assert KEY not in str(answer["hookSpecificOutput"]["updatedToolOutput"])
    (seen,) = await hooks.entries("observed")
    assert seen["summary"] == "tells of Bash, of which it has told before"
    assert seen["body"]["tool_use"] == "u1"
    assert await hooks.outcomes() == ["returned"]


async def test_the_clients_own_question_is_answered_as_its_use_was_decided() -> None:
    hooks = await HookWorld.open()
    asked = hooks.event("PermissionRequest", tool_name="Bash", tool_input={"command": "cat a"}, permission_suggestions=[{}])
    refused = await hooks.post(asked)
    assert refused["hookSpecificOutput"]["decision"]["behavior"] == "deny"
    await hooks.ask("cat a", "u1")
    assert (await hooks.post(asked))["hookSpecificOutput"] == {
        "hookEventName": "PermissionRequest",
        "decision": {"behavior": "allow"},
    }
    await hooks.after("cat a", "u1")
    assert (await hooks.post(asked))["hookSpecificOutput"]["decision"]["behavior"] == "deny", (
        "what is over is not let through again"
    )


async def test_an_agent_without_hooks_of_its_own_is_refused_everything() -> None:
    hooks = await HookWorld.open(agent=AgentRule(id=SUPPORT, purpose="", tools=("orders.*",)))
    assert (await hooks.ask("cat a"))["permissionDecision"] == "deny"
    assert (await hooks.post(hooks.event("UserPromptSubmit", prompt="go")))["decision"] == "block"


def batch(hooks: HookWorld, use: str, text: str) -> dict[str, Any]:
    call = {"tool_name": "Bash", "tool_input": {"command": "cat a"}, "tool_use_id": use, "tool_response": text}
    return hooks.event("PostToolBatch", tool_calls=[call])


async def until_waiting(hooks: HookWorld) -> None:
    await hooks.world.clock.until_sleeping()


async def the_ticket(hooks: HookWorld) -> Any:
    """The one that waits."""
    await until_waiting(hooks)
    (ticket,) = await hooks.world.store.tickets(frozenset({TicketState.PENDING}))
    return ticket.id


async def settled(hooks: HookWorld, count: int) -> None:
    """Return when so many outcomes are in the log."""
    for _ in range(1_000):
        if len(await hooks.outcomes()) >= count:
            return
        await asyncio.sleep(0)
    raise AssertionError(await hooks.outcomes())
