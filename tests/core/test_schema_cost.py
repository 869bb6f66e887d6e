"""What a server's schema may cost, and that whatever would cost too much is never used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.definitions.schema_cost import MOST_CHECKS, cost_of
from ringfence.core.narrowing.tightening import compile_schema


def doubling(steps: int, keyword: str = "anyOf") -> dict[str, Any]:
    """Each definition is used twice by the next."""
    twice = {f"a{n}": {keyword: [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(steps)}
    return {"type": "object", "properties": {"x": {"$ref": "#/$defs/a0"}}, "$defs": {**twice, f"a{steps}": {"type": "string"}}}


def looping(keyword: str = "allOf") -> dict[str, Any]:
    """Every object is held to the same definition twice, at every level."""
    again = {"type": "object", "properties": {"l": {keyword: [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}}
    return {"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": again}}


@pytest.mark.attack("A21")
@pytest.mark.parametrize("keyword", ["anyOf", "allOf", "oneOf", "prefixItems"])
def test_a_schema_that_doubles_itself_is_never_compiled(keyword: str) -> None:
    assert compile_schema(doubling(60, keyword)) is None
    assert compile_schema(doubling(4, keyword)) is not None


@pytest.mark.attack("A21")
@pytest.mark.parametrize("keyword", ["anyOf", "allOf", "oneOf"])
def test_a_schema_that_refers_to_itself_says_no_without_trying_every_way(keyword: str) -> None:
    validator, value = compile_schema(looping(keyword)), 1
    for _ in range(60):
        value = {"l": value}
    assert not validator.is_valid({"x": value})
    (fault,) = validator.iter_errors({"x": value})
    assert fault.instance_path == ()


def test_a_list_of_itself_still_works() -> None:
    validator = compile_schema({"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False})
    assert validator.is_valid({"next": {"next": {}}})
    assert list(validator.iter_errors({"next": {}})) == []
    assert not validator.is_valid({"next": {"other": {}}})


def test_references_count_as_often_as_they_stand_there() -> None:
    leaf = {"type": "string"}
    plain = cost_of({"properties": {"a": leaf, "b": leaf}})
    twice = cost_of({"properties": {"a": {"$ref": "#/$defs/l"}, "b": {"$ref": "#/$defs/l"}}, "$defs": {"l": leaf}})
    assert twice.checks == plain.checks + 2
    assert not plain.recursive


@pytest.mark.parametrize("reference", ["#a", "#/$defs/a~1b%25", "#/allOf/0"])
def test_references_are_followed_by_anchor_and_pointer(reference: str) -> None:
    large = {"$anchor": "a", "anyOf": [{"type": "string"}] * 50}
    schema = {"allOf": [large], "$defs": {"a/b%": large}, "not": {"$ref": reference}}
    assert 100 < cost_of(schema).checks < 120
    assert not cost_of(schema).recursive


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["#", "#/$defs/a", "#/", "#a", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$ref", "$defs", "a", "allOf", "properties", "items", "not", "$anchor", "$dynamicRef"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(["$ref", "$defs", "allOf", "properties", "not"]), json_values))
def test_no_schema_stops_the_counting(schema: dict[str, Any]) -> None:
    assert 1 <= cost_of(schema).checks <= MOST_CHECKS + 1
