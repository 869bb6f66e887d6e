"""Attack classes and tests name each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.attack_classes import ATTACK_CLASSES, GAPS

ROOT = Path(__file__).parents[2]
EVERY = {f"A{number}" for number in range(1, 26)}


def ids_in(source: str) -> Iterator[str]:
    """Every class that a test source marks, on a test, a class of tests or the whole module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.attack":
            yield from (ast.literal_eval(argument) for argument in node.args)


@cache
def marked() -> frozenset[str]:
    sources = [*(ROOT / "tests").glob("*/test_*.py"), *(ROOT / "src/ringfence/testing/contracts").glob("*.py")]
    texts = [path.read_text("utf-8") for path in sources]
    return frozenset(found for text in texts if "mark.attack" in text for found in ids_in(text))


def test_every_class_is_withstood_or_said_not_to_be() -> None:
    assert set(ATTACK_CLASSES) | set(GAPS) == EVERY
    assert not set(ATTACK_CLASSES) & set(GAPS)
    assert all(ATTACK_CLASSES.values())
    assert all(GAPS.values())


def test_every_class_has_a_test() -> None:
    assert sorted(set(ATTACK_CLASSES) - marked()) == []


def test_no_test_names_a_class_that_is_not_withstood() -> None:
    assert sorted(marked() - set(ATTACK_CLASSES)) == []


def test_the_search_for_marks_finds_them() -> None:
    source = '@pytest.mark.attack("A1")\ndef test_x(): ...\npytestmark = [pytest.mark.attack("A2", "A3")]\n# attack("A4")'
    assert sorted(ids_in(source)) == ["A1", "A2", "A3"]
    assert list(ids_in("pytest.mark.requirement('I1')")) == []
