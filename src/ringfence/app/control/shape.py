"""The shapes of request bodies and query strings: read strictly, and described for the OpenAPI document from the same value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, assert_never, cast
from urllib.parse import parse_qsl

from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError

MOST_QUERY_FIELDS = 50
MOST_TEXTS = 500


class Kind(StrEnum):
    TEXT = "text"
    FLAG = "flag"
    TEXTS = "texts"
    """A list of at most `MOST_TEXTS` texts."""
    INTEGER = "integer"
    SCOPE = "scope"
    """Text, or an object: the forms that `scopes.scope_of` reads."""
    OBJECT = "object"
    """A JSON object, which whoever takes it reads."""


@dataclass(frozen=True, slots=True)
class Field:
    """One named value. `most` bounds a text's characters or an integer."""

    name: str
    about: str
    kind: Kind = Kind.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    most: int = 4000
    nullable: bool = False


REASON = Field("reason", "Why, for the log.", most=1000)
NEEDED_REASON = replace(REASON, required=True)
"""Of acts that nobody does without one."""


def read_body(data: bytes, fields: tuple[Field, ...]) -> dict[str, Any]:
    """A JSON object with these fields and no others. Raises: RequestError."""
    value = parse_strict(data) if data.strip() else {}
    if not isinstance(value, dict):
        raise RequestError("the body is not a JSON object")
    return _checked(value, fields, "body")


def read_query(query: bytes, fields: tuple[Field, ...]) -> dict[str, Any]:
    """The query string's fields, each at most once. Raises: RequestError."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_QUERY_FIELDS,
            strict_parsing=False,
        )
    except (ValueError, UnicodeError) as error:
        raise RequestError("the query string cannot be read") from error
    values: dict[str, Any] = {}
    known = {field.name: field for field in fields}
    for name, text in pairs:
        if name in values:
            raise RequestError(f"`{_short(name)}` stands twice in the query string")
        field = known.get(name)
        values[name] = _from_text(field, text) if field is not None else text
    return _checked({name: value for name, value in values.items() if value != ""}, fields, "query string")


def _from_text(field: Field, text: str) -> Any:
    if field.kind is Kind.INTEGER and text.isascii() and text.isdigit() and len(text) <= 16:
        return int(text)
    if field.kind is Kind.FLAG and text in ("true", "1", "false", "0"):
        return text in ("true", "1")
    return text


def _checked(value: Mapping[str, Any], fields: tuple[Field, ...], where: str) -> dict[str, Any]:
    known = {field.name: field for field in fields}
    for name in value:
        if name not in known:
            raise RequestError(f"unknown key `{_short(name)}` in the {where}", remedy=nearest(name, known))
    for field in fields:
        if field.required and field.name not in value:
            raise RequestError(f"`{field.name}` is missing in the {where}", remedy=field.about)
    return {name: _value(known[name], item, where) for name, item in value.items()}


def _value(field: Field, value: Any, where: str) -> Any:
    if value is None and field.nullable:
        return None
    match field.kind:
        case Kind.TEXT:
            fits = isinstance(value, str) and len(value) <= field.most
            expected = f"text of at most {field.most} characters"
        case Kind.TEXTS:
            texts = cast("list[Any]", value) if isinstance(value, list) else []
            fits = isinstance(value, list) and len(texts) <= MOST_TEXTS
            fits = fits and all(isinstance(text, str) and len(text) <= field.most for text in texts)
            expected = f"a list of at most {MOST_TEXTS} texts of at most {field.most} characters"
        case Kind.FLAG:
            fits, expected = isinstance(value, bool), "true or false"
        case Kind.INTEGER:
            fits = type(value) is int and 0 <= value <= field.most
            expected = f"an integer from 0 to {field.most}"
        case Kind.SCOPE:
            fits, expected = isinstance(value, str | dict), "text or an object"
        case Kind.OBJECT:
            fits, expected = isinstance(value, dict), "a JSON object"
        case _:
            assert_never(field.kind)
    if not fits:
        raise RequestError(f"`{field.name}` in the {where}: expected {expected}", remedy=field.about)
    if field.choices and value not in field.choices:
        remedy = nearest(str(value), field.choices)
        raise RequestError(f"`{field.name}` in the {where}: expected one of {', '.join(field.choices)}", remedy=remedy)
    return value


def nearest(name: str, known: Iterable[str]) -> str:
    """Which known name was probably meant."""
    names = sorted(known)
    close = get_close_matches(name[:100], names, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(names) or 'none'}"


def _short(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name[:60])


def json_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    """JSON Schema of a body with these fields."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in fields if field.required],
        "properties": {field.name: field_schema(field) for field in fields},
    }


def field_schema(field: Field) -> dict[str, Any]:
    """JSON Schema of one field."""
    schema: dict[str, Any]
    match field.kind:
        case Kind.TEXT:
            schema = {"type": "string", "maxLength": field.most}
        case Kind.TEXTS:
            schema = {"type": "array", "maxItems": MOST_TEXTS, "items": {"type": "string", "maxLength": field.most}}
        case Kind.FLAG:
            schema = {"type": "boolean"}
        case Kind.INTEGER:
            schema = {"type": "integer", "minimum": 0, "maximum": field.most}
        case Kind.SCOPE:
            schema = {"oneOf": [{"type": "string"}, {"type": "object"}]}
        case Kind.OBJECT:
            schema = {"type": "object"}
        case _:
            assert_never(field.kind)
    if field.choices:
        schema["enum"] = list(field.choices)
    if field.nullable and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return {**schema, "description": field.about}
