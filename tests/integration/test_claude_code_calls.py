"""The real coding agent with managed settings: its calls are denied, asked and stopped."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.integration.coding_behind_gateway import HASTY, Coding, Task, bash, coding, says, subagents

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Coding]:
    async with coding(tmp_path_factory.mktemp("calls")) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="module")
async def task(place: Coding, tmp_path: Path) -> AsyncGenerator[Task]:
    async with place.task(tmp_path) as task:
        yield task


async def test_what_the_lists_allow_runs_and_is_one_chain_in_the_log(task: Task) -> None:
    turn = await task.does([bash("mkdir made && echo yes")])
    assert turn.only == ("yes", False)
    assert task.has("made")
    (decision,) = await task.decided("local.Bash")
    chain = [entry["kind"] for entry in await task.log() if entry.get("call") == decision["call"]]
    assert (decision["decision"], chain) == ("allow", ["decision", "outcome"])


@pytest.mark.requirement("I4")
async def test_an_rm_rf_is_denied_and_the_file_is_still_there(task: Task) -> None:
    turn = await task.does([bash("rm -rf keep")])
    assert turn.only[1]
    assert task.kept
    (decision,) = await task.decided("local.Bash")
    assert decision["decision"] == "deny"


@pytest.mark.parametrize(
    "command", ["bash -c 'rm -rf keep'", "python3 -c \"import shutil; shutil.rmtree('keep')\"", "find keep -delete"]
)
async def test_the_same_harm_by_another_verb_is_not_done_unasked(task: Task, command: str) -> None:
    async with task.doing([bash(command)]) as going:
        await task.ended_or_waiting(going)
        assert task.kept


async def test_a_denied_call_leaves_its_siblings_alone(task: Task) -> None:
    turn = await task.does([bash("rm -rf keep"), bash("mkdir made")])
    assert sorted(is_error for _, is_error in turn.results()) == [False, True]
    assert task.kept
    assert task.has("made")


async def test_a_file_tool_is_denied_where_the_lists_deny_reading(task: Task) -> None:
    task.machine.put(".env", "TOKEN=do-not-show")
    turn = await task.does([("Read", {"file_path": str(task.machine.project / ".env")})])
    assert turn.only[1]
    assert "do-not-show" not in str(task.shown())


@pytest.mark.requirement("I3")
async def test_a_call_that_a_person_approves_runs(task: Task) -> None:
    async with task.doing([bash("mkdir asked")]) as going:
        ticket = await task.waiting()
        assert not task.has("asked")
        assert "mkdir asked" in str(ticket)
        await task.at.people.decide(ticket, "approve")
        turn = await going
    assert not turn.only[1]
    assert task.has("asked")


async def test_a_call_that_a_person_denies_does_not_run(task: Task) -> None:
    async with task.doing([bash("mkdir asked")]) as going:
        await task.at.people.decide(await task.waiting(), "deny")
        turn = await going
    assert turn.only[1]
    assert not task.has("asked")


@pytest.mark.requirement("I3")
async def test_a_call_that_nobody_decides_in_time_is_denied_with_its_ticket_and_runs_again_once_it_is_approved(
    place: Coding, tmp_path: Path
) -> None:
    async with place.task(tmp_path, HASTY) as task:
        turn = await task.does([bash("mkdir asked")])
        text, is_error = turn.only
        ticket = await task.waiting()
        assert is_error
        assert ticket["id"] in text
        assert not task.has("asked")
        await place.people.decide(ticket, "approve")
        await task.does([bash("mkdir asked")])
        assert task.has("asked")


@pytest.mark.requirement("I6")
async def test_a_kill_ends_the_turn_and_nothing_runs_after_it(task: Task) -> None:
    wait = bash("touch started; while [ ! -e go ]; do sleep 0.02; done")
    async with task.doing([wait], [bash("touch after")], [bash("touch after")]) as going:
        await task.until(lambda: task.has("started"))
        await task.kill()
        (task.machine.project / "go").touch()
        await going
    assert not task.has("after")
    again = await task.does([bash("touch after")])
    assert again.results() == []
    assert not task.has("after")


async def test_a_kill_answers_a_call_that_waits_for_a_person(task: Task) -> None:
    async with task.doing([bash("mkdir asked")], [bash("touch after")]) as going:
        await task.waiting()
        await task.kill()
        await going
    assert not task.has("asked")
    assert not task.has("after")


@pytest.mark.requirement("I4")
async def test_a_subagents_call_is_decided_like_its_parents(task: Task) -> None:
    task.at.model.choose = subagents(says(bash("rm -rf keep"), bash("mkdir made")), says(), of="IN THE SUBAGENT")
    agent = ("Agent", {"description": "helps", "prompt": "IN THE SUBAGENT", "subagent_type": "general-purpose"})
    await task.does([agent])
    assert task.kept
    assert task.has("made")
    assert sorted(one["decision"] for one in await task.decided("local.Bash")) == ["allow", "deny"]


async def test_a_kill_in_a_subagent_stops_its_parent_too(task: Task) -> None:
    wait = bash("touch started; while [ ! -e go ]; do sleep 0.02; done")
    task.at.model.choose = subagents(says(wait), says(bash("touch after")), says(), of="IN THE SUBAGENT")
    agent = ("Agent", {"description": "helps", "prompt": "IN THE SUBAGENT", "subagent_type": "general-purpose"})
    # The parent does not wait for it: it is told when the subagent has ended, and would go on then.
    async with task.doing([agent], [], [bash("touch after")]) as going:
        await task.until(lambda: task.has("started"))
        await task.kill()
        (task.machine.project / "go").touch()
        await going
    assert not task.has("after")
