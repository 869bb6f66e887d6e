"""From a tool's input schema (JSON Schema) to the types in which Cedar can hold its arguments.

A type is given only where every argument that passes the schema has it. What Cedar cannot hold is named with the reason, so
that a policy which reads it is refused, never quietly skipped.

| JSON Schema | Cedar |
|---|---|
| string, boolean | String, Bool |
| integer | Long (64 bits, signed) |
| number | decimal (four digits after the point) |
| array of one of these | Set (order and repetition are lost) |
| object with declared properties | Record |
| one of these, or null | the same, optional: null and absent are one |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST_DEPTH = 8
"""Objects and references inside each other."""
MOST_FIELDS = 2000
RESERVED = frozenset({"__entity", "__extn", "__expr"})
"""Cedar's JSON form gives these keys a meaning of their own."""


class Scalar(StrEnum):
    STRING = "String"
    BOOL = "Boolean"
    LONG = "Long"
    DECIMAL = "decimal"


@dataclass(frozen=True, slots=True)
class SetOf:
    """Values of one type."""

    element: CedarType


@dataclass(frozen=True, slots=True)
class RecordOf:
    """Declared fields; everything else is left behind."""

    fields: Mapping[str, Field] = field(default_factory=dict[str, "Field"])
    unheld: Mapping[str, str] = field(default_factory=dict[str, str])
    """Declared fields that Cedar cannot hold, with the reason."""


