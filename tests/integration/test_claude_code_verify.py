"""`ringfence claude-code verify` with the real client: a whole installation holds, and one that was weakened is found out."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.clients_kit import ringfence
from tests.clients.coding_agent import program
from tests.integration.coding_behind_gateway import AGENT, coding

from ringfence.app.clients.claude_trials import trials, tried
from ringfence.app.clients.findings import Standing
from ringfence.app.clients.stage import Stage

EVERY = {each.name: each for each in trials()}


@pytest.mark.requirement("I3")
async def test_an_installation_in_front_of_a_running_gateway_holds_in_every_trial(tmp_path: Path) -> None:
    async with coding(tmp_path) as place:
        said = await asyncio.to_thread(
            ringfence,
            "claude-code", "verify", "--agent", AGENT, "--state", str(place.state), "--managed-dir", str(place.managed),
            "--cli", str(program()), "--json",
            home=tmp_path,
        )  # fmt: skip
        # The run that was lent for it is closed.
        assert (await place.people.done("GET", "/runs"))["runs"] == []
    findings = {each["name"]: each for each in said.json["findings"]}
    failed = [each for each in findings.values() if each["standing"] in {"broken", "unproven"}]
    # Where tests do not run as root, nothing that they install belongs to it.
    unowned = [] if os.geteuid() == 0 else ["owned-by-root"]
    assert [each["name"] for each in failed] == unowned, failed
    assert set(EVERY) | {"installed", "credential-worthless", "no-credential", "unknown-credential"} <= set(findings)
    assert {"no-sandbox", "same-user"} <= {each["name"] for each in findings.values() if each["standing"] == "open"}
    assert said.code == (1 if unowned else 0)


def without_on_failure(settings: dict[str, Any]) -> None:
    for groups in settings["hooks"].values():
        for handler in (handler for group in groups for handler in group["hooks"]):
            handler.pop("onFailure", None)


def without_pins(settings: dict[str, Any]) -> None:
    settings["env"] = {"ANTHROPIC_BASE_URL": settings["env"]["ANTHROPIC_BASE_URL"]}


def without_read_denies(settings: dict[str, Any]) -> None:
    settings["permissions"]["deny"] = []


def without_helper(settings: dict[str, Any]) -> None:
    del settings["apiKeyHelper"]
    settings["env"].pop("ANTHROPIC_API_KEY")


@pytest.mark.parametrize(
    "weaken, trial",
    [
        (without_on_failure, "dead-gateway"),
        (without_on_failure, "failing-gateway"),
        (without_pins, "project-and-user-files"),
        (without_pins, "variable-proxy"),
        (without_helper, "project-and-user-files"),
        (without_read_denies, "mentioned-files"),
    ],
)
def test_an_installation_that_was_weakened_is_found_out(
    tmp_path: Path, weaken: Callable[[dict[str, Any]], None], trial: str
) -> None:
    managed = tmp_path / "managed"
    assert ringfence("claude-code", "install", "--managed-dir", str(managed), home=tmp_path).code == 0
    file = managed / "managed-settings.json"
    settings = json.loads(file.read_text("utf-8"))
    weaken(settings)
    file.write_text(json.dumps(settings), "utf-8")
    found = tried(EVERY[trial], Stage(program(), managed))
    assert found.standing is Standing.BROKEN, found
    assert found.remedy
