"""Which schemas a run may fix for a child's result, and what is said of a result that misses one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.own_tools.result_schema import MOST_SCHEMA_BYTES, SchemaFault, kept_schema, leaves_no_text, misses
from ringfence.core.strict_json.canonical import canonical_bytes

LINES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
        "day": {"type": "string", "format": "date"},
    },
}


def kept(schema: Any) -> str:
    found = kept_schema(schema)
    assert isinstance(found, str), found
    return found


def test_a_schema_is_kept_in_its_canonical_form() -> None:
    assert kept({"type": "object", "additionalProperties": False}) == '{"additionalProperties":false,"type":"object"}'
    assert json.loads(kept(LINES)) == LINES


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{}", "not a JSON object"),
        (None, "not a JSON object"),
        ({"type": 5}, "invalid"),
        ({"pattern": "("}, "invalid"),
        ({"maximum": float("inf")}, "everybody reads alike"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "outside itself"),
        ({"$dynamicRef": "https://example.com/#a"}, "outside itself"),
        ({"properties": {"$ref": {"type": "string"}}}, "outside itself"),
        ({"$ref": "#/$defs/missing"}, "invalid"),
        ({"title": "x" * MOST_SCHEMA_BYTES}, "the most are"),
    ],
)
def test_what_cannot_be_used_is_refused_with_why(schema: Any, said: str) -> None:
    found = kept_schema(schema)
    assert isinstance(found, SchemaFault)
    assert said in found.why


def test_a_miss_is_told_by_its_places_and_by_no_value() -> None:
    result = {"lines": [{"sku": "A"}, {"sku": 7}, {}], "day": "soon"}
    assert set(misses(kept(LINES), result)) == {"/lines/1/sku", "/lines/2", "/day"}
    assert misses(kept({"type": "object"}), "text") == ("/",)
    assert misses(kept(LINES), {"lines": [{"sku": "A"}], "day": "2027-03-01"}) == ()


def test_a_long_list_of_misses_is_cut() -> None:
    assert len(misses(kept({"items": {"type": "string"}}), list(range(1000)))) == 5
    (place,) = misses(kept({"additionalProperties": {"type": "string"}}), {"x" * 5000: 1})
    assert len(place) <= 200


def test_a_schema_that_refers_to_itself_says_no_at_once() -> None:
    again = {"properties": {"l": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "type": "object"}
    value: Any = 1
    for _ in range(60):
        value = {"l": value}
    assert misses(kept(again), value) == ("/",)


def test_only_a_schema_without_room_for_text_leaves_none() -> None:
    assert leaves_no_text(kept({"type": "integer"}))
    assert not leaves_no_text(kept(LINES))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["string", "object", "#", "#/a", "x", "^a$"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "$ref", "items", "properties", "anyOf", "pattern", "enum", "a", "$id", "required"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(schema=_JSON, result=_JSON)
def test_whatever_is_asked_for_it_is_kept_whole_or_refused_and_judged_without_an_error(schema: Any, result: Any) -> None:
    found = kept_schema(schema)
    if isinstance(found, SchemaFault):
        assert found.why
        return
    assert found.encode() == canonical_bytes(schema)
    assert isinstance(misses(found, result), tuple)
    assert leaves_no_text(found) in (True, False)
