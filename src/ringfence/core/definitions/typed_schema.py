"""Whether values that satisfy a JSON Schema can carry text that somebody else chose, told from the schema alone. Pure.

A number, a boolean, a member of a list, a date or an id says little; free text says anything. So a run that hears only values
of the first kind is not steered by whoever stands behind them: such values may be endorsed by rule, free text may not. Whatever
is not understood here counts as free text.

It holds of values that `core.narrowing.tightening.compile_values` accepts: there formats are checked; the dialect is 2020-12.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

LONGEST_ID: Final = 64
"""Characters of one id."""
MOST_LETTERS: Final = 128
"""Characters that whoever fills in a value may choose among letters: of all its ids together, each as often as it may occur."""
_LONGEST_MEMBER: Final = 200
_MOST_WORDS: Final = 12
"""Members of an enumeration that is a choice and no alphabet."""
_MOST_DEPTH: Final = 32
_FORMATS: Final = frozenset({"date", "date-time", "time", "duration", "uuid"})
_HEX: Final = frozenset("0123456789abcdefABCDEF-")
_ID: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_#")
_UNBOUNDED: Final = float("inf")
_NOT_TYPED: Final = None
_PART: Final = re.compile(
    r"(?P<item>\[(?P<set>[A-Za-z0-9_#-]+)\]|\\d|\\?[-_#]|[A-Za-z0-9])"
    r"(?:(?P<times>[?*+])|\{(?P<least>\d{1,3})(?P<comma>,(?P<most>\d{1,3})?)?\})?"
)


def is_typed(schema: Any) -> bool:
    """Whether all that it lets pass are numbers, booleans, null, members of an enumeration, dates, times, durations and ids,
    and arrays and objects of these whose names the schema gives itself.

    An id is a string of at most `LONGEST_ID` characters, held to a pattern of ASCII letters, digits, `-`, `_` and `#` from its
    beginning to its end. Ids that are more than digits and hexadecimal may hold `MOST_LETTERS` together, so an array of them
    needs a `maxItems`. Total: whatever stands there, the answer is yes or no.
    """
    letters = _Reading(schema).letters(schema, 0) if isinstance(schema, Mapping) else _NOT_TYPED
    return letters is not None and letters <= MOST_LETTERS


class _Reading:
    """Counts the letters that a value may hold at most; `_NOT_TYPED` where a part of it is free text."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._known: dict[int, float | None] = {}

    def letters(self, schema: Any, depth: int) -> float | None:
        if schema is False:
            return 0
        if not isinstance(schema, Mapping) or depth > _MOST_DEPTH:
            return _NOT_TYPED
        place = id(schema)  # INVARIANT: the root holds every part as long as this counts
        if place not in self._known:
            self._known[place] = _NOT_TYPED  # a schema within itself has no bound
            self._known[place] = self._of(cast("Mapping[str, Any]", schema), depth)
        return self._known[place]

    def _of(self, schema: Mapping[str, Any], depth: int) -> float | None:
        if depth and ("$schema" in schema or "$id" in schema):
            return _NOT_TYPED  # another dialect, or another place that references start from
        if "$ref" in schema:
            return self.letters(self._referred(schema["$ref"]), depth + 1)
        if "const" in schema:
            return 0 if _is_member(schema["const"]) else _NOT_TYPED
        if "enum" in schema:
            return _letters_of_members(schema["enum"])
        if "type" in schema:
            kinds: Any = schema["type"]
            return self._most([self._of_kind(one, schema, depth) for one in _listed(kinds)])
        for name in ("anyOf", "oneOf"):
            if name in schema:
                return self._most([self.letters(one, depth + 1) for one in _listed(schema[name])])
        if "allOf" in schema:
            bounds = [self.letters(one, depth + 1) for one in _listed(schema["allOf"])]
            return min((bound for bound in bounds if bound is not None), default=_NOT_TYPED)
        return _NOT_TYPED

    def _of_kind(self, kind: Any, schema: Mapping[str, Any], depth: int) -> float | None:
        match kind:
            case "boolean" | "null" | "number" | "integer":
                return 0
            case "string":
                return _letters_of_text(schema)
            case "array":
                return self._of_array(schema, depth)
            case "object":
                return self._of_object(schema, depth)
            case _:
                return _NOT_TYPED

    def _of_array(self, schema: Mapping[str, Any], depth: int) -> float | None:
        prefix: Any = schema.get("prefixItems", [])
        if not isinstance(prefix, list):
            return _NOT_TYPED
        first = self._sum([self.letters(one, depth + 1) for one in cast("list[Any]", prefix)])
        each = self.letters(schema.get("items"), depth + 1)
        if each is None or first is None:
            return _NOT_TYPED
        most = _count(schema.get("maxItems"))
        return first + (each * most if each else 0)

    def _of_object(self, schema: Mapping[str, Any], depth: int) -> float | None:
        members: Any = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or "patternProperties" in schema or not isinstance(members, Mapping):
            return _NOT_TYPED
        return self._sum([self.letters(one, depth + 1) for one in cast("Mapping[str, Any]", members).values()])

    def _referred(self, reference: Any) -> Any:
        """What a reference within the schema leads to; None where nobody can tell."""
        if not isinstance(reference, str) or not reference.startswith("#/") or "%" in reference or "$id" in self._root:
            return None
        found: Any = self._root
        for step in reference[2:].split("/"):
            if not isinstance(found, Mapping) or (found is not self._root and "$id" in found):
                return None
            found = cast("Mapping[str, Any]", found).get(step.replace("~1", "/").replace("~0", "~"))
        return found

    @staticmethod
    def _most(bounds: list[float | None]) -> float | None:
        """Of alternatives; there is one at least."""
        known = [bound for bound in bounds if bound is not None]
        return max(known) if known and len(known) == len(bounds) else _NOT_TYPED

    @staticmethod
    def _sum(bounds: list[float | None]) -> float | None:
        known = [bound for bound in bounds if bound is not None]
        return sum(known) if len(known) == len(bounds) else _NOT_TYPED


