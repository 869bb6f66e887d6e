"""`ringfence claude-code verify` with the real client finds out an installation that was weakened.

That a whole one holds in every trial, in front of a running gateway, is tests/acceptance/coding_agent_try.py.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.clients_kit import ringfence
from tests.clients.coding_agent import program

from ringfence.app.clients.claude_trials import trials, tried
from ringfence.app.clients.findings import Standing
from ringfence.app.clients.namespaces import inside
from ringfence.app.clients.stage import Stage, denying, run
from ringfence.app.clients.tiny_model import TinyModel
from ringfence.app.clients.tiny_web import Answer, Asked, served

EVERY = {each.name: each for each in trials()}


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


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "weaken, trial",
    [
        (without_on_failure, "dead-gateway"),
        (without_on_failure, "failing-gateway"),
        (without_pins, "project-and-user-files"),
        (without_pins, "variable-proxy"),
        (without_pins, "project-environment"),
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


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("trial", ["asks-the-gateway", "project-and-user-files"])
def test_an_installation_that_leaves_models_to_the_client_holds_too(tmp_path: Path, trial: str) -> None:
    managed = tmp_path / "managed"
    assert ringfence("claude-code", "install", "--managed-dir", str(managed), "--direct-models", home=tmp_path).code == 0
    found = tried(EVERY[trial], Stage(program(), managed))
    assert found.standing is Standing.HOLDS, found


def test_the_plugin_asks_the_gateway_where_nothing_is_installed(tmp_path: Path) -> None:
    """With an empty folder of managed settings: the plugin alone has the client ask."""
    asked: list[dict[str, Any]] = []

    def gate(one: Asked) -> Answer:
        if not one.target.startswith("/hook"):
            return Answer(404)
        asked.append(json.loads(one.body))
        return denying(asked[-1])

    (tmp_path / "managed").mkdir()
    (tmp_path / "project").mkdir()
    model = TinyModel([run("touch MARK")])
    with served(gate) as port, served(model.answer) as models:
        plugin = tmp_path / "plugin"
        said = ringfence("claude-code", "plugin", str(plugin), "--url", f"http://127.0.0.1:{port}", home=tmp_path)
        assert said.code == 0
        assert "enforces nothing" in said.out
        command = [str(program()), "-p", "Go on.", "--plugin-dir", str(plugin), "--allowedTools", "Bash"]
        subprocess.run(
            inside(tmp_path / "managed", command),
            cwd=tmp_path / "project",
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{models}",
                "ANTHROPIC_API_KEY": "trial",
                "RINGFENCE_RUN": "trial",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert {"SessionStart", "UserPromptSubmit", "PreToolUse"} <= {each["hook_event_name"] for each in asked}
    assert not (tmp_path / "project/MARK").exists()
    assert model.was_asked