CedarType = Scalar | SetOf | RecordOf


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record."""

    type: CedarType
    required: bool


@dataclass(frozen=True, slots=True)
class Unheld:
    """Why Cedar cannot hold a value of a schema."""

    why: str


_NULL = Unheld("it is always null")
_SCALARS = {"string": Scalar.STRING, "boolean": Scalar.BOOL, "integer": Scalar.LONG, "number": Scalar.DECIMAL}


def arguments_of(schema: Mapping[str, Any]) -> RecordOf:
    """The arguments of a tool as a record."""
    found = _Reader(schema).type_of(schema, 0)
    return found.type if isinstance(found, _Found) and isinstance(found.type, RecordOf) else RecordOf()


@dataclass(frozen=True, slots=True)
class _Found:
    type: CedarType
    nullable: bool = False


class _Reader:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._fields = 0

    def type_of(self, schema: Any, depth: int) -> _Found | Unheld:
        if not isinstance(schema, Mapping):
            return Unheld("its schema names no type")
        if depth > MOST_DEPTH:
            return Unheld(f"it is nested deeper than {MOST_DEPTH} levels, or without end")
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._one_of_types(schema, kind, depth)
        if isinstance(kind, str):
            return self._of_kind(schema, kind, depth)
        if isinstance(reference := schema.get("$ref"), str):
            target = self._target(reference)
            return self.type_of(target, depth + 1) if target is not None else Unheld("its schema refers to elsewhere")
        for key in ("anyOf", "oneOf"):
            if isinstance(branches := schema.get(key), list):
                return self._same_in_all(branches, depth)
        if isinstance(parts := schema.get("allOf"), list):
            return self._in_one_of(parts, depth)
        if "const" in schema:
            return _of_values([schema["const"]])
        if isinstance(values := schema.get("enum"), list):
            return _of_values(values)
        if isinstance(schema.get("properties"), Mapping):
            return Unheld("its schema names no type")
        return Unheld("its schema names no type")

    def _of_kind(self, schema: Mapping[str, Any], kind: str, depth: int) -> _Found | Unheld:
        if kind in _SCALARS:
            return _Found(_SCALARS[kind])
        if kind == "null":
            return _NULL
        if kind == "array":
            if "prefixItems" in schema or isinstance(schema.get("items"), list):
                return Unheld("it is a list whose places have different types")
            element = self.type_of(schema.get("items"), depth + 1)
            if isinstance(element, Unheld):
                return Unheld(f"it is a list, and of its items: {element.why}")
            return Unheld("it is a list that may hold null") if element.nullable else _Found(SetOf(element.type))
        if kind == "object":
            return _Found(self._record(schema, depth))
        return Unheld("its schema names no type")

    def _record(self, schema: Mapping[str, Any], depth: int) -> RecordOf:
        declared = schema.get("properties")
        required = schema.get("required")
        needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set[str]()
        fields: dict[str, Field] = {}
        unheld: dict[str, str] = {}
        for name, part in declared.items() if isinstance(declared, Mapping) else ():
            self._fields += 1
            if name in RESERVED or not name:
                unheld[name] = "its name has a meaning of its own in Cedar" if name else "it has no name"
            elif self._fields > MOST_FIELDS:
                unheld[name] = f"the tool has more than {MOST_FIELDS} fields"
            elif isinstance(found := self.type_of(part, depth + 1), Unheld):
                unheld[name] = found.why
            else:
                fields[name] = Field(found.type, name in needed and not found.nullable)
        return RecordOf(fields, unheld)

    def _one_of_types(self, schema: Mapping[str, Any], kinds: list[Any], depth: int) -> _Found | Unheld:
        others = [kind for kind in kinds if kind != "null"]
        if len(others) != 1 or not isinstance(others[0], str):
            return Unheld("it may be of several types") if others else _NULL
        found = self._of_kind(schema, others[0], depth)
        return _Found(found.type, len(others) < len(kinds)) if isinstance(found, _Found) else found

    def _same_in_all(self, branches: list[Any], depth: int) -> _Found | Unheld:
        """One type whichever branch holds; null makes it optional."""
        found = [self.type_of(branch, depth + 1) for branch in branches]
        held = [one for one in found if isinstance(one, _Found)]
        nulls = sum(one is _NULL for one in found)
        if not held or len(held) + nulls != len(found):
            return next(
                (one for one in found if isinstance(one, Unheld) and one is not _NULL), Unheld("it may be of several types")
            )
        if any(one.type != held[0].type for one in held):
            return Unheld("it may be of several types")
        return _Found(held[0].type, nulls > 0 or any(one.nullable for one in held))

    def _in_one_of(self, parts: list[Any], depth: int) -> _Found | Unheld:
        """All parts hold at once, so a type that one of them gives is the value's."""
        found = [self.type_of(part, depth + 1) for part in parts]
        held = [one for one in found if isinstance(one, _Found)]
        if not held:
            return next((one for one in found if isinstance(one, Unheld)), Unheld("its schema names no type"))
        if any(one.type is Scalar.LONG for one in held):
            return _Found(Scalar.LONG, all(one.nullable for one in held))
        return _Found(held[0].type, all(one.nullable for one in held))

    def _target(self, reference: str) -> Any:
        """What a local reference leads to (RFC 6901); None where it leads elsewhere."""
        if not reference.startswith("#/"):
            return None
        found: Any = self._root
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                return None
            found = found[name]
        return found


def _of_values(values: list[Any]) -> _Found | Unheld:
    """The type of an enumeration."""
    kinds = {_kind(value) for value in values if value is not None}
    if kinds == {Scalar.LONG, Scalar.DECIMAL}:
        kinds = {Scalar.DECIMAL}
    if len(kinds) != 1 or None in kinds:
        return Unheld("it may be of several types") if kinds else _NULL
    (kind,) = (kind for kind in kinds if kind is not None)
    return _Found(kind, None in values)


def _kind(value: Any) -> Scalar | None:
    match value:
        case bool():
            return Scalar.BOOL
        case str():
            return Scalar.STRING
        case int():
            return Scalar.LONG
        case float():
            return Scalar.DECIMAL
        case _:
            return None


def found_at(record: RecordOf, path: tuple[str, ...]) -> CedarType | Unheld | None:
    """What lies at a path of names below the arguments; None: nothing of that name is declared."""
    here: CedarType = record
    for name in path:
        if not isinstance(here, RecordOf):
            return None
        if name in here.unheld:
            return Unheld(here.unheld[name])
        if name not in here.fields:
            return None
        here = here.fields[name].type
    return here
