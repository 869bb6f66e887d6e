"""Other names change names, and nothing else."""

import json
import re

import pytest

from ringfence.app.drills.case import Case, case_of
from ringfence.app.drills.records import records, twins
from ringfence.app.drills.renaming import Names, renamed

CASES = [case_of(source, f"d{index:02}", 1) for index, source in enumerate((*records(), *twins()))]


def by_id(name: str) -> Case:
    return next(case for case in CASES if case.id == name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_name_of_a_tool_an_argument_or_a_server_is_left(case: Case) -> None:
    new = renamed(case, Names(3))
    for tool, then in zip(case.deployment.tools, new.deployment.tools, strict=True):
        arguments = set(tool.schema["properties"])
        assert not {*tool.id.split("."), *arguments} & {*then.id.split("."), *then.schema["properties"]}
        pointers = re.findall(r'"(/[^"]*)"', json.dumps(then.profile))
        assert not arguments & {part for pointer in pointers for part in pointer.split("/")}
        assert not arguments & {one["if"].split()[0] for one in then.profile.get("when", ())}
    assert new.deployment.name != case.deployment.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_words_values_and_results_stay(case: Case) -> None:
    new = renamed(case, Names(3))
    for turn, then in zip(case.turns, new.turns, strict=True):
        assert then.result == turn.result
        assert json.dumps(list(then.arguments.values())) == json.dumps(list(turn.arguments.values())) or turn.step.event


def test_pointers_conditions_and_sums_follow_their_arguments() -> None:
    new = renamed(by_id("support-refund-drift-2025"), Names(3))
    (tool,) = new.deployment.tools
    order, amount, _ = tool.schema["properties"]
    assert tool.profile["authority"] == {f"/{order}": "selector", f"/{amount}": "magnitude"}
    assert tool.profile["when"][0]["if"] == f"{amount} <= 250"
    assert tool.profile["limits"]["sums"][0]["of"] == f"/{amount}"


def test_a_condition_keeps_what_it_compares_with() -> None:
    new = renamed(by_id("b-terraform-plan"), Names(3))
    (tool,) = new.deployment.tools
    assert "in ['dev', 'staging']" in tool.profile["when"][0]["if"]
    assert not tool.profile["when"][0]["if"].startswith("env")


def test_a_seed_gives_the_same_names_and_another_one_others() -> None:
    case = by_id("comet-2025-08")
    assert renamed(case, Names(3)) == renamed(case, Names(3))
    assert renamed(case, Names(3)) != renamed(case, Names(4))


def test_people_say_the_new_name_right_before_a_value_and_nowhere_else() -> None:
    new = renamed(by_id("b-ticket-summary"), Names(3))
    argument = next(iter(new.deployment.tools[1].schema["properties"]))
    assert new.deployment.task == f"Summarise the open tickets and put what you find into an internal note at {argument} 42."
    assert renamed(by_id("b-soc-tag"), Names(3)).deployment.task.endswith(
        "so that we investigate it, and open a ticket about its beacon."
    )
