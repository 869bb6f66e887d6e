"""Whatever ends a box of `ringfence run` ends all of it: as root, and as an ordinary user."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.boxes.ends import FEWEST
from tests.escapes.campaign import users
from tests.escapes.machine import on_a_machine

pytestmark = pytest.mark.requirement("I21")
KILLED = 137
Ends = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=users())
def ends(request: pytest.FixtureRequest) -> Ends:
    """What became of each box. In every one daemons are alive that are deaf to signals."""
    with tempfile.TemporaryDirectory(prefix="ringfence-ends-") as directory:
        ran = on_a_machine(Path(directory), "tests.boxes.ends", user=request.param)
    assert ran.returncode == 0, ran.stderr[-3000:]
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return {line["name"]: line for line in lines}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("supervisor_killed", "its supervisor went away"),
        ("gateway_killed", "the gateway ended, and its box with it"),
        ("both_killed", "the gateway ended, and its box with it"),
        ("killed_by_an_operator", "killed by operator:ada"),
        ("parent_killed", "killed by operator:ada"),
        ("interrupted", "interrupted"),
        ("out_of_time", "wall clock"),
    ],
)
def test_nothing_outlives_it_and_the_log_says_why(ends: Ends, name: str, why: str) -> None:
    end = ends[name]
    assert "failed" not in end, end
    assert not any(end.get(left) for left in ("groups", "records", "mounts", "secrets")), end
    said = [entry for entry in end["entries"] if entry.startswith(("box ended", "run closed"))]
    assert said[0] == f"box ended: {why}"
    assert len(said) == 2


@pytest.mark.requirement("I6")
def test_a_pause_holds_the_whole_tree_until_it_is_lifted(ends: Ends) -> None:
    end = ends["paused_and_resumed"]
    assert "failed" not in end, end
    assert end["quiet"], "nothing came while it was held"
    assert end["held"] >= FEWEST, "nothing of it was ended"
    assert end["ticks"], "it went on"


@pytest.mark.requirement("I6")
def test_a_kill_reaches_a_box_that_is_paused(ends: Ends) -> None:
    assert ends["paused_and_resumed"]["code"] == KILLED
    assert "box ended: killed by operator:ada" in ends["paused_and_resumed"]["entries"]


def test_a_supervisor_whose_gateway_is_gone_says_so_and_fails(ends: Ends) -> None:
    assert ends["gateway_killed"]["code"] not in (0, None)
    assert any("gateway" in line for line in ends["gateway_killed"]["said"])
