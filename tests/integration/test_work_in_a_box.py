"""Ordinary work in boxes of `ringfence run`, on a real gateway: as root, and as an ordinary user."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.escapes.campaign import users
from tests.escapes.machine import on_a_machine

Pieces = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=users())
def work(request: pytest.FixtureRequest) -> Pieces:
    """What each piece of work came to. All of them are done once for a user."""
    with tempfile.TemporaryDirectory(prefix="ringfence-work-") as directory:
        ran = on_a_machine(Path(directory), "tests.boxes.work", user=request.param)
    assert ran.returncode == 0, ran.stderr[-3000:]
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return {line["name"]: line for line in lines}


def test_git_clones_and_commits(work: Pieces) -> None:
    assert work["git"]["code"] == 0, work["git"]["errors"]
    assert work["git"]["said"].split() == ["first", "second", "first"]


def test_pip_installs_what_then_tests(work: Pieces) -> None:
    assert work["pytest"]["code"] == 0, work["pytest"]["errors"]
    assert "1 passed" in work["pytest"]["said"]


def test_npm_installs_what_then_builds(work: Pieces) -> None:
    assert work["npm"]["code"] == 0, work["npm"]["errors"]
    assert work["npm"]["said"].endswith("module.exports = 42")


@pytest.mark.requirement("I18")
def test_an_allowed_api_is_told_the_operators_key_and_the_box_never_is(work: Pieces) -> None:
    piece = work["api"]
    assert "{'orders': 3}" in piece["said"], piece["errors"]
    assert [seen["authorization"] for seen in piece["seen"]] == [f"Bearer {piece['key']}"], "not what the agent sent"
    assert piece["key"] not in piece["said"]
    assert piece["key"] not in json.dumps(work["log"])


def test_an_official_client_has_a_session_by_the_inner_listener(work: Pieces) -> None:
    assert work["mcp"]["code"] == 0, work["mcp"]["errors"]
    assert json.loads(work["mcp"]["said"]) == {"tools": ["shop__echo", "ringfence__claim"], "said": "you said hello"}


@pytest.mark.requirement("I18")
def test_a_host_that_no_rule_names_is_not_reached(work: Pieces) -> None:
    assert "403" in work["denied"]["errors"]


def test_the_log_tells_of_every_box_and_every_host(work: Pieces) -> None:
    summaries = [entry["summary"] for entry in work["log"]["entries"]]
    boxes = len(work) - 1
    assert sum(summary.startswith("box started") for summary in summaries) == boxes
    assert sum(summary.startswith("box ended") for summary in summaries) == boxes
    told = json.dumps(work["log"]["entries"])
    assert all(host in told for host in ("index.test", "npm.test", "git.test", "api.test", "elsewhere.test"))
