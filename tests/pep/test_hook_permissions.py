"""Permission lists, rails and caps on files at the hook of a real engine: what the agent hears, is recorded, and stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.pep.hook_world import CWD, HookWorld, JudgesBy, coder, decision_of

from ringfence.core.model.agent import Limits
from ringfence.core.model.local import Judgement, Place, Use
from ringfence.core.model.ticket import TicketState
from ringfence.testing.acts import a_command, a_list, a_tool, a_use, judged

ALLOWED = a_list(allow=["Bash", "Edit(/**)"])


def says(tool: str, arguments: Mapping[str, Any], place: Place) -> Judgement:
    """`rm` removes, `tee` writes, `Write` writes; everything else says something."""
    text = str(arguments.get("command") or arguments.get("file_path"))
    verb, _, rest = text.partition(" ")
    if tool == "Write":
        use = a_use(Use.WRITE, text)
        return judged(a_tool("Write", text, use), place=place, lines=10)
    if verb in ("rm", "tee"):
        use = a_use(Use.DELETE if verb == "rm" else Use.WRITE, f"{place.cwd}/{rest}")
        return judged(a_command(text, "deletes" if verb == "rm" else "writes", paths=(use,)), text=text, place=place)
    return judged(a_command(text), text=text, place=place)


async def opened(**agent: Any) -> HookWorld:
    return await HookWorld.open(agent=replace(coder(), **agent), judges=JudgesBy(says))


@pytest.mark.requirement("I1", "I20")
async def test_a_deny_rule_refuses_with_its_class_and_its_entry_has_the_rule() -> None:
    hooks = await opened(permissions=a_list(deny=["Bash(rm *)"], allow=["Bash", "Edit(/**)"]))
    answer = await hooks.ask("rm -rf keep")
    assert answer["permissionDecision"] == "deny"
    assert "the permission rules of this run do not allow it" in answer["permissionDecisionReason"]
    assert "rm *" not in answer["permissionDecisionReason"]
    (decision,) = await hooks.entries("decision")
    assert decision["decision"] == "deny"
    assert "deny rule `Bash(rm *)`" in str(decision)


@pytest.mark.requirement("I4")
async def test_an_ask_rule_waits_for_a_person_whose_word_lets_it_through() -> None:
    hooks = await opened(permissions=a_list(ask=["Bash(echo *)"]))
    held = hooks.begin(hooks.bash("echo hello", "u1"))
    await hooks.world.clock.until_sleeping()
    (waiting,) = await hooks.world.store.tickets(frozenset({TicketState.PENDING}))
    await hooks.world.approve(waiting.id)
    assert decision_of((await held.done()).json)["permissionDecision"] == "allow"


async def test_a_run_that_reaches_for_its_rails_is_refused_and_paused() -> None:
    hooks = await opened(permissions=ALLOWED)
    answer = await hooks.ask("tee .claude/settings.json")
    assert answer["permissionDecision"] == "deny"
    assert answer["continue"] is False
    (decision,) = await hooks.entries("decision")
    assert decision["decision"] == "halt"
    (stop,) = await hooks.entries("control")
    assert stop["by"] == "guard_rails"
    assert f"it would change {CWD}/.claude/settings.json, which holds the run" in stop["body"]["reason"]
    assert stop["body"]["scope"]["target"] == hooks.run.run.id


async def test_a_cap_on_files_counts_each_file_once() -> None:
    hooks = await opened(permissions=ALLOWED, limits=Limits(files=2, lines=1000))
    answers: list[str] = []
    for number, name in enumerate(("a", "b", "a", "c", "b")):
        event = hooks.before("Write", {"file_path": f"{CWD}/{name}", "content": "x"}, f"u{number}")
        answers.append(decision_of(await hooks.post(event))["permissionDecision"])
    assert answers == ["allow", "allow", "allow", "deny", "allow"]
    assert "files_cap" in str(await hooks.entries("decision"))


async def test_a_cap_on_lines_counts_all_of_them() -> None:
    hooks = await opened(permissions=ALLOWED, limits=Limits(lines=25))
    said = [
        decision_of(await hooks.post(hooks.before("Write", {"file_path": f"{CWD}/a", "content": "x"}, f"u{n}")))
        for n in range(3)
    ]
    assert [one["permissionDecision"] for one in said] == ["allow", "allow", "deny"]
    assert "a limit of this run is reached" in said[2]["permissionDecisionReason"]
