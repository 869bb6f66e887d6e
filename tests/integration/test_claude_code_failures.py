"""The real coding agent with managed settings: where its gateway is dead, slow or talks nonsense, nothing runs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.integration.coding_behind_gateway import Coding, Task, bash, coding
from tests.servers.meddler import Meddler, Meddling, aborted, cut_short, elsewhere, failing, meddler, misspelt, text, too_slow

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAIT_S = 2
"""How long the client waits for a hook here."""


def led_elsewhere(managed: Path, target: Path, hooks: str, model: str) -> None:
    """The same managed settings with other addresses, and hooks that wait less long."""
    settings: dict[str, Any] = json.loads((managed / "managed-settings.json").read_text())
    (gateway,) = {handler["url"].removesuffix("/hook") for handler in _handlers(settings) if handler["type"] == "http"}
    settings = json.loads(json.dumps(settings).replace(f"{gateway}/hook", f"{hooks}/hook"))
    # The model stays in reach when the gateway does not: what is tried is the hooks alone.
    settings["env"]["ANTHROPIC_BASE_URL"] = model
    for handler in _handlers(settings):
        handler["timeout"] = WAIT_S if hooks != gateway else handler["timeout"]
    settings["apiKeyHelper"] = "echo sk-of-the-upstream-0001"
    target.mkdir()
    (target / "managed-settings.json").write_text(json.dumps(settings))


def _handlers(settings: dict[str, Any]) -> list[dict[str, Any]]:
    return [handler for event in settings["hooks"].values() for matcher in event for handler in matcher["hooks"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Coding]:
    async with coding(tmp_path_factory.mktemp("failures")) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def between(gateway: Coding) -> AsyncGenerator[Meddler]:
    async with meddler(gateway.process.url) as between:
        yield between


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(gateway: Coding, between: Meddler, tmp_path_factory: pytest.TempPathFactory) -> Coding:
    """The gateway, with somebody between it and its clients."""
    managed = tmp_path_factory.mktemp("between") / "managed"
    led_elsewhere(gateway.managed, managed, between.url, gateway.model.url)
    return replace(gateway, managed=managed)


@pytest_asyncio.fixture(loop_scope="module")
async def task(place: Coding, between: Meddler, tmp_path: Path) -> AsyncGenerator[Task]:
    between.meddling = None
    between.only = "PreToolUse"
    async with place.task(tmp_path) as task:
        yield task


async def test_with_nobody_meddling_the_call_runs(task: Task, between: Meddler) -> None:
    """What the others are held against."""
    turn = await task.does([bash("mkdir made")])
    assert not turn.only[1]
    assert task.has("made")
    assert "PreToolUse" in between.events


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("meddling", [cut_short, text, failing, elsewhere, misspelt, aborted, too_slow])
async def test_an_answer_that_is_spoilt_runs_nothing(task: Task, between: Meddler, meddling: Meddling) -> None:
    between.meddling = meddling
    turn = await task.does([bash("mkdir made")])
    assert turn.only[1]
    assert not task.has("made")


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("meddling", [failing, too_slow])
async def test_a_prompt_that_nobody_heard_of_reaches_no_model(task: Task, between: Meddler, meddling: Meddling) -> None:
    between.meddling, between.only = meddling, "UserPromptSubmit"
    await task.does([bash("mkdir made")])
    assert task.at.model.executed == []


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("meddling", [failing, too_slow])
async def test_results_that_nobody_looked_at_reach_no_model(task: Task, between: Meddler, meddling: Meddling) -> None:
    between.meddling, between.only = meddling, "PostToolBatch"
    await task.does([bash("mkdir made")], [bash("mkdir after")])
    assert len(task.at.model.executed) == 1
    assert not task.has("after")


@pytest.mark.requirement("I4")
async def test_a_gateway_that_dies_in_the_middle_takes_every_call_with_it(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    async with coding(tmp_path / "gateway") as place:
        led_elsewhere(place.managed, tmp_path / "managed", place.process.url, place.model.url)
        async with replace(place, managed=tmp_path / "managed").task(tmp_path) as task:
            wait = bash("touch started; while [ ! -e go ]; do sleep 0.02; done")
            async with task.doing([wait], [bash("touch after")]) as going:
                await task.until(lambda: task.has("started"))
                await place.process.kill()
                (task.machine.project / "go").touch()
                await going
            assert not task.has("after")
            await task.does([bash("touch after")])
            assert not task.has("after")
