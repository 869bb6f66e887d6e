"""Arguments in headers: what a schema asks for, what a call carries, and that the official SDK says the same."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp.shared import inbound
from tests import effort

from ringfence.adapters.wire.param_headers import header_fault, header_map, param_headers, param_mismatch

REGION = {"type": "string", "x-mcp-header": "Region"}
NESTED = {"type": "object", "properties": {"at": {"type": "object", "properties": {"region": REGION}}}}
TWICE = {"properties": {"a": {"properties": {"b": REGION}}, "a.b": {**REGION, "x-mcp-header": "region"}}}

NAMES = st.sampled_from(["a", "b", "a.b"])
HEADERS = st.sampled_from(["A", "a", "B", "two words", "", "é", 7])
TYPES = st.sampled_from(["string", "integer", "boolean", "number", "object", ["string"], None])
PROPERTY = st.fixed_dictionaries({"type": TYPES}, optional={"x-mcp-header": HEADERS})
KEYWORDS = st.sampled_from(["items", "not", "additionalProperties", "default", "const", "$ref"])


def holding(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(NAMES, part, max_size=3)
    return (
        st.fixed_dictionaries({"properties": named})
        | st.dictionaries(KEYWORDS, part, min_size=1, max_size=2)
        | st.fixed_dictionaries({"anyOf": st.lists(part, max_size=2)})
        | st.fixed_dictionaries({"$defs": named})
        | st.fixed_dictionaries({"properties": st.none() | st.lists(part, max_size=1)})
    )


SCHEMAS = st.recursive(PROPERTY, holding, max_leaves=6)
SOUND = st.lists(
    st.tuples(NAMES, st.sampled_from(["string", "integer", "boolean"]), st.booleans()), max_size=3, unique_by=lambda x: x[0]
).map(
    lambda parts: {
        "properties": {
            name: ({"properties": {"in": prop}} if deep else prop)
            for place, (name, kind, deep) in enumerate(parts)
            for prop in [{"type": kind, "x-mcp-header": "XYZ"[place]}]
        }
    }
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(42.0)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "42", "42.0", "true", " x", "=?base64?QQ==?=", "Größe"])
    | st.just([1])
)
ARGUMENTS = st.dictionaries(NAMES, SCALARS | st.fixed_dictionaries({"in": SCALARS}), max_size=3)
SAID = st.sampled_from(["42", "42.0", "42.5", "-0", "true", "True", "", "=?base64?QQ==?=", "=?base64?QR==?=", "=?base64?=?="])


def test_an_argument_travels_in_the_header_that_the_schema_names() -> None:
    assert header_map(NESTED) == {("at", "region"): "Region"}
    assert param_headers(header_map(NESTED), {"at": {"region": "eu-north"}}) == {"Mcp-Param-Region": "eu-north"}
    assert param_headers(header_map(NESTED), {"at": {}}) == {}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "object", "properties": {"region": {"type": "string"}}},
        {"type": "object", "properties": {"region": {**REGION, "type": "number"}}},
        {"type": "object", "properties": {"region": {**REGION, "x-mcp-header": "two words"}}},
        {"type": "object", "properties": {"regions": {"type": "array", "items": REGION}}},
        TWICE,
    ],
    ids=["no schema", "no header", "a number", "no token", "in a list", "twice"],
)
def test_a_schema_that_asks_for_no_header_or_wrongly_yields_none(schema: Any) -> None:
    assert header_map(schema) == {}


def test_a_header_that_does_not_say_what_the_argument_says_is_a_mismatch() -> None:
    said = {"mcp-param-region": "eu-north"}
    assert param_mismatch(NESTED, {"at": {"region": "eu-north"}}, said) is None
    assert param_mismatch(NESTED, {"at": {"region": "us-east"}}, said) is not None
    assert param_mismatch(NESTED, {"at": {}}, said) is not None
    assert param_mismatch(NESTED, {"at": {"region": "eu-north"}}, {}) is not None


@settings(max_examples=effort.examples(600), deadline=None)
@given(SCHEMAS)
@example(TWICE)
def test_a_schema_asks_for_what_the_official_sdk_reads_in_it(schema: Any) -> None:
    is_sound = inbound.find_invalid_x_mcp_header(schema) is None
    assert (header_fault(schema) is None) == is_sound
    assert header_map(schema) == (inbound.x_mcp_header_map(schema) if is_sound else {})


@given(SOUND, ARGUMENTS)
def test_a_call_carries_the_headers_that_the_official_sdk_sends(schema: Any, arguments: Any) -> None:
    headers = param_headers(header_map(schema), arguments)
    assert headers == inbound.mcp_param_headers(inbound.x_mcp_header_map(schema), arguments)
    assert param_mismatch(schema, arguments, {name.lower(): value for name, value in headers.items()}) is None


@settings(max_examples=effort.examples(600), deadline=None)
@given(SOUND, ARGUMENTS, st.dictionaries(st.sampled_from(["mcp-param-x", "mcp-param-y", "mcp-param-q"]), SAID), st.booleans())
def test_headers_and_arguments_agree_where_the_official_sdk_says_so(
    schema: Any, arguments: Any, headers: dict[str, str], is_honest: bool
) -> None:
    if is_honest:
        sent = inbound.mcp_param_headers(inbound.x_mcp_header_map(schema), arguments)
        headers = {name.lower(): value for name, value in sent.items()} | dict(list(headers.items())[:1])
    theirs = inbound.validate_mcp_param_headers(schema, arguments, headers)
    assert (param_mismatch(schema, arguments, headers) is None) == (theirs is None)
