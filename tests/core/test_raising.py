"""The command that adds to a cap is one that the command line takes."""

from __future__ import annotations

import shlex

import pytest

from ringfence.core.ledger.raising import raise_command


@pytest.mark.parametrize(
    ("meter", "command"),
    [
        ("calls:run/r_1:all", "ringfence budget raise r_1 --calls +N --reason WHY"),
        ("rows:run/r_1:all", "ringfence budget raise r_1 --rows +N --reason WHY"),
        ("spend:run/r_1:all", "ringfence budget raise r_1 --spend +N --reason WHY"),
        ("model_calls:run/r_1:all", "ringfence budget raise r_1 --model-calls +N --reason WHY"),
        ("spend:run/r_1:gateway/all", "ringfence budget raise r_1 --meter spend:run/r_1:gateway/all --by +N --reason WHY"),
        ("sum:run/r_1:pay.x/a b", "ringfence budget raise r_1 --meter 'sum:run/r_1:pay.x/a b' --by +N --reason WHY"),
        ("wall_clock:run/r_1:all", ""),
        ("spend:agent/a:all@86400s", ""),
        ("spend:gateway:all@86400s", ""),
    ],
)
def test_a_cap_of_a_run_is_raised_by_a_command_and_a_window_by_the_configuration(meter: str, command: str) -> None:
    assert raise_command(meter) == command


@pytest.mark.parametrize("hostile", ["; rm -rf ~", "$(id)", "'`id`'", "\n"])
def test_whatever_a_pointer_holds_the_shell_runs_nothing_of_it(hostile: str) -> None:
    meter = f"sum:run/r_1:pay.x/{hostile}"
    assert shlex.split(raise_command(meter)) == [
        "ringfence",
        "budget",
        "raise",
        "r_1",
        "--meter",
        meter,
        "--by",
        "+N",
        "--reason",
        "WHY",
    ]
