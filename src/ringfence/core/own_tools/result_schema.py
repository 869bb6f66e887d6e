"""The schema that a run fixes for the result of a child: what may be one, and how it is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from ringfence.core.definitions.typed_schema import is_typed
from ringfence.core.narrowing.tightening import compile_values
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import RequestError

MOST_SCHEMA_BYTES: Final = 8 * 1024
"""Of a schema's canonical text."""
MOST_RESULT_BYTES: Final = 64 * 1024
"""Of the canonical text of what is handed over."""
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_MOST_FAULTS: Final = 5


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """Why a value is no schema for a result, in words for whoever wrote it."""

    why: str


def kept_schema(schema: Any) -> str | SchemaFault:
    """A schema as it is kept with the run: canonical JSON."""
    if not isinstance(schema, Mapping):
        return SchemaFault("the result schema is not a JSON object")
    try:
        text = canonical_bytes(cast("Mapping[str, Any]", schema))
    except RequestError as error:
        return SchemaFault(f"the result schema is not JSON that everybody reads alike: {error}")
    if len(text) > MOST_SCHEMA_BYTES:
        return SchemaFault(f"the result schema has {len(text)} bytes; the most are {MOST_SCHEMA_BYTES}")
    for reference in _references(cast("Mapping[str, Any]", schema)):
        if not (isinstance(reference, str) and reference.startswith("#")):
            return SchemaFault("the result schema refers to something outside itself")
    if compile_values(cast("Mapping[str, Any]", schema)) is None:
        return SchemaFault("the result schema is not one that can be used: it is invalid, or would cost too much to check")
    return text.decode()


def leaves_no_text(kept: str) -> bool:
    """Whether a kept schema lets values of fixed forms pass only (`core.definitions.typed_schema`)."""
    return is_typed(parse_strict(kept.encode()))


def misses(kept: str, result: Any) -> tuple[str, ...]:
    """Where a result is not what a kept schema asks for, as JSON pointers; empty: nowhere."""
    validator = _compiled(kept)
    if validator is None:
        return ("/",)
    if validator.is_valid(result):
        return ()
    places: dict[str, None] = {}
    for error in validator.iter_errors(result):
        places["".join(f"/{part}" for part in error.instance_path)[:200] or "/"] = None
        if len(places) >= _MOST_FAULTS:
            break
    return tuple(places)


@lru_cache(maxsize=64)
def _compiled(kept: str) -> Any:
    return compile_values(parse_strict(kept.encode()))


def _references(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Every reference, also where the word stands for something else: then it is spelled otherwise."""
    stack: list[Any] = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            members = cast("Mapping[str, Any]", part)
            yield from (members[name] for name in _REFERENCES if name in members)
            stack.extend(members.values())
        elif isinstance(part, list):
            stack.extend(cast("list[Any]", part))
