"""What validating against a schema may cost, told from the schema alone. Pure.

A reference may be used twice by what is referenced twice, and so on: forty short definitions stand for a million million
checks of one argument (JSON Schema 2020-12, section 9.4.1 leaves that to implementations). A server chooses its schema, so
this is counted before anything is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

MOST_CHECKS = 20_000
"""Subschemas that one argument may be held to, references followed. Honest schemas have some hundreds."""
MOST_DEPTH = 200
"""References and subschemas inside each other."""

_ONE = ("not", "if", "then", "else", "additionalProperties", "propertyNames", "unevaluatedProperties", "contains")
_ONE_OR_SEVERAL = ("items", "additionalItems", "unevaluatedItems", "allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "dependencies")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class Cost:
    """`checks` is bounded by MOST_CHECKS + 1: beyond it nobody counts on."""

    checks: int
    recursive: bool
    """A definition that refers to itself: what it costs depends on how deep the argument is nested."""

    @property
    def is_bearable(self) -> bool:
        return self.checks <= MOST_CHECKS


def cost_of(schema: Mapping[str, Any]) -> Cost:
    """How many subschemas a validator may have to look at, references followed as often as they stand there."""
    count = _Count(schema)
    checks = count.of(schema, 0)
    return Cost(min(checks, MOST_CHECKS + 1), count.recursive)


class _Count:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.recursive = False
        self._root = root
        self._anchors: dict[str, Any] | None = None
        self._known: dict[int, int] = {}
        self._open: set[int] = set()

    def of(self, schema: Any, depth: int) -> int:
        if not isinstance(schema, Mapping):
            return 1
        place = id(schema)  # INVARIANT: the root holds every subschema as long as this counts
        if place in self._known:
            return self._known[place]
        if place in self._open:
            self.recursive = True
            return 1
        if depth > MOST_DEPTH:
            return MOST_CHECKS + 1
        self._open.add(place)
        checks = 1
        for part in self._parts(cast("Mapping[str, Any]", schema)):
            checks += self.of(part, depth + 1)
            if checks > MOST_CHECKS:
                break
        self._open.discard(place)
        self._known[place] = checks
        return checks

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        for key in _ONE:
            if key in schema:
                yield schema[key]
        for key in _ONE_OR_SEVERAL:
            part = schema.get(key, ())
            yield from part if isinstance(part, list | tuple) else (part,)
        for key in _NAMED:
            part = schema.get(key)
            if isinstance(part, Mapping):
                yield from part.values()
        for key in _REFERENCES:
            if isinstance(reference := schema.get(key), str):
                yield self._found(reference)

    def _found(self, reference: str) -> Any:
        """What a reference within the schema leads to; the whole schema where that cannot be told."""
        if reference.startswith("#/"):
            found: Any = self._root
            for step in unquote(reference[2:]).split("/"):
                name = step.replace("~1", "/").replace("~0", "~")
                if isinstance(found, Mapping):
                    found = found.get(name)
                elif isinstance(found, Sequence) and not isinstance(found, str) and name.isdecimal() and int(name) < len(found):
                    found = found[int(name)]
                else:
                    return self._root
            return self._root if found is None else found
        if self._anchors is None:
            self._anchors = dict(_anchors(self._root))
        return self._anchors.get(reference.removeprefix("#"), self._root)


def _anchors(root: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    stack: list[Any] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            found = cast("Mapping[str, Any]", item)
            for key in ("$anchor", "$dynamicAnchor", "$id"):
                if isinstance(name := found.get(key), str):
                    yield name, found
            stack += found.values()
        elif isinstance(item, list | tuple):
            stack += item
