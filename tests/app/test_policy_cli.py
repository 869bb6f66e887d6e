"""`ringfence policy check|test|explain|simulate`, against a control socket with the shop's log and pins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.app.cli_kit import Office, Said, office

from ringfence.engine.outcome import Waiting

CONFIG = """\
version: 1
servers:
  orders: {command: [orders]}
  payments: {command: [payments]}
tools:
  orders.get: {effect: read, outbound: false, sensitivity: internal}
  payments.refund: {bounded: true, identity: false}
agents:
  support: {purpose: answers support tickets, tools: ["orders.*", "payments.*"]}
  reader: {purpose: looks orders up, tools: [orders.get]}
groups: {finance: [fay, fred]}
"""
HEAD = 'forbid (principal, action == Action::"payments.refund", resource)'
BIG = f'@id("big") @approve("finance") {HEAD} when {{ context.arguments.amount > 50 }};\n'
NIGHT = f'@id("night") {HEAD} when {{ context.time.hour >= 22 || context.time.hour < 7 }};\n'
CASES = """\
cases:
  - name: small
    call: payments.refund
    agent: support
    arguments: {order: A1, amount: 50}
    expect: ask
    needs: [1 person]
    policies: []
    reasons: [costs_money, irreversible]
  - name: big
    call: payments.refund
    agent: support
    arguments: {order: A1, amount: 51}
    expect: ask
    needs: [finance, 1 person]
    policies: [big]
  - name: night
    call: payments.refund
    agent: support
    arguments: {order: A1, amount: 1}
    at: "2026-03-02 23:59"
    expect: deny
    policies: [night]