def _letters_of_text(schema: Mapping[str, Any]) -> float | None:
    if schema.get("format") in _FORMATS:
        return 0
    pattern: Any = schema.get("pattern")
    if not isinstance(pattern, str) or not (pattern.startswith("^") and pattern.endswith("$")):
        return _NOT_TYPED
    longest = _count(schema.get("maxLength"))
    length, letters, at, end = 0.0, 0.0, 1, len(pattern) - 1
    while at < end:
        part = _PART.match(pattern, at, end)
        if part is None:
            return _NOT_TYPED
        chosen = _set_of(part)
        if chosen is None:
            return _NOT_TYPED
        times = _times(part)
        length += times
        letters += 0 if len(chosen) == 1 or chosen <= _HEX else times
        at = part.end()
    return _NOT_TYPED if min(length, longest) > LONGEST_ID else min(letters, longest)


def _set_of(part: re.Match[str]) -> frozenset[str] | None:
    """The characters that one part of a pattern stands for; None where it is more than an id has."""
    inner = part["set"]
    if inner is None:
        item = part["item"]
        return frozenset("0123456789") if item == "\\d" else frozenset(item[-1])
    found: set[str] = set()
    at = 0
    while at < len(inner):
        if at + 2 < len(inner) and inner[at + 1] == "-":
            low, high = inner[at], inner[at + 2]
            if not (low.isalnum() and high.isalnum() and low <= high):
                return None
            found.update(map(chr, range(ord(low), ord(high) + 1)))
            at += 3
        else:
            found.add(inner[at])
            at += 1
    return frozenset(found) if found <= _ID else None


def _times(part: re.Match[str]) -> float:
    match part["times"]:
        case "?":
            return 1
        case "*" | "+":
            return _UNBOUNDED
        case _:
            pass
    if part["least"] is None:
        return 1
    if part["comma"] is None:
        return int(part["least"])
    return int(part["most"]) if part["most"] is not None else _UNBOUNDED


def _is_member(value: Any) -> bool:
    """Whether it may stand in an enumeration. Whoever wrote the schema wrote it, so it may be words, if not a page of them."""
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST_MEMBER)


def _letters_of_members(members: Any) -> float | None:
    """One of many words is as good as a letter: an unbounded list of them spells anything."""
    if not isinstance(members, list) or not all(_is_member(one) for one in cast("list[Any]", members)):
        return _NOT_TYPED
    return 1 if sum(isinstance(one, str) for one in cast("list[Any]", members)) > _MOST_WORDS else 0


def _listed(found: Any) -> list[Any]:
    return cast("list[Any]", found) if isinstance(found, list) else [found]


def _count(found: Any) -> float:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else _UNBOUNDED
