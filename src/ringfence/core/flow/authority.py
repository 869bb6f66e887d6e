"""Which values of a call carry authority. Pure.

Every value at or below an authority pointer, the most specific pointer first. Where an object's keys are the caller's own (its
schema does not name them) they are values as well: `{"shares": {"somebody@host.example": "read"}}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from ringfence.core.definitions.wording import words
from ringfence.core.model.call import Call
from ringfence.core.model.profile import Authority, Role, ToolProfile
from ringfence.core.model.tool import Tool

MOST_LEAVES: Final = 2_000
"""Values of one call that are looked at. A call with more has one more, that nothing speaks for."""
_MOST_DEPTH: Final = 64
_MOST_SCHEMAS: Final = 16
_LONGEST_NAME: Final = 200
TOO_MANY: Final = "\0"
"""The pointer of what stands for all that is not looked at."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value."""

    pointer: str
    value: Any
    authority: Authority
    name: tuple[str, ...]
    """The words of the names on the way to it, from the authority pointer on."""
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class _Pattern:
    parts: tuple[str, ...]
    authority: Authority
    rank: tuple[int, int]
    """The more specific one counts."""


def _pattern(parts: tuple[str, ...], authority: Authority) -> _Pattern:
    return _Pattern(parts, authority, (len(parts), sum(part != "*" for part in parts)))


@lru_cache(maxsize=1024)
def _patterns(authorities: tuple[Authority, ...]) -> tuple[_Pattern, ...]:
    return tuple(_pattern(_parts(one.pointer), one) for one in authorities)


def authorities_of(tool: Tool, profile: ToolProfile, *, untrusted: bool) -> tuple[Authority, ...]:
    """What of a tool's arguments carries authority in a run of this integrity."""
    if profile.authority is not None:
        return profile.authority
    return tool.inferred if untrusted else ()


def _undescribed(call: Call, schemas: _Schemas) -> list[_Pattern]:
    """Arguments that an open schema lets through and does not describe: nobody knows what they are."""
    names = [name for name in call.value if not schemas.names(name)]
    return [_pattern((name,), Authority(f"/{_escaped(name)}", Role.SELECTOR)) for name in names]


def leaves_of(call: Call, tool: Tool, authorities: tuple[Authority, ...]) -> tuple[Leaf, ...]:
    """Every value of a call that carries authority, in order."""
    patterns = _patterns(authorities)
    schemas = _Schemas(tool.definition.get("inputSchema"))
    if authorities is tool.inferred:
        patterns += tuple(one for one in _undescribed(call, schemas) if one.parts[0] not in tool.fixed)
    found: list[Leaf] = []
    for leaf in _walk(call.value, _At(), patterns, None, schemas):
        if len(found) >= MOST_LEAVES:
            found.append(Leaf(TOO_MANY, None, leaf.authority, ()))
            break
        found.append(leaf)
    return tuple(found)


def _parts(pointer: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


@lru_cache(maxsize=2048)
def _words(name: str) -> tuple[str, ...]:
    return words(name[:_LONGEST_NAME])


@dataclass(slots=True)
class _At:
    pointer: str = ""
    depth: int = 0
    name: tuple[str, ...] = ()

    def below(self, part: str, named: str) -> _At:
        return _At(
            f"{self.pointer}/{_escaped(part)}", self.depth + 1, (*self.name, *_words(named))[-12:] if named else self.name
        )


class _Schemas:
    """The parts of a schema that speak of one place. Looked up only where somebody asks for names."""

    __slots__ = ("_above", "_known", "_root", "_step")

    def __init__(self, root: Any, above: _Schemas | None = None, step: str | None = None) -> None:
        self._root = root
        self._above = above
        self._step = step
        self._known: tuple[Mapping[str, Any], ...] | None = None

    def below(self, name: str | None) -> _Schemas:
        """Of a member, or of the items of a list."""
        return _Schemas(self._root, self, name)

    def names(self, key: str) -> bool:
        return any(key in _properties(part) for part in self._parts())

    def _parts(self) -> tuple[Mapping[str, Any], ...]:
        if self._known is None:
            self._known = _opened(self._root, self._own())
        return self._known

    def _own(self) -> tuple[Any, ...]:
        if self._above is None:
            return (self._root,)
        parts = self._above._parts()
        if self._step is None:
            return tuple(part["items"] for part in parts if isinstance(part.get("items"), Mapping))
        return tuple(_properties(part)[self._step] for part in parts if self._step in _properties(part))


def _properties(part: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = part.get("properties")
    return cast("Mapping[str, Any]", properties) if isinstance(properties, Mapping) else {}


def _opened(root: Any, parts: tuple[Any, ...]) -> tuple[Mapping[str, Any], ...]:
    """The parts with those that they refer to or choose from."""
    waiting = list(parts)
    found: list[Mapping[str, Any]] = []
    while waiting and len(found) < _MOST_SCHEMAS:
        part = waiting.pop(0)
        if not isinstance(part, Mapping):
            continue
        known = cast("Mapping[str, Any]", part)
        found.append(known)
        if isinstance(reference := known.get("$ref"), str) and reference.startswith("#/"):
            waiting.append(_at(root, _parts(reference[1:])))
        for choice in ("allOf", "anyOf", "oneOf"):
            if isinstance(known.get(choice), list):
                waiting.extend(known[choice][:_MOST_SCHEMAS])
    return tuple(found)


def _at(value: Any, parts: tuple[str, ...]) -> Any:
    for part in parts:
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _walk(value: Any, at: _At, patterns: Sequence[_Pattern], best: _Pattern | None, schemas: _Schemas) -> Iterator[Leaf]:
    ahead: list[_Pattern] = []
    for pattern in patterns:
        if len(pattern.parts) > at.depth:
            ahead.append(pattern)
        elif len(pattern.parts) == at.depth and (best is None or pattern.rank >= best.rank):
            best = pattern
    if best is None and not ahead:
        return
    if at.depth > _MOST_DEPTH:
        if best is not None:
            yield Leaf(TOO_MANY, None, best.authority, ())
        return
    if isinstance(value, Mapping) and value:
        for key, item in cast("Mapping[str, Any]", value).items():
            named = [pattern for pattern in ahead if pattern.parts[at.depth] in (key, "*")]
            if best is None and not named:
                continue
            is_own = best is not None and at.depth > 0 and not named and not schemas.names(key)
            if is_own and best is not None:
                yield Leaf(at.below(key, "").pointer, key, best.authority, at.name, is_key=True)
            yield from _walk(item, at.below(key, "" if is_own else key), named, best, schemas.below(key))
    elif isinstance(value, list) and value:
        inner = schemas.below(None)
        for place, item in enumerate(cast("list[Any]", value)):
            named = [pattern for pattern in ahead if pattern.parts[at.depth] in (str(place), "*")]
            if best is None and not named:
                continue
            yield from _walk(item, at.below(str(place), ""), named, best, inner)
    elif best is not None and value is not None:
        yield Leaf(at.pointer, value, best.authority, at.name)
