"""Promises and tests name each other."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.requirements import GAPS, REQUIREMENTS

ROOT = Path(__file__).parents[2]
_MARK = re.compile(r"""requirement\(\s*((?:["']I\d+(?::[a-z-]+)?["']\s*,?\s*)+)\)""")
_PROMISE = re.compile(r"^\| (I\d+) \|", re.MULTILINE)


def ids_in(source: str) -> set[str]:
    """Every requirement id that a test source marks."""
    return {found.partition(":")[0] for group in _MARK.findall(source) for found in re.findall(r"I\d+", group)}


@cache
def marked() -> frozenset[str]:
    sources = [*(ROOT / "tests").glob("*/test_*.py"), *(ROOT / "src/ringfence/testing/contracts").glob("*.py")]
    return frozenset(found for path in sources for found in ids_in(path.read_text("utf-8")))


def test_every_promise_stands_in_security_md_and_the_other_way_round() -> None:
    promised = set(_PROMISE.findall((ROOT / "SECURITY.md").read_text("utf-8")))
    assert promised == set(REQUIREMENTS)


def test_every_promise_has_a_test() -> None:
    assert sorted(set(REQUIREMENTS) - marked()) == []


def test_no_test_names_a_promise_that_was_never_made() -> None:
    assert sorted(marked() - set(REQUIREMENTS)) == []


def test_a_gap_is_not_promised_and_has_a_reason() -> None:
    assert not set(GAPS) & set(REQUIREMENTS)
    assert all(GAPS.values())


def test_the_search_for_marks_finds_them() -> None:
    assert ids_in('@pytest.mark.requirement("I4")\n@pytest.mark.requirement("I11:child-run-hop")') == {"I4", "I11"}
    assert ids_in('pytestmark = [pytest.mark.requirement("I1", "I2")]') == {"I1", "I2"}
    assert ids_in("nothing here") == set()
