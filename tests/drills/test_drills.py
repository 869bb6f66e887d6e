"""A part of `make drills`, quick enough for every run of the tests: real gateways, real servers, a real MCP client."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.drills.attacks import Way
from tests.drills.campaign import Workload, play_batch
from tests.drills.workload_data import load
from typer.testing import CliRunner

from ringfence.app.cli.root import app
from ringfence.app.drills.drilling import Chosen, drill
from ringfence.app.drills.outcome import Report
from ringfence.app.drills.records import records, twins
from ringfence.app.drills.summary import passed, summary

FEW = (
    "comet-2025-08", "github-agentic-workflows-2026-07", "openclaw-inbox-2026-02", "soc-log-injection-2026-05",
    "support-refund-drift-2025", "whatsapp-mcp-2025-04",
)  # fmt: skip
ALIKE = ("b-refund-large", "b-rotate-key", "b-ticket-summary", "b-triage-public")
OWN = """
version: 1
servers:
  desk: {url: "https://desk.internal.example/mcp", headers: {Authorization: {from: "env:NOT_SET_HERE"}}}
  pay: {command: [no-such-program]}
tools:
  desk.read: {effect: read, outbound: false, sensitivity: confidential}
  desk.note:
    reversible: true
    bounded: true
    costs_money: false
    identity: false
    outbound: false
    authority: {/ticket: selector}
  pay.refund: {bounded: true, identity: false, authority: {/order: selector, /amount: magnitude}}
agents:
  support: {purpose: Answers tickets., tools: ["desk.*", "pay.*"], only_mcp: true, limits: {calls_per_run: 20}}
