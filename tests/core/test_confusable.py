"""Keys that another parser could take for a known one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.strict_json.confusable import confusable, twins

KNOWN = frozenset({"name", "params", "tasks", "arguments", "größe"})


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("Name", "name"),
        ("NAME", "name"),
        ("name\0", "name"),
        ("name\0\0\0", "name"),
        ("Name\0", "name"),
        ("param\u017f", "params"),
        ("tas\u212as", "tasks"),
        ("ｎａｍｅ", "name"),
        ("GRÖSSE", "größe"),
        ("gro\u0308ße", "größe"),
    ],
)
def test_a_key_that_folds_to_a_known_one_is_named(key: str, match: str) -> None:
    assert confusable(key, KNOWN) == match


@pytest.mark.parametrize("key", ["name", "größe", "names", "nam", "\0name", "na\0me", "", "\0", " name", "пame"])
def test_known_keys_and_keys_of_their_own_are_left_alone(key: str) -> None:
    assert confusable(key, KNOWN) is None


def test_a_key_longer_than_the_known_one_that_it_composes_to_is_matched() -> None:
    assert confusable("u\u0308\u0304", ["\u01d6"]) == "\u01d6"


def test_nothing_resembles_a_key_when_none_is_known() -> None:
    assert confusable("name", ()) is None


def test_a_known_key_in_capitals_is_matched_too() -> None:
    assert confusable("progresstoken", ["progressToken"]) == "progressToken"


def test_a_long_run_of_combining_marks_is_not_normalised() -> None:
    # Normalising this would take minutes.
    assert confusable("a" + "\u0300\u0327" * 500_000, KNOWN) is None


@given(st.text(max_size=12), st.lists(st.text(max_size=4), max_size=4))
def test_the_answer_is_what_the_definition_says(key: str, known: list[str]) -> None:
    def fold(name: str) -> str:
        return unicodedata.normalize("NFKC", name.rstrip("\0")).casefold()

    matches = [] if key in known else [name for name in known if fold(name) == fold(key)]
    assert confusable(key, known) == (matches[0] if matches else None)


@pytest.mark.parametrize(
    ("value", "twin"),
    [
        ({"amount": 5, "Amount": 5000}, "Amount"),
        ({"order": [{"amount": 5, "AMOUNT": 5000}]}, "AMOUNT"),
        ({"dsn": "x", "d\u017fn": "y"}, "d\u017fn"),
        ({"a": {"b": {"key": 1, "\u212aey": 2}}}, "\u212aey"),
        ({"name": 1, "name\0": 2}, "name\0"),
        ({"a" * 2000: 1, "A" * 2000: 2}, "A" * 2000),
        ({"amount": 5, "amounts": {"amount": 5}, "x": [{"amount": 1}, {"Amount": 2}]}, None),
        ({}, None),
        ([1, "a", None], None),
    ],
)
def test_keys_that_are_taken_for_each_other_are_found_at_any_depth(value: object, twin: str | None) -> None:
    assert twins(value) == twin
