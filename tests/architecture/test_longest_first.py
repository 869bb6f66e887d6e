"""The order in which the suite runs names what is there."""

from pathlib import Path

from tests.conftest import LONGEST

TESTS = Path(__file__).parents[1]


def test_what_runs_first_is_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []
