"""`tighten`: a JSON Schema that really narrows. What a validator would silently ignore is refused here.

JSON Schema 2020-12. Regular expressions run in linear time, references never leave the schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from ringfence.app.config.problems import Path, nearest, shown

_ONE = frozenset(
    {
        *("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_PLAIN = frozenset(
    {
        *("type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
        *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains"),
        *("maxProperties", "minProperties", "required", "dependentRequired", "$ref"),
        *("title", "description", "$comment", "default", "examples"),
    }
)
_KNOWN = _ONE | _MANY | _NAMED | _PLAIN
_REGEX = jsonschema_rs.RegexOptions(size_limit=1 << 20)


def narrowing_faults(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where in the schema something is wrong, and what. Nothing: it compiles and every keyword of it is enforced."""
    faults = list(_keyword_faults(schema, ()))
    yield from faults
    if faults:
        return
    try:
        jsonschema_rs.validator_for(dict(schema), offline=True, pattern_options=_REGEX)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        path = tuple(getattr(error, "instance_path", ()))
        yield path, f"not a valid JSON Schema: {_said(path, str(error))}"


def _keyword_faults(schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield path, "expected a JSON Schema: a mapping, `true` or `false`"
        return
    for key, value in schema.items():
        here = (*path, str(key))
        if key == "format":
            yield here, "`format` is not enforced: use `pattern`"
        elif key not in _KNOWN:
            yield here, f"unknown JSON Schema keyword `{shown(str(key))}`, which would narrow nothing{_hint(str(key))}"
        elif key == "$ref" and not str(value).startswith("#"):
            yield here, "a `$ref` may only point into the same schema (`#/...`)"
        elif key in _ONE:
            yield from _keyword_faults(value, here)
        elif key in _MANY and isinstance(value, list):
            for index, item in enumerate(value):
                yield from _keyword_faults(item, (*here, index))
        elif key in _NAMED and isinstance(value, Mapping):
            for name, item in value.items():
                yield from _keyword_faults(item, (*here, str(name)))


def _said(path: Path, message: str) -> str:
    if path[-1:] == ("pattern",) or "patternProperties" in path[-2:]:
        return "not a regular expression, or one that cannot run in linear time (look-around, back-reference)"
    if path[-1:] == ("type",):
        return "expected one of `array`, `boolean`, `integer`, `null`, `number`, `object`, `string`, or a list of them"
    return shown(message.splitlines()[0], 160)


def _hint(key: str) -> str:
    close = nearest(key, _KNOWN)
    return close if close.startswith("; nearest") else ""
