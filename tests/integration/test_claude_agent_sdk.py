"""The example agent, on the vendor's SDK with the real client: one call of ours, and the gateway decides about everything."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.clients.coding_agent import PYTHON, Machine
from tests.integration.coding_behind_gateway import Call, Coding, Task, bash, coding, says
from tests.servers.gateway_process import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parents[2]
EXAMPLE = (str(ROOT / "examples/coding_agent.py"),)
ASKED_BY_THE_CLIENT = """
import asyncio, json, os, sys
from claude_agent_sdk import query
from ringfence.sdk.claude import claude_options
from ringfence.sdk.runs import open_run

async def main():
    rules = json.dumps({"permissions": {"ask": ["Bash(mkdir *)"]}})
    async with open_run("coder", "t", state=os.environ["RINGFENCE_STATE"], gateway=os.environ["RINGFENCE_GATEWAY"]) as run:
        options = claude_options(run, settings=rules)
        if "hook" not in sys.argv:
            del options.hooks["PermissionRequest"]
        if "callback" not in sys.argv:
            options.can_use_tool = None
        async for message in query(prompt="do it", options=options):
            print(message)

asyncio.run(main())
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Coding]:
    async with coding(tmp_path_factory.mktemp("sdk")) as place:
        yield place


async def example(
    place: Coding, folder: Path, *answers: list[Call], gateway: str = "", program: tuple[str, ...] = EXAMPLE
) -> tuple[Task, str]:
    """The example in a project of its own, with no managed settings anywhere; what it printed."""
    for each in ("home", "project/keep"):
        (folder / each).mkdir(parents=True)
    (folder / "project/keep/f").write_text("kept\n")
    place.model.executed.clear()
    place.model.queue[:] = [*(says(*each) for each in answers), says()]
    process = await asyncio.create_subprocess_exec(
        str(PYTHON),
        *program,
        "do it",
        cwd=folder / "project",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "PYTHONPATH": str(ROOT / "src"),
            "RINGFENCE_STATE": str(place.state),
            "RINGFENCE_GATEWAY": gateway or place.process.url,
        },
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    opened = [entry["run"] for entry in await place.people.log() if entry["summary"] == "run opened for coder"]
    return Task(place, Machine(folder, place.managed), opened[-1]), said.decode()


async def test_the_example_works_and_its_run_is_closed_behind_it(place: Coding, tmp_path: Path) -> None:
    task, said = await example(place, tmp_path, [bash("mkdir made && echo yes")])
    assert task.has("made"), said
    assert "done" in said
    assert task.shown() == ["yes"]
    assert (await place.people.done("GET", f"/runs/{task.run}"))["state"] == "closed"
    (decision,) = await task.decided("local.Bash")
    assert decision["decision"] == "allow"


@pytest.mark.requirement("I4")
async def test_an_rm_rf_of_the_example_is_denied(place: Coding, tmp_path: Path) -> None:
    task, said = await example(place, tmp_path, [bash("rm -rf keep")])
    assert task.kept, said
    (decision,) = await task.decided("local.Bash")
    assert decision["decision"] == "deny"


@pytest.mark.parametrize("who", ["hook", "callback", "nobody"])
async def test_what_the_client_would_ask_at_its_own_terminal_is_answered_by_the_gateway(
    place: Coding, tmp_path: Path, who: str
) -> None:
    """By either way that the SDK has for it. Where nobody answers, the client refuses what the gateway had allowed."""
    task, said = await example(place, tmp_path, [bash("mkdir made")], program=("-c", ASKED_BY_THE_CLIENT, who))
    assert task.has("made") == (who != "nobody"), said
    assert [one["decision"] for one in await task.decided("local.Bash")] == ["allow"]


@pytest.mark.requirement("I9")
async def test_a_secret_that_a_failing_command_shows_the_example_reaches_no_model(place: Coding, tmp_path: Path) -> None:
    token = "ghp_" + "Zx81kQwPp3nT6vYb2cRd9fHj4mLs7uAe5gX0"
    (tmp_path / "notes.txt").write_text(token)
    await example(place, tmp_path, [bash(f"cat {tmp_path}/notes.txt; false")], [bash("touch after")])
    assert token not in str([request.body for request in place.model.executed])


@pytest.mark.requirement("I4")
async def test_where_the_gateway_cannot_be_asked_the_example_does_nothing(place: Coding, tmp_path: Path) -> None:
    task, _ = await example(place, tmp_path, [bash("mkdir made")], gateway="http://127.0.0.1:9")
    assert not task.has("made")
    assert place.model.executed == []
