"""`make demo`, once, as a person would run it: on real servers, judged by what the servers themselves wrote down.

And docs/policies.md on what it left: whoever follows it has “refunds over 50 need finance, none at night”.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.newcomer import Newcomer, expected_changes

from ringfence.app.cli.client import Refusal
from ringfence.app.cli.offline import ask_offline

ROOT = Path(__file__).parents[2]
LONGEST_S = 120


@dataclass(frozen=True)
class Demo:
    """A demo that has ended: its directory, and what it printed."""

    world: Path
    printed: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    world = tmp_path_factory.mktemp("acceptance") / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--directory", str(world)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + logs(world)
    return Demo(world, done.stdout)


@pytest.mark.requirement("I4")
@pytest.mark.requirement("I6")
@pytest.mark.requirement("I7")
@pytest.mark.requirement("I16")
def test_the_demo_contains_the_incident_and_stops_every_process_that_it_started(demo: Demo) -> None:
    world = demo.world
    table = demo.printed[demo.printed.index("its server's own log") :]
    for attempt, says in (
        ("change_payout_account Mateo", "never executed"),
        ("delete_note 1", "never executed"),
        ("delete_note 2", "never executed"),
        ("refund A-1004 64900", "never executed"),
        ("refund A-1004 64899", "never executed"),
        ("search_orders settlement", "executed 6 times"),
        ("get_order A-1006", "never executed"),
    ):
        lines = [line for line in table.splitlines() if attempt in line]
        assert lines, f"no line about {attempt}:\n{table}"
        assert all(says in line for line in lines), lines
    # Read once more here: the demo's judge is not its own witness.
    assert executed(world, "payments", "refund") == [
        {"order_id": "A-1001", "amount_cents": 1000, "reason": "dent in the kettle"}
    ]
    assert executed(world, "orders", "cancel_order") == [{"order_id": "A-1005"}]
    assert len(executed(world, "orders", "search_orders")) == 6
    assert not executed(world, "payments", "change_payout_account")
    assert not executed(world, "orders", "delete_note")
    assert not left_behind(world)


@pytest.mark.requirement("I16")
@pytest.mark.requirement("I20")
def test_whoever_follows_the_document_gets_the_policy_that_its_sentence_says(demo: Demo) -> None:
    newcomer = Newcomer(demo.world)
    done = dict(newcomer.follow((ROOT / "docs" / "policies.md").read_text("utf-8")))
    assert [command.split()[2] for command in done] == ["check", "test", "simulate", "explain"]
    found = json.loads(newcomer.run("ringfence policy simulate --json"))
    assert found["replayed"] > 25
    assert found["skipped"] == []
    recorded = ask_offline(newcomer.folder / "state", None, "GET", "/audit?kind=decision&tool=payments.refund&limit=1000")
    assert not isinstance(recorded, Refusal), recorded
    expected = dict(expected_changes(recorded))
    assert {change["entry"]: (change["after"], change["policies"]) for change in found["changes"]} == expected
    assert len(expected) in (2, 3), "the refunds of the hijacked agent; at night the small one too"
    assert (
        f"{found['replayed']} calls replayed, {len(expected)} would be decided otherwise" in done["ringfence policy simulate\n"]
    )
    asked = {tuple(change["asked"]) for change in found["changes"] if change["after"] == "ask"}
    assert asked <= {("1 of finance (carol, dave)", "1 person")}


def executed(world: Path, server: str, tool: str) -> list[dict[str, object]]:
    """The arguments of every call of a tool, as its server logged them."""
    lines = (world / f"{server}.executed.jsonl").read_text("utf-8").splitlines()
    return [record["arguments"] for record in map(json.loads, lines) if record["tool"] == tool]


def left_behind(world: Path) -> list[str]:
    """The command lines of processes that name the demo's directory and still run."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:  # it ended while we looked
            continue
        if str(world) in command:
            found.append(command)
    return found


def logs(world: Path) -> str:
    return "\n".join(f"--- {log.name}\n{log.read_text('utf-8', 'replace')}" for log in sorted(world.glob("logs/*.log")))
