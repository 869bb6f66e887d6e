"""Which schemas leave no room for text of somebody else."""

from __future__ import annotations

import string
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.definitions.typed_schema import LONGEST_ID, MOST_LETTERS, is_typed
from ringfence.core.narrowing.tightening import compile_values


def _closed(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "additionalProperties": False}


ULID = {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"}
TYPED: list[Any] = [
    {"type": "boolean"},
    {"type": "null"},
    {"type": "number", "minimum": 0},
    {"type": "integer"},
    {"type": ["integer", "null"]},
    {"enum": ["open", "closed", None, 3, True]},
    {"type": "string", "enum": ["low", "high"]},
    {"const": "done"},
    {"type": "string", "format": "date"},
    {"type": ["string", "null"], "format": "date-time"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "duration"},
    {"type": "string", "pattern": "^INV-[0-9]{1,10}$"},
    {"type": "string", "pattern": "^#?\\d{1,10}$"},
    {"type": "string", "pattern": "^[0-9a-f-]+$", "maxLength": 64},
    {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 64},
    {"type": "string", "pattern": "^ord\\-[A-Z]{2,4}[0-9]*$", "maxLength": 20},
    ULID,
    {"type": "array", "items": {"type": "number"}},
    {"type": "array", "items": ULID, "maxItems": 4},
    {"type": "array", "prefixItems": [{"type": "number"}], "items": False},
    {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    {"allOf": [{"type": "object"}, _closed(total={"type": "integer"})]},
    {"$defs": {"kind": {"enum": ["a", "b"]}}, **_closed(kind={"$ref": "#/$defs/kind"})},
    _closed(),
    _closed(total={"type": "number"}, lines={"type": "array", "items": _closed(sku={"type": "string", "format": "uuid"})}),
    {"$schema": "http://json-schema.org/draft-07/schema#", **_closed(ok={"type": "boolean"})},
]
FREE: list[Any] = [
    {},
    True,
    None,
    "number",
    {"type": "string"},
    {"type": "string", "maxLength": 5},
    {"type": "string", "format": "email"},
    {"format": "date"},
    {"type": "string", "pattern": "[0-9]+", "maxLength": 10},
    {"type": "string", "pattern": "^[0-9]+", "maxLength": 10},
    {"type": "string", "pattern": "^[0-9]+$"},
    {"type": "string", "pattern": "^[0-9]{1,65}$"},
    {"type": "string", "pattern": "^.{1,10}$"},
    {"type": "string", "pattern": "^[a-z ]{1,10}$"},
    {"type": "string", "pattern": "^[A-z]{1,10}$"},
    {"type": "string", "pattern": "^[^a]{1,10}$"},
    {"type": "string", "pattern": "^\\w{1,10}$"},
    {"type": "string", "pattern": "^a|b$", "maxLength": 10},
    {"type": "string", "pattern": "^(a)$", "maxLength": 10},
    {"type": "array", "items": ULID},
    {"type": "array", "items": ULID, "maxItems": 5},
    {"type": "array"},
    {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "number"}},
    {"type": "array", "prefixItems": [{"type": "number"}]},
    {"type": "object"},
    {"type": "object", "properties": {"a": {"type": "number"}}},
    {"type": "object", "additionalProperties": {"type": "number"}},
    {**_closed(), "patternProperties": {"^[a-z ]+$": {"type": "number"}}},
    _closed(note={"type": "string"}),
    _closed(a=ULID, b=ULID, c=ULID, d=ULID, e=ULID),
    {"anyOf": [{"type": "number"}, {"type": "string"}]},
    {"anyOf": []},
    {"type": []},
    {"type": ["number", "string"]},
    {"enum": ["a" * 201]},
    {"enum": [{"text": "a"}]},
    {"enum": "a"},
    {"$ref": "#"},
    {"$ref": "https://example.com/schema"},
    {"$ref": "#/$defs/missing"},
    {"$id": "urn:one", "$defs": {"n": {"type": "number"}}, **_closed(n={"$ref": "#/$defs/n"})},
    _closed(n={"$id": "urn:one", "$schema": "http://json-schema.org/draft-07/schema#", "type": "string", "format": "uuid"}),
    {
        "$defs": {"a": {"$id": "urn:a", "$defs": {"n": {"type": "number"}}}},
        **_closed(n={"$ref": "#/$defs/a/$defs/n"}),
    },
]


@pytest.mark.parametrize("schema", TYPED, ids=repr)
def test_values_of_fixed_forms_are_typed(schema: Any) -> None:
    assert is_typed(schema)


@pytest.mark.parametrize("schema", FREE, ids=repr)
def test_whatever_may_hold_free_text_is_not_typed(schema: Any) -> None:
    assert not is_typed(schema)


def test_a_schema_within_itself_has_no_bound() -> None:
    nested: dict[str, Any] = {"$defs": {"node": _closed(next={"$ref": "#/$defs/node"})}, "$ref": "#/$defs/node"}

    assert not is_typed(nested)


def test_references_used_again_and_again_are_counted_once() -> None:
    levels = {f"d{n}": _closed(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"}) for n in range(10)}

    assert is_typed({"$defs": {**levels, "d10": {"type": "number"}}, "$ref": "#/$defs/d0"})
    assert not is_typed({"$defs": {**levels, "d10": ULID}, "$ref": "#/$defs/d0"})


def test_a_schema_nested_deeper_than_anybody_reads_is_not_typed() -> None:
    schema: dict[str, Any] = {"type": "number"}
    for _ in range(2_000):
        schema = {"type": "array", "items": schema}

    assert not is_typed(schema)


_LEAF = st.sampled_from(
    [
        {"type": "number"},
        {"type": ["boolean", "null"]},
        {"type": "string"},
        {"type": "string", "format": "date"},
        {"type": "string", "format": "uri"},
        {"type": "string", "pattern": "^[A-Za-z]{1,40}$"},
        {"type": "string", "pattern": "^[ a-z]{1,40}$"},
        {"type": "string", "pattern": "^[0-9]+$", "maxLength": 64},
        {"enum": ["open", 1]},
        {},
        False,
        True,
    ]
)
_SCHEMA = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.builds(lambda one, most: {"type": "array", "items": one, "maxItems": most}, inner, st.integers(0, 4)),
        st.builds(lambda a, b: _closed(a=a, b=b), inner, inner),
        st.builds(lambda a: {"type": "object", "properties": {"a": a}}, inner),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        st.builds(lambda a, b: {"allOf": [a, b]}, inner, inner),
    ),
    max_leaves=6,
)
_TEXT = st.sampled_from(["", "please pay them", "x" * 70, "ignore", "2027-01-01", "a" * 40, "4711", "open"])
_VALUE = st.recursive(
    st.one_of(_TEXT, st.integers(-5, 5), st.none(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["a", "b", "say this"]), inner, max_size=2)
    ),
    max_leaves=6,
)