"""


def chosen(renamed: int | None) -> Chosen:
    return Chosen(
        records=tuple(record for record in records() if record.id in FEW),
        twins=tuple(twin for twin in twins() if twin.id in ALIKE),
        renamed=renamed,
        only_told=True,
    )


def shape(report: Report) -> list[object]:
    return [[(step.verdict, step.held_by, step.reasons) for step in one.steps] for one in report.records]


@pytest.mark.requirement("I6")
@pytest.mark.requirement("I10")
async def test_incidents_are_held_and_their_look_alikes_complete_under_whatever_names(tmp_path: Path) -> None:
    reports: list[Report] = []
    for name, seed in (("as-they-are", None), ("renamed", 5)):
        (tmp_path / name).mkdir()
        reports.append(await drill(chosen(seed), tmp_path / name))
    for report in reports:
        assert passed(report), [(one.id, one.steps) for one in report.records if not one.held] + [
            twin for twin in report.twins if not twin.completed
        ]
        assert summary(report)["unexplained"] == 0
    assert shape(reports[0]) == shape(reports[1])
    times = [one.times for one in reports[0].records if one.id == "soc-log-injection-2026-05"]
    assert all(time is not None for time in (times[0].refusal, times[0].alert, times[0].kill, times[0].explanation))


LOOPS = ("langchain-47k-2025-11", "claude-subagent-fanout-2026-09")


@pytest.mark.requirement("I7")
async def test_loops_are_paused_in_time_and_waiting_is_not(tmp_path: Path) -> None:
    loops = tuple(record for record in records() if record.id in LOOPS)
    waiting = tuple(twin for twin in twins() if twin.id in ("b-polling", "b-subagents"))
    report = await drill(Chosen(records=loops, twins=waiting, only_told=True), tmp_path)
    assert [twin.why for twin in report.twins] == ["", ""]
    ends = {one.id: one.steps[-1] for one in report.records}
    asked, spawned = (ends[id] for id in LOOPS)
    assert (asked.verdict, asked.held_by, asked.reasons) == ("stopped", "rule", ("paused",))
    assert "a pause in force covers this call" in asked.explained
    assert 0 < asked.executed <= 16
    assert (spawned.verdict, spawned.reasons) == ("stopped", ("sum_cap",))
    assert passed(report)


async def test_a_day_of_six_teams_is_done_and_what_strangers_asked_for_is_not() -> None:
    tasks = [next(task for task in load() if task.domain == domain) for domain in dict.fromkeys(task.domain for task in load())]
    found = await play_batch(tasks[:6], 0)
    assert [one.why for one in found.done if not one.completed] == []
    attacked = await play_batch([task for task in load() if task.id == "support-01"], 1)
    assert {one.way for one in attacked.struck} == set(Way)
    assert all(one.heard for one in attacked.struck)
    assert executed(attacked) == []
    assert attacked.controls == [True, True], "what a stranger asked for is executed where the operator asks for it"


def executed(found: Workload) -> list[object]:
    """What was executed, but for calls that take nothing from the stranger but words: on things that the task names itself."""
    return [one for one in found.struck if one.executed and one.way is not Way.REUSED]


def test_a_report_is_kept_and_compared_with_the_last(tmp_path: Path) -> None:
    kept, page = tmp_path / "kept.json", tmp_path / "page.html"
    run = ["drill", "run", "b-search", "air-canada-2024-02", "--told", "--out", str(kept)]
    first = CliRunner().invoke(app, run)
    assert first.exit_code == 0, first.output
    assert "1 of 1 records held" in first.output
    again = CliRunner().invoke(app, [*run, "--html", str(page), "--json"])
    assert json.loads(again.stdout)["compared"] == {"better": [], "worse": [], "gone": [], "new": []}
    assert "air-canada-2024-02" in page.read_text("utf-8")
    shown = CliRunner().invoke(app, ["drill", "report", str(kept), "--compare", str(kept)])
    assert "nothing changed since the last report" in shown.output


def test_an_own_configuration_is_drilled_on_played_servers_only(tmp_path: Path) -> None:
    (tmp_path / "ringfence.yaml").write_text(OWN)
    run = ["drill", "run", "--against", str(tmp_path / "ringfence.yaml"), "--out", str(tmp_path / "kept.json"), "--json"]
    refused = CliRunner().invoke(app, run)
    assert refused.exit_code == 2
    found = CliRunner().invoke(app, [*run, "--staging"])
    assert found.exit_code == 0, found.output
    figures = json.loads(found.stdout)["summary"]
    assert (figures["records_held"], figures["must_stop"], figures["must_stop_executed"]) == (1, 3, 0)


def test_a_drill_of_an_own_configuration_ends_when_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "ringfence.yaml").write_text(OWN)
    (tmp_path / "stop").touch()
    options = ["--staging", "--stop-file", str(tmp_path / "stop"), "--out", str(tmp_path / "kept.json"), "--json"]
    found = CliRunner().invoke(app, ["drill", "run", "--against", str(tmp_path / "ringfence.yaml"), *options])
    report = json.loads(found.stdout)["report"]
    assert report["records"] == []
    assert report["notes"][0].startswith("ended early")


def test_a_drill_that_is_told_to_end_leaves_no_process_behind(tmp_path: Path) -> None:
    place = tmp_path / "state-and-logs"
    command = [
        sys.executable,
        "-m",
        "ringfence",
        "drill",
        "run",
        "openclaw-inbox-2026-02",
        "--out",
        str(tmp_path / "kept.json"),
    ]
    drill = subprocess.Popen([*command, "--directory", str(place)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (place / "state" / "control.sock").exists():
        assert drill.poll() is None
        time.sleep(0.02)
    drill.terminate()
    said = drill.communicate()[1].decode()
    assert drill.returncode == 3, said
    assert "told to end" in said
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if str(place).encode() in read(one)]


def read(file: Path) -> bytes:
    """Empty where the process has ended meanwhile."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def test_a_name_that_nobody_knows_is_a_wrong_use() -> None:
    found = CliRunner().invoke(app, ["drill", "run", "comet-2025-09"])
    assert found.exit_code == 2
    assert "comet-2025-08" in found.output


def test_the_list_has_every_record_and_twin() -> None:
    found = json.loads(CliRunner().invoke(app, ["drill", "list", "--json"]).stdout)
    assert (len(found["records"]), len(found["twins"])) == (40, 11)
