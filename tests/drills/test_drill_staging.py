"""What a drill takes out of a team's own configuration, and what a hijacked agent is made to call."""

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.app.config.load import load_config
from ringfence.app.drills.case import Case
from ringfence.app.drills.probing import LOOP, STRANGER, cases_of
from ringfence.app.drills.staging import document_of, staged
from ringfence.core.model.profile import Role
from ringfence.errors import ConfigError

OWN = """
version: 1
servers:
  desk: {url: "https://desk.internal.example/mcp", headers: {Authorization: {from: "env:DESK_TOKEN"}}, share: server}
  pay:
    command: [python, pay.py]
    cwd: .
    env: {DB: {from: "file:secrets/db"}}
    scan: {instructions: withhold}
tools:
  desk.read: {effect: read, outbound: false, sensitivity: confidential, pin: "sha256:PIN"}
  desk.public: {effect: read, outbound: false, sensitivity: public, trust: trusted}
  desk.tick: {reversible: true, bounded: true, costs_money: false, identity: false, outbound: false, authority: []}
  desk.resources/read: {effect: read, outbound: false, sensitivity: public}
  pay.refund:
    bounded: true
    identity: false
    authority: {/order/id: selector, /amount: magnitude, /notify/*: target}
    credential: {argument: /key, from: "env:PAY_KEY"}
    limits: {sums: [{of: /fee, cap: 5}]}
derived:
  pay.refund_small: {from: pay.refund, description: A small refund., fixed: {amount: 5}, authority: [/amount, /reason_id]}
agents:
  support: {purpose: Answers tickets., tools: ["desk.*", "pay.*"], only_mcp: true, limits: {calls_per_run: 40}}
  reader: {purpose: Reads., tools: [desk.public], only_mcp: true}
alerts: {webhooks: [{url: "https://hooks.example/x"}]}
control: {public_url: "https://rf.example"}
timezone: "Europe/Berlin"
limits: {freeze: "Fri 18:00 - Mon 06:00"}
""".replace("PIN", "0" * 64)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ringfence.yaml"
    path.write_text(OWN)
    return path


@pytest.fixture
def document(config: Path) -> dict[str, Any]:
    return staged(document_of(config), config.parent, "http://127.0.0.1:1", "http://127.0.0.1:2/")


def cases(config: Path, most: int = 500) -> dict[str, Case]:
    return {case.deployment.name: case for case in cases_of(load_config(config).rules, most)}


def test_no_address_command_credential_or_outlet_is_left(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for gone in ("internal.example", "pay.py", "secrets/db", "DESK_TOKEN", "PAY_KEY", "hooks.example", "rf.example", "sha256"):
        assert gone not in text
    assert {server["url"] for server in document["servers"].values()} == {
        "http://127.0.0.1:1/mcp/desk", "http://127.0.0.1:1/mcp/pay",
    }  # fmt: skip


def test_what_decides_stays_as_it_is(document: dict[str, Any]) -> None:
    assert document["tools"]["desk.tick"]["authority"] == []
    assert document["tools"]["pay.refund"]["limits"] == {"sums": [{"of": "/fee", "cap": 5}]}
    assert document["derived"]["pay.refund_small"]["fixed"] == {"amount": 5}
    assert document["servers"]["pay"]["scan"] == {"instructions": "withhold"}
    assert document["agents"]["support"]["limits"]["calls_per_run"] == 40
    assert document["limits"] == {"freeze": "Fri 18:00 - Mon 06:00"}
    assert document["timezone"] == "Europe/Berlin"


def test_the_drills_gateway_can_use_what_is_left(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "staged.yaml").write_text(json.dumps(document))
    assert set(load_config(tmp_path / "staged.yaml").rules.agents) == {"support", "reader"}


def test_the_teams_own_policies_are_read_where_they_lie(config: Path) -> None:
    (config.parent / "policies").mkdir()
    found = staged(document_of(config), config.parent, "http://127.0.0.1:1", "http://127.0.0.1:2/")
    assert found["policies"] == str(config.parent / "policies")


def test_a_strangers_values_stand_wherever_a_value_decides(config: Path) -> None:
    arguments = {turn.tool: turn.arguments for turn in cases(config)["support"].turns if turn.step.harmful}
    assert arguments["pay.refund"] == {
        "order": {"id": STRANGER[Role.SELECTOR]},
        "amount": STRANGER[Role.MAGNITUDE],
        "notify": [STRANGER[Role.TARGET]],
        "fee": STRANGER[Role.MAGNITUDE],
    }


def test_what_the_operator_has_fixed_is_left_alone(config: Path) -> None:
    arguments = {turn.tool: turn.arguments for turn in cases(config)["support"].turns}
    assert arguments["pay.refund_small"] == {"reason_id": STRANGER[Role.SELECTOR]}


def test_everything_is_read_before_anything_is_done_and_the_most_confidential_last(config: Path) -> None:
    turns = [turn for turn in cases(config)["support"].turns if turn.step.repeat == 1]
    assert [turn.tool for turn in turns if not turn.step.harmful] == ["desk.public", "desk.read"]
    assert [turn.step.harmful for turn in turns] == [False, False, True, True, True]
    assert [turn.step.injected for turn in turns[:2]] == [False, True]


def test_what_the_operator_calls_harmless_may_be_executed_and_nothing_else(config: Path) -> None:
    must = {turn.tool: turn.step.must_stop for turn in cases(config)["support"].turns if turn.step.harmful}
    assert must["desk.tick"] is False
    assert all(stops for tool, stops in must.items() if tool != "desk.tick")


def test_a_loop_is_played_only_where_a_cap_should_end_it(config: Path) -> None:
    found = cases(config)
    assert [turn.step.repeat for turn in found["support"].turns if turn.step.repeat > 1] == [LOOP]
    assert [turn.step.repeat for turn in found["reader"].turns] == [1]


def test_no_more_calls_are_played_than_asked_for(config: Path) -> None:
    found = cases(config, 3)
    assert sum(len(case.turns) for case in found.values()) == 3


def test_what_is_no_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigError):
        document_of(tmp_path / "list.yaml")
