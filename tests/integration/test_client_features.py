"""Progress, a question and a call taken back, on one connection of each official client, in its era, through the gateway."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.clients.drivers import DRIVERS, Driver, started
from tests.integration.features_behind_gateway import Desk, open_desk
from tests.integration.shop_behind_gateway import AGENT, connect_command, eventually

# The default of typescript2 is its legacy era, and those of the others are their modern one.
CLIENTS = [driver for driver in DRIVERS if driver.name not in {"python2-default", "typescript2-auto"}]
PLACES = {"/mcp": ("web", "pipe"), "/mcp/web": ("web",), "connect": ("web", "pipe")}
NEVER = "/nonexistent/never"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk]:
    async with open_desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


def heard(file: Path, step: int, kind: str) -> list[list[Any]]:
    """What a client has heard of one kind by now during one step."""
    found: list[list[Any]] = []
    current = -1
    for line in file.read_text("utf-8").splitlines() if file.exists() else []:
        said, *rest = json.loads(line)
        if said == "call":
            (current,) = rest
        elif said == kind and current == step:
            found.append(rest)
    return found


def steps_at(place: str, server: str, mark: str, release: Path, cancel: Path) -> list[dict[str, Any]]:
    """What a client does at one server."""
    prefix = "" if place.endswith(server) else f"{server}__"
    waits = {"mark": mark, "steps": 3, "release": str(release)}
    return [
        {"tool": f"{prefix}slow", "arguments": waits},
        {"tool": f"{prefix}ask", "arguments": {"what": ["elicitation"]}},
        {"tool": f"{prefix}slow", "arguments": {"mark": f"{mark}, taken back", "release": NEVER}, "cancel": str(cancel)},
        {"tool": f"{prefix}echo", "arguments": {"mark": f"{mark}, again"}},
    ]


async def converse(desk: Desk, driver: Driver, way: dict[str, Any], place: str, folder: Path) -> None:
    """The dialogue with every server of a place, and what both ends must have seen of it."""
    servers, events = PLACES[place], folder / "events"
    files = {server: (folder / f"release {server}", folder / f"cancel {server}") for server in servers}
    marks = {server: f"{driver} {place} {server}" for server in servers}
    steps = [step for server in servers for step in steps_at(place, server, marks[server], *files[server])]
    async with started(driver, "steps", json.dumps(steps), **way, answer={"which": "this one"}, events=events) as running:
        for first, server in zip(range(0, len(steps), 4), servers, strict=True):
            release, cancel = files[server]
            await eventually(lambda first=first: bool(heard(events, first, "progress")))
            assert desk.events(marks[server]) == ["start"]
            release.touch()
            await eventually(lambda server=server: desk.events(f"{marks[server]}, taken back") == ["start"])
            cancel.touch()
        report = await running.report()
    assert report["protocol_version"] == driver.revision
    for first, (server, mark) in zip(range(0, len(steps), 4), marks.items(), strict=True):
        assert heard(events, first, "progress")[0] == [1, 3, "step 1"]
        assert heard(events, first + 1, "question") == [[f"[{server}] Which one?"]]
        waited, asked, taken_back, again, *report["steps"] = report["steps"]
        assert waited["is_error"] is False
        assert json.loads(asked["text"]) == {"elicitation": {"action": "accept", "content": {"which": "this one"}}}
        assert taken_back == "cancelled"
        await eventually(lambda mark=mark: desk.events(f"{mark}, taken back") == ["start", "cancelled"])
        assert json.loads(again["text"]) == {"mark": f"{mark}, again"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("driver", CLIENTS, ids=str)
async def test_a_client_hears_progress_answers_a_question_and_takes_a_call_back(
    desk: Desk, driver: Driver, place: str, tmp_path: Path
) -> None:
    way: dict[str, Any]
    if place == "connect":
        way = {"command": connect_command(desk.gateway)}
    else:
        _, credential = await desk.gateway.people.open_run(AGENT)
        way = {"url": f"{desk.gateway.process.url}{place}", "bearer": credential}
    await converse(desk, driver, way, place, tmp_path)
