"""The records and twins are whole, and their deployments know nothing of the attacks."""

import json
import re
from dataclasses import replace

from msgspec import structs

from ringfence.app.drills.case import case_of
from ringfence.app.drills.minting import mint
from ringfence.app.drills.orders import AFTER, AT_ONCE, TOLD, orders
from ringfence.app.drills.records import Record, Step, records, twins


def steps() -> list[Step]:
    return [step for record in records() for step in record.steps]


def test_all_records_and_twins_are_there() -> None:
    assert (len(records()), len(steps()), len(twins())) == (40, 121, 11)
    assert sum(step.harmful for step in steps()) == 76
    assert sum(step.must_stop for step in steps()) == 71


def test_every_twin_resembles_a_record() -> None:
    assert {twin.twin_of for twin in twins()} <= {record.id for record in records()}


def test_what_never_passes_here_names_the_control_that_is_missing() -> None:
    elsewhere = [step for step in steps() if step.event == "elsewhere" and step.must_stop]
    assert len(elsewhere) == 7
    assert all(step.missing for step in elsewhere)
    assert not any(step.missing for step in steps() if step not in elsewhere)


def test_every_call_of_an_agent_has_a_tool_that_is_deployed() -> None:
    for source in (*records(), *twins()):
        for step in source.steps:
            if not step.event:
                assert step.tool in source.deployment.tools, f"{source.id} {step.tool}"


def test_a_tool_that_was_not_given_is_only_called_in_harm() -> None:
    for record in records():
        for step in record.steps:
            if step.tool in record.deployment.unneeded:
                assert step.harmful


def test_no_deployment_holds_what_only_a_step_uses_that_must_stop() -> None:
    for record in records():
        mine = json.dumps([record.deployment.tools, record.deployment.agent])
        benign = json.dumps([step.args for step in record.steps if not step.harmful]) + record.deployment.task
        for step in record.steps:
            if step.must_stop and not step.event:
                for value in step.args.values():
                    if isinstance(value, str) and value not in benign:
                        assert json.dumps(value) not in mine, f"{record.id}: {value}"


def test_no_record_holds_a_credential_or_a_path_of_a_machine() -> None:
    text = json.dumps([json.loads(json.dumps(step.args)) for step in steps()] + [step.result for step in steps()])
    assert not re.search(r"ghp_|xoxb-\d|AIza|sk_live_|npm_[A-Za-z0-9]{20}", text)


def test_credentials_are_made_up_anew_and_of_the_kind_that_is_asked_for() -> None:
    first, second = mint({"X": "github-token"}, 1), mint({"X": "github-token"}, 2)
    assert first != second
    assert first == mint({"X": "github-token"}, 1)
    assert first["X"].startswith("ghp_")


def test_the_calls_of_a_case_hold_the_credential_instead_of_its_placeholder() -> None:
    record = _named("anthropic-internal-overeager-2026")
    texts = json.dumps([dict(turn.arguments) for turn in case_of(record, "d00", 1).turns])
    assert "FAKE" not in texts
    assert "ghp_" in texts


def test_an_attack_strikes_at_once_and_after_all_work() -> None:
    turns = case_of(_named("soc-log-injection-2026-05"), "d00", 1).turns
    assert list(orders(turns)) == [TOLD]
    look = replace(turns[0], arguments={"id": "A-2"}, step=structs.replace(turns[0].step, injected=False))
    later = (turns[0], turns[1], look, *turns[2:])
    found = orders(later)
    assert [turn.step.harmful for turn in found[AT_ONCE]] == [False, True, True, True, False]
    assert [turn.step.harmful for turn in found[AFTER]] == [False, False, True, True, True]


def test_a_record_with_a_stop_is_only_played_as_it_is_told() -> None:
    assert list(orders(case_of(_named("openclaw-inbox-2026-02"), "d00", 1).turns)) == [TOLD]


def _named(name: str) -> Record:
    return next(record for record in records() if record.id == name)
