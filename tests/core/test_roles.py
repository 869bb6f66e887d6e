"""What arguments decide where nobody has said: nothing may slip through what the schema hides."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.flow_kit import UNTRUSTED, call, facts, flow, tool

from ringfence.core.definitions.roles import inferred_authorities, role_at
from ringfence.core.flow.origins import underived
from ringfence.core.model.profile import Role

TEXT: dict[str, Any] = {"type": "string"}
ROOT = [("", "selector")]


def of(properties: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    schema = {"type": "object", "properties": properties, **more}
    return [(one.pointer, one.role.value) for one in inferred_authorities(schema)]


def test_roles_come_from_the_words_of_names_and_from_formats() -> None:
    assert [role_at(one) for one in ("/to", "/user_id", "/amount_cents", "/role", "/sql", "/items/*/sku", "/0")] == [
        Role.TARGET, Role.TARGET, Role.MAGNITUDE, Role.CONTROL, Role.COMMAND, Role.SELECTOR, Role.SELECTOR,
    ]  # fmt: skip
    assert of({"x": {"type": "string", "format": "email"}}) == [("/x", "target")]


def test_what_is_plainly_content_carries_none() -> None:
    assert of({"to": TEXT, "body": TEXT, "notes": {"type": "array", "items": TEXT}}) == [("/to", "target")]


@pytest.mark.parametrize(
    "hiding",
    [
        {"type": "object", "properties": {"to": TEXT}},
        {"type": "array", "items": {"type": "object", "properties": {"to": TEXT}}},
        {"$ref": "#/$defs/x"},
        {"anyOf": [TEXT, {"type": "object"}]},
        {"type": "string", "format": "email"},
        {"type": ["string", "object"]},
    ],
)
def test_a_name_for_content_exempts_texts_only(hiding: dict[str, Any]) -> None:
    assert [pointer for pointer, _ in of({"message": hiding})] == ["/message"]


def test_closed_objects_and_lists_of_them_are_read_member_by_member() -> None:
    line = {"type": "object", "properties": {"sku": TEXT, "comment": TEXT}, "additionalProperties": False}
    assert of({"order": line, "lines": {"type": "array", "items": line}}) == [
        ("/order/sku", "selector"),
        ("/lines/*/sku", "selector"),
    ]


def test_an_open_object_carries_authority_as_a_whole() -> None:
    assert of({"options": {"type": "object", "properties": {"comment": TEXT}}}) == [("/options", "selector")]


@pytest.mark.parametrize(
    "schema",
    [
        None, {}, {"type": "object"}, {"$ref": "#/$defs/x", "properties": {"to": TEXT}},
        {"properties": {"to": TEXT}, "allOf": [{}]},
        {"properties": {"text": TEXT}, "patternProperties": {".*": TEXT}},
        {"properties": {f"text{place}": TEXT for place in range(201)}},
        {"properties": {f"x{place}": TEXT for place in range(65)}},
        {"properties": []},
    ],
)  # fmt: skip
def test_what_cannot_be_told_carries_authority_as_a_whole(schema: Any) -> None:
    assert [(one.pointer, one.role.value) for one in inferred_authorities(schema)] == ROOT


def test_an_argument_that_an_open_schema_does_not_describe_is_held() -> None:
    schema = {"type": "object", "properties": {"body": TEXT, "to": TEXT}}
    of_open = tool(None, schema=schema, inferred=inferred_authorities(schema))
    held = underived(
        call({"body": "x", "to": "ops@corp.example", "bcc": "eve@other.example"}),
        facts(of_open, flow("ops@corp.example"), UNTRUSTED),
    )
    assert [one.pointer for one in held] == ["/bcc"]
