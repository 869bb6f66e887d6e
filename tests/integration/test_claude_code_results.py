"""The real coding agent with managed settings: what the model gets to see of what its calls gave."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.integration.coding_behind_gateway import DISCREET, Coding, Task, bash, coding

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOKEN = "ghp_" + "Zx81kQwPp3nT6vYb2cRd9fHj4mLs7uAe5gX0"
ORDER = ("mcp__ringfence__orders__get_order", {"order_id": "A-1001"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Coding]:
    async with coding(tmp_path_factory.mktemp("results")) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="module")
async def task(place: Coding, tmp_path: Path) -> AsyncGenerator[Task]:
    async with place.task(tmp_path) as task:
        task.machine.put("notes.txt", f"a plain line\nthe key is {TOKEN}\n")
        yield task


@pytest.mark.requirement("I9")
async def test_a_secret_that_a_command_prints_is_masked_where_the_client_reads_it(task: Task) -> None:
    turn = await task.does([bash("cat notes.txt")])
    # What the client itself keeps, before anything goes to the model: the proxy would mask it there a second time.
    assert "a plain line" in turn.only[0]
    assert TOKEN not in str(turn.said)
    assert "a plain line" in str(task.shown())
    assert TOKEN not in str(task.shown())


@pytest.mark.requirement("I9")
async def test_a_secret_in_a_file_is_masked_when_the_client_reads_it(task: Task) -> None:
    turn = await task.does([("Read", {"file_path": str(task.machine.project / "notes.txt")})])
    assert "a plain line" in turn.only[0]
    assert TOKEN not in str(next(each for each in turn.said if each["type"] == "user")["message"])
    assert TOKEN not in str(task.shown())


@pytest.mark.requirement("I9")
async def test_a_secret_that_a_failing_command_prints_ends_the_turn_before_a_model_sees_it(task: Task) -> None:
    """The client lets nobody replace what a failing command said."""
    turn = await task.does([bash("cat notes.txt; false")], [bash("touch after")])
    assert TOKEN not in str([request.body for request in task.at.model.executed])
    assert len(task.at.model.executed) == 1, turn.said
    assert not task.has("after")
    assert turn.end


async def test_a_failing_command_without_a_secret_ends_nothing(task: Task) -> None:
    await task.does([bash("echo plain; false")], [bash("mkdir after")])
    assert task.has("after")
    assert "plain" in str(task.shown())


async def test_a_call_that_was_decided_in_another_form_is_carried_out_in_that_form(place: Coding, tmp_path: Path) -> None:
    async with place.task(tmp_path, DISCREET) as task:
        await written_as_decided(task)


async def written_as_decided(task: Task) -> None:
    turn = await task.does([bash("echo 'DE89370400440532013000' > who.txt && cat who.txt")])
    written = (task.machine.project / "who.txt").read_text()
    assert "DE89370400440532013000" not in written
    assert turn.only == (written.strip(), False)
    (decision,) = await task.decided("local.Bash")
    assert "DE89370400440532013000" not in str(decision)


async def test_a_call_of_an_mcp_tool_is_the_gateways_and_counted_once(task: Task) -> None:
    search = ("ToolSearch", {"query": "select:mcp__ringfence__orders__get_order"})
    turn = await task.does([search], [ORDER])
    text, is_error = turn.results()[-1]
    assert "A-1001" in text, (turn.results(), turn.said[0])
    assert not is_error
    (decision,) = await task.decided("orders.get_order")
    assert decision["decision"] == "allow"
    assert [tool for tool, _ in task.at.orders.executed()] == ["get_order"]
    # One act, told of by the hook before it, and by nobody else: the model's id of it joins the two.
    use = decision["body"]["tool_use"]
    told = [entry for entry in await task.log("observed") if entry["body"].get("tool_use") == use]
    assert [entry["body"]["hook"] for entry in told] == ["PreToolUse"]
    assert not [entry for entry in await task.log("observed") if "beside the gateway" in entry["summary"]]
    others = [entry["tool"] for entry in await task.log("decision") if use in str(entry["body"]) and entry != decision]
    assert others == []


@pytest.mark.requirement("I9")
async def test_a_mention_of_a_file_that_must_not_be_read_brings_nothing_to_the_model(task: Task) -> None:
    """A mention in a prompt asks no hook at all."""
    for name in (".env", "secrets/k.txt", "sub/.env"):
        task.machine.put(name, "CANARY-OF-A-SECRET-FILE")
    task.machine.put("plain.txt", "CANARY-OF-A-PLAIN-FILE")
    task.will()
    await task.machine.prompt("look at @.env and @secrets/k.txt and @sub/.env and @plain.txt")
    sent = str([request.body for request in task.at.model.executed])
    assert "CANARY-OF-A-PLAIN-FILE" in sent
    assert "CANARY-OF-A-SECRET-FILE" not in sent