"""


@dataclass(frozen=True)
class Lab:
    """A gateway with a log, and a configuration beside it."""

    at: Office
    config: Path

    def __call__(self, *arguments: str) -> Said:
        return self.at("policy", *arguments, "--config", str(self.config))

    def write(self, name: str, text: str) -> Path:
        folder = self.config.parent / "policies"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
        return folder / name


@pytest.fixture(name="lab")
def running(tmp_path: Path) -> Iterator[Lab]:
    config = tmp_path / "ringfence.yaml"
    config.write_text(CONFIG, "utf-8")
    with office() as opened:
        made = Lab(opened, config)
        made.write("refunds.cedar", BIG + NIGHT)
        yield made


def refund(at: Office, amount: int) -> Any:
    opened = at.run(at.world.open_run())
    return at.run(at.world.call(opened, "payments__refund", {"order": "A1", "amount": amount}))


def test_check_says_what_policies_can_read(lab: Lab) -> None:
    said = lab("check")
    assert said.code == 0, said.err
    assert said.out.startswith("good: 2 policies on 1 of 2 tools\npayments.refund: big, night\n")
    assert "  context.arguments.amount: Long\n" in said.out
    answer = lab("check", "--json").json
    assert answer["ok"]
    assert answer["tools"]["payments.refund"]["arguments"] == {"order": "String", "amount": "Long"}


@pytest.mark.requirement("I16")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'@id("a") {HEAD} when {{ context.arguments.amuont > 50 }};',
            "refunds.cedar:1: for policy `a`, attribute `arguments.amuont`",
        ),
        (
            f'\n@id("a") {HEAD} when {{ context.arguments has amuont }};',
            "refunds.cedar:2: a reads `amuont`, which none of its tools has",
        ),
        ('@id("a") permit (principal, action, resource);', "refunds.cedar:1:1: `permit` has no place here"),
    ],
)
def test_check_refuses_what_would_not_hold(lab: Lab, text: str, said: str) -> None:
    lab.write("refunds.cedar", text)
    refused = lab("check")
    assert refused.code == 1
    assert said in refused.err
    assert lab("check", "--json").json["error"]["code"] == "refused"


def test_cases_beside_the_policies_are_run(lab: Lab) -> None:
    assert lab("test").code == 1
    lab.write("refunds.test.yaml", CASES)
    said = lab("test")
    assert said.code == 0, said.out
    assert said.out.splitlines()[-1] == "3 of 3 cases hold"
    lab.write("refunds.cedar", BIG.replace("50", "60") + NIGHT)
    failed = lab("test")
    assert failed.code == 1
    assert "FAILED  big: ask\n        policies: expected big, got none\n" in failed.out
    assert "        needs: expected 1 of finance, 1 person, got 1 person\n" in failed.out
    answer = lab("test", "--json").json
    assert [case["ok"] for case in answer["cases"]] == [True, False, True]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("{name: a, call: payments.refund, agent: support, expect: allowed}", "expected one of"),
        ("{name: a, call: payments.refund, agent: support}", "missing key `expect`"),
        ('{name: a, call: payments.refund, agent: support, expect: ask, at: "25 o\'clock"}', "expected a time"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused_with_its_place(lab: Lab, case: str, said: str) -> None:
    path = lab.write("refunds.test.yaml", f"cases:\n  - {case}\n")
    refused = lab("test")
    assert refused.code == 1
    assert f"{path}:2:" in refused.err
    assert said in refused.err


@pytest.mark.parametrize(("text", "said"), [("", "expected a mapping with `cases`"), ("cases: []\n", "there is no case in it")])
def test_a_file_without_cases_does_not_hold(lab: Lab, text: str, said: str) -> None:
    path = lab.write("refunds.test.yaml", text)
    refused = lab("test")
    assert refused.code == 1
    assert f"{path}:" in refused.err
    assert said in refused.err
    assert "config check" not in refused.err


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("call: payments.refund, agent: suport", "agent: there is no `suport`; nearest known: `support`"),
        ("call: payments.refunds, agent: support", "call: there is no `payments.refunds`; nearest known: `payments.refund`"),
        ("call: payments.unlisted, agent: support", "call: the definition of payments.unlisted is not known"),
    ],
)
def test_a_case_of_nobody_or_nothing_does_not_hold_although_it_is_denied(lab: Lab, case: str, said: str) -> None:
    unlisted = CONFIG.replace("tools:\n", "tools:\n  payments.unlisted: {}\n", 1)
    lab.config.write_text(unlisted, "utf-8")
    lab.write("refunds.test.yaml", f"cases:\n  - {{name: a, {case}, expect: deny}}\n")
    failed = lab("test")
    assert failed.code == 1
    assert "FAILED  a: deny" in failed.out
    assert said in failed.out


def test_an_empty_folder_of_policies_is_tried_as_no_policies(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    said = lab("check", "--policies", str(tmp_path / "none"))
    assert said.code == 0
    assert "good: 0 policies on 0 of 2 tools" in said.out
    assert "there are no policies" in said.err


def test_explain_refuses_an_agent_that_is_not_there(lab: Lab) -> None:
    refused = lab("explain", "payments.refund", "--agent", "suport")
    assert refused.code == 2
    assert "there is no agent `suport`; nearest known: `support`" in refused.err


def test_explain_shows_what_was_evaluated_and_what_decided(lab: Lab) -> None:
    said = lab("explain", "payments.refund", "--arguments", '{"order": "A1", "amount": 51}', "--at", "12:00")
    assert said.code == 0, said.err
    assert "payments.refund by support: ask" in said.out
    assert "  FORBIDS  big (refunds.cedar:1)" in said.out
    assert "  silent   night (refunds.cedar:2)" in said.out
    assert "would ask 1 of finance (fay, fred)" in said.out
    answer = lab("explain", "payments.refund", "--arguments", '{"order": "A1", "amount": 51}', "--json").json
    assert answer["read"]["arguments"] == {"amount": 51}
    assert answer["read"]["posture"] == 'Posture::"separate"'
    nothing = lab("explain", "orders.get", "--agent", "reader", "--arguments", '{"order": "A1"}', "--json").json
    assert (nothing["decision"], nothing["evaluated"]) == ("allow", [])


def test_explain_takes_a_call_of_the_log(lab: Lab) -> None:
    waiting = refund(lab.at, 51)
    assert isinstance(waiting, Waiting)
    assert "  FORBIDS  big" in lab("explain", waiting.entry).out
    assert lab("explain", "e0").code == 1
    assert lab("explain", "payments.refnd").code == 2
    assert lab("explain", "orders.get").code == 2
    assert lab("explain", "payments.refund", "--arguments", "[1]").code == 2


def test_simulate_says_which_decisions_change_and_who_would_have_been_asked(lab: Lab) -> None:
    at, world = lab.at, lab.at.world
    lab.write("refunds.cedar", BIG)
    refund(at, 50)
    big = refund(at, 51)
    at.run(world.approve(big.ticket, by="bo2"))
    opened = at.run(world.open_run())
    at.run(world.call(opened, "orders__get", {"order": "A1"}))
    at.run(world.call(opened, "orders__note", {"order": "A1", "text": "x"}))
    answer = lab("simulate", "--json").json
    changes = {change["tool"]: change for change in answer["changes"]}
    assert set(changes) == {"payments.refund", "orders.note"}
    assert changes["payments.refund"]["entry"] == big.entry
    assert changes["payments.refund"]["asked"] == ["1 of finance (fay, fred)", "1 person"]
    assert (changes["orders.note"]["before"], changes["orders.note"]["after"]) == ("allow", "deny")
    assert answer["replayed"] == 4
    printed = lab("simulate").out
    assert "1 of finance (fay, fred); 1 person" in printed
    assert "4 calls replayed, 2 would be decided otherwise, 0 could not be replayed" in printed


def test_simulate_takes_another_folder_and_an_export(lab: Lab, tmp_path: Path) -> None:
    refund(lab.at, 51)
    export = tmp_path / "log.jsonl"
    entries = lab.at.run(lab.at.world.entries())
    export.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")
    other = tmp_path / "other"
    other.mkdir()
    (other / "closed.cedar").write_text('@id("closed") forbid (principal, action in Action::"payments", resource);')
    answer = lab("simulate", "--log", str(export), "--policies", str(other), "--json").json
    assert [(change["before"], change["after"], change["policies"]) for change in answer["changes"]] == [
        ("ask", "deny", ["closed"])
    ]
    export.write_text("nonsense\n", "utf-8")
    assert lab("simulate", "--log", str(export)).code == 1


@pytest.mark.requirement("I9")
def test_simulate_says_which_calls_it_cannot_replay(lab: Lab, tmp_path: Path) -> None:
    refund(lab.at, 51)
    entries = lab.at.run(lab.at.world.entries())
    decision = next(entry for entry in entries if entry["kind"] == "decision")
    masked = {**decision, "seq": 90, "body": {**decision["body"], "arguments": {"order": "(secret)", "amount": 51}}}
    other = {**decision["body"], "ticket": "t_other"}
    long = {**decision, "seq": 91, "body": {**other, "arguments": {"sha256": "0" * 64, "bytes": 90_000}}}
    dropped = {**decision, "seq": 92, "body": {}}
    export = tmp_path / "log.jsonl"
    export.write_text("".join(f"{json.dumps(entry)}\n" for entry in (masked, long, dropped)), "utf-8")
    answer = lab("simulate", "--log", str(export), "--json").json
    assert answer["replayed"] == 0
    assert [(one["entry"], one["why"]) for one in answer["skipped"]] == [
        ("e90", "its arguments are masked in the record"),
        ("e91", "its arguments are too long to be recorded"),
        ("e92", "its body is no longer kept"),
    ]


def test_a_refusal_by_a_check_that_cannot_be_replayed_stays(lab: Lab) -> None:
    at = lab.at
    opened = at.run(at.world.open_run())
    at.run(at.world.runs.close(opened.run.id, by="operator:ada", why="done"))
    at.run(at.world.call(opened, "orders__get", {"order": "A1"}))
    assert lab("simulate", "--json").json["changes"] == []


def test_without_definitions_nothing_is_said(lab: Lab) -> None:
    lab.config.write_text("version: 1\nservers: {other: {command: [x]}}\ntools: {other.act: {}}\n", "utf-8")
    lab.write("refunds.cedar", '@id("a") forbid (principal, action == Action::"other.act", resource);')
    said = lab("check")
    assert said.code == 3
    assert "knows no definition of a configured tool" in said.err
