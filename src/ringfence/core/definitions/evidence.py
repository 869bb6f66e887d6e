"""What speaks against a tool being a read: its name, its arguments, its server's hints, its description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.core.definitions.wording import (
    CODE,
    COMPUTING,
    DESTINATIONS,
    DISPLAYED,
    LAST_ONLY,
    LOGGED,
    MODES,
    MUTATING,
    NOUNS,
    READING,
    STATES,
    claimed_changes,
    words,
)

_MOST_ARGUMENTS = 200
_MOST_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Argument:
    """One property of a tool's input schema, with its words."""

    name: str
    pointer: str
    words: tuple[str, ...]
    schema: Mapping[str, Any]


def why_not_read(said: Sequence[str], arguments: Sequence[Argument], hints: Mapping[str, Any], description: str) -> str:
    """The first reason for which a tool is not proposed as a read; empty where there is none."""
    return (
        _name_objects(said, arguments, hinted=hints.get("readOnlyHint") is True)
        or _arguments_object(said, arguments, description)
        or _hints_object(hints)
        or _description_objects(description)
    )


def _name_objects(said: Sequence[str], arguments: Sequence[Argument], *, hinted: bool) -> str:
    if not said:
        return "it has no readable name"
    named = said[0] in READING and (said[0] not in LAST_ONLY or len(said) == 1)
    reading = named or (said[0] in COMPUTING and hinted)
    for index, word in enumerate(said):
        # `get_commit` and `get_pull_request` name a thing; `get_or_create` and `read_and_delete` do not.
        if word in MUTATING and not (reading and index == 1 and word in NOUNS):
            return f"its name says `{word}`"
        if index and said[index - 1] in ("and", "or", "then") and word not in READING:
            return f"its name also says `{word}`, which is not a word for reading"
    if said[0] == "show" and DISPLAYED & set(said):
        return "it shows something to somebody"
    if said[:2] == ["get", "new"]:
        return "what it gets is new: it may be made for the call"
    given = {word for argument in arguments for word in argument.words}
    if said == ["log"] and given & LOGGED:
        return "it takes what is logged"
    if reading:
        return ""
    # `directory_tree` and `order_status` read, unless the word is also what they are given.
    if hinted and len(said) == 2 and said[1] in LAST_ONLY - {"log", "head"} and said[1] not in given:
        return ""
    return "its name does not begin with a word for reading, and unknown means the worst"


def _arguments_object(said: Sequence[str], arguments: Sequence[Argument], description: str) -> str:
    about = {*said, *words(description[:1000])}
    for argument in arguments:
        if found := CODE & set(argument.words):
            return f"its argument `{argument.name}` is run (`{min(found)}`)"
        if "query" in argument.words and about & {"sql", "select", "database", "cypher", "graphql", "execute", "statement"}:
            return f"its argument `{argument.name}` is run as a query"
        if "_".join(argument.words) in DESTINATIONS:
            return f"its argument `{argument.name}` says where to write"
        if why := _choice_objects(argument) or _switch_objects(argument):
            return why
    return ""


def _choice_objects(argument: Argument) -> str:
    """An argument that chooses among acts, one of which changes something."""
    chooses = bool(argument.words) and argument.words[-1] in MODES
    values = _choices(argument.schema)
    changing = MUTATING if chooses else MUTATING - NOUNS - STATES
    for value in values:
        if changing & set(words(value)):
            return f"its argument `{argument.name}` can be `{value}`"
    if chooses and not values and _takes_text(argument.schema):
        return f"its argument `{argument.name}` chooses what it does"
    return ""


def _switch_objects(argument: Argument) -> str:
    """An argument that switches a change on: `overwrite`, `createTag: true`."""
    switch = len(argument.words) == 1 or argument.schema.get("type") == "boolean"
    if switch and argument.words and argument.words[0] in MUTATING - NOUNS - STATES | {"force"}:
        return f"its argument `{argument.name}` says `{argument.words[0]}`"
    return ""


def _hints_object(hints: Mapping[str, Any]) -> str:
    if "readOnlyHint" in hints:
        return "" if hints["readOnlyHint"] is True else "its server says that it is not read-only"
    if hints.get("destructiveHint") is not None or hints.get("idempotentHint") is not None:
        return "its server gives hints that only writes have"
    return ""


def _description_objects(description: str) -> str:
    changed = claimed_changes(description)
    return f"its description says `{changed}`" if changed else ""


def arguments_of(schema: Any, pointer: str = "", depth: int = 0) -> Iterator[Argument]:
    """The properties of an object schema and of the objects in it, in order."""
    properties: Any = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or depth >= _MOST_DEPTH:
        return
    for name, part in list(properties.items())[:_MOST_ARGUMENTS]:
        here = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
        yield Argument(str(name), here, words(str(name)), part if isinstance(part, Mapping) else {})
        yield from arguments_of(part, here, depth + 1)


def _choices(schema: Mapping[str, Any]) -> list[str]:
    """The texts that an argument may be, where its schema lists them, also behind `anyOf` and in a list."""
    found = [value for value in _sequence(schema.get("enum")) if isinstance(value, str)]
    if isinstance(schema.get("const"), str):
        found.append(schema["const"])
    parts = [part for key in ("anyOf", "oneOf", "allOf") for part in _sequence(schema.get(key))]
    for part in (*parts, schema.get("items")):
        if isinstance(part, Mapping):
            found += [value for value in _sequence(part.get("enum")) if isinstance(value, str)]
            found += [part["const"]] if isinstance(part.get("const"), str) else []
    return found


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _takes_text(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", "string")
    return "string" in (kinds if isinstance(kinds, list) else [kinds])
