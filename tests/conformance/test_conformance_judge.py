"""The judge of the conformance run: what it calls a difference, and what it lets pass."""

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.conformance.compare import Approved, Difference, approved, broken_reference, differences, result, table, unmet
from tests.conformance.evidence import executed, unaccounted
from tests.conformance.suite import numbered, read_results

DIRECT = {"tools-list": {"shape": "SUCCESS", "names": "SUCCESS"}, "tasks-wire": {"fields": "FAILURE"}}
HERE = Path(__file__).parent


def test_equal_runs_do_not_differ() -> None:
    assert differences("r", DIRECT, DIRECT) == []


@pytest.mark.parametrize(
    ("gateway", "found"),
    [
        ({**DIRECT, "tools-list": {"shape": "FAILURE", "names": "SUCCESS"}}, ("tools-list", "shape", "SUCCESS", "FAILURE")),
        ({**DIRECT, "tools-list": {"names": "SUCCESS"}}, ("tools-list", "shape", "SUCCESS", "ABSENT")),
        ({**DIRECT, "new": {"check": "SUCCESS"}}, ("new", "check", "ABSENT", "SUCCESS")),
        ({**DIRECT, "tasks-wire": {"fields": "SUCCESS"}}, ("tasks-wire", "fields", "FAILURE", "SUCCESS")),
    ],
)
def test_worse_gone_new_and_better_all_differ(gateway: dict[str, dict[str, str]], found: tuple[str, ...]) -> None:
    assert differences("r", DIRECT, gateway) == [Difference("r", *found)]


def test_only_the_very_difference_that_was_approved_is_met() -> None:
    meant = Difference("r", "s", "c", "SUCCESS", "ABSENT")
    other = Difference("r", "s", "c", "SUCCESS", "FAILURE")
    assert unmet([meant], [Approved(meant, "why")]) == ([], [])
    assert unmet([other], [Approved(meant, "why")]) == ([other], [meant])
    assert unmet([], [Approved(meant, "why")]) == ([], [meant])


def test_an_approval_needs_a_reason() -> None:
    entry = {"revision": "r", "scenario": "s", "check": "c", "direct": "SUCCESS", "gateway": "ABSENT", "reason": " "}
    with pytest.raises(ValueError, match="no reason"):
        approved([entry])


@pytest.mark.parametrize("name", ["approved_differences.json", "approved_tightened.json"])
def test_the_approved_files_can_be_read(name: str) -> None:
    approved(json.loads((HERE / name).read_text("utf-8")))


def test_a_reference_that_fails_more_than_tasks_proves_nothing() -> None:
    assert broken_reference(DIRECT) == []
    assert broken_reference({"ping": {"answer": "FAILURE"}}) == ["ping: answer: FAILURE"]


def test_figures_and_table_name_what_differs() -> None:
    gateway = {**DIRECT, "tools-list": {"shape": "FAILURE", "names": "SUCCESS"}}
    found = result({"r": differences("r", DIRECT, gateway)}, {"r": DIRECT}, {"r": gateway})
    assert found == {
        "direct_pass": {"r": 2},
        "direct_fail": {"r": 1},
        "gateway_pass": {"r": 1},
        "gateway_fail": {"r": 2},
        "different": {"r": ["tools-list: shape: SUCCESS -> FAILURE"]},
    }
    assert [line.split()[0] for line in table(DIRECT, gateway) if line.endswith("differs")] == ["tools-list"]


def test_repeated_checks_are_told_apart_and_notes_are_none() -> None:
    checks = [{"id": "a", "status": "SUCCESS"}, {"id": "note", "status": "INFO"}, {"id": "a", "status": "FAILURE"}]
    assert numbered(checks) == {"a": "SUCCESS", "a#2": "FAILURE"}


def test_results_are_read_by_scenario(tmp_path: Path) -> None:
    folder = tmp_path / "server-tools-call-error-2026-11-21T12-59-09-096Z"
    folder.mkdir()
    (folder / "checks.json").write_text('[{"id": "a", "status": "SUCCESS"}]')
    assert read_results(tmp_path) == {"tools-call-error": {"a": "SUCCESS"}}


def entry(tool: str, decision: str = "allow", /, **arguments: str) -> dict[str, object]:
    return {"kind": "decision", "decision": decision, "body": {"upstream_name": tool, "arguments": arguments}}


def test_every_request_that_reached_the_server_needs_its_own_decision(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = [
        {"method": "tools/call", "name": "echo", "goes_on": False},
        {"method": "tools/call", "name": "echo", "goes_on": True},
        {"method": "resources/read", "name": "test://a", "goes_on": False},
        {"method": "prompts/get", "name": "ask", "goes_on": False},
        {"method": "completion/complete", "name": None, "goes_on": False},
        {"method": "tools/list", "name": None, "goes_on": False},
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    reached, nothing = executed(log), Counter[tuple[str, str]]()
    whole = [
        entry("resources/read", uri="test://a"),
        entry("prompts/get", name="ask"),
        entry("completion/complete", ref="ref"),
        entry("echo"),
    ]
    assert unaccounted(nothing, reached, whole) == []
    assert unaccounted(nothing, reached, [*whole, entry("echo", "deny")]) == []
    assert unaccounted(nothing, reached, whole[1:]) == [
        "resources/read test://a: reached the server 1 times, allowed 0 times",
    ]
    assert unaccounted(nothing, reached, [*whole, entry("echo")]) == [
        "tools/call echo: reached the server 1 times, allowed 2 times",
    ]


def test_a_run_in_which_nothing_was_executed_proves_nothing() -> None:
    nothing = Counter[tuple[str, str]]()
    assert unaccounted(nothing, nothing, [])[0] == "no completion/complete reached the server"