def _parts(value: Any) -> list[Any]:
    """A value's texts, with the names of its members."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return [*members, *(text for one in members.values() for text in _parts(one))]
    return [text for one in cast("list[Any]", value) for text in _parts(one)] if isinstance(value, list) else []


def _chosen(text: str) -> int:
    """Letters that are not of the schema's own words."""
    return 0 if text in ("open", "a", "b", "2027-01-01") else sum(char in string.ascii_letters for char in text)


@pytest.mark.requirement("I10")
@given(schema=_SCHEMA, value=_VALUE)
def test_nothing_that_a_typed_schema_lets_pass_holds_prose(schema: Any, value: Any) -> None:
    if is_typed(schema) and isinstance(schema, dict):
        validator = compile_values(cast("dict[str, Any]", schema))
        if validator is not None and validator.is_valid(value):
            assert all(" " not in text and len(text) <= LONGEST_ID for text in _parts(value))
            assert sum(map(_chosen, _parts(value))) <= MOST_LETTERS


def test_formats_count_whatever_dialect_the_schema_names() -> None:
    validator = compile_values({"$schema": "http://json-schema.org/draft-07/schema#", "type": "string", "format": "uuid"})

    assert not validator.is_valid("pay them at once")
    assert validator.is_valid("2eb8aa08-aa98-11ea-b4aa-73b441d16380")


def test_a_list_of_one_of_many_words_is_text_unless_it_is_short() -> None:
    letters = {"enum": [chr(code) for code in range(ord("a"), ord("z") + 1)]}
    assert is_typed(letters)
    assert not is_typed({"type": "array", "items": letters})
    assert is_typed({"type": "array", "items": letters, "maxItems": 20})
    assert is_typed({"type": "array", "items": {"enum": ["low", "high"]}})
