"""YAML text to a tree of nodes that know where they stand. Refuses what two readers could understand differently.

Values stay text here: what `no`, `010` or `12:30:00` mean is decided by the shape that expects something (`shapes.py`),
never by YAML 1.1. Aliases, anchors, tags, several documents and duplicate keys are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from ringfence.app.config.problems import FatalProblem, Path, Position, Problems

MAX_BYTES = 1 << 20
MAX_DEPTH = 40
_TOP = Position(1, 1)
# libyaml is an order of magnitude faster; both speak the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as text. `plain` is false where it was quoted or a block: then it can only be text."""

    at: Position
    text: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    at: Position
    items: list[Node] = field(default_factory=list["Node"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    key: str
    at: Position
    value: Node


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping. Keys are always the text as written."""

    at: Position
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])


Node = Scalar | Items | Entries


def parse_document(data: bytes, problems: Problems, what: str = "a mapping that begins with `version: 1`") -> Entries:
    """The root mapping of one YAML document; `what` is what people are told to write where there is none.

    Duplicate keys are added to `problems` (the first stands); everything else that breaks the tree raises FatalProblem.
    """
    if len(data) > MAX_BYTES:
        raise FatalProblem(_TOP, f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise FatalProblem(Position(line, column), "not UTF-8") from error
    try:
        root = _build(yaml.parse(text, Loader=_LOADER), problems)
    except yaml.YAMLError as error:
        raise _as_problem(error, text) from error
    if not isinstance(root, Entries):
        raise FatalProblem(root.at if root else _TOP, f"expected {what}")
    return root


@dataclass(slots=True)
class _Open:
    """A collection that is being filled."""

    node: Items | Entries
    path: Path
    key: Scalar | None = None


def _build(events: Iterator[Any], problems: Problems) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise FatalProblem(_position(event), "expected one document, found a second")
        elif isinstance(event, yaml.AliasEvent):
            raise FatalProblem(_position(event), f"aliases are not allowed (`*{event.anchor}`): write the value out")
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            _refuse_extras(event)
            node = _node_of(event)
            place = stack[-1] if stack else None
            if place is None:
                root, path = node, ()
            elif isinstance(place.node, Items):
                path = (*place.path, len(place.node.items))
                place.node.items.append(node)
            elif place.key is None:
                if not isinstance(node, Scalar):
                    raise FatalProblem(node.at, "expected a text key, found a list or mapping")
                place.key = node
                continue
            else:
                key, place.key = place.key, None
                path = (*place.path, key.text)
                if key.text in place.node.entries:
                    first = place.node.entries[key.text].at.line
                    problems.at(key.at, path, f"duplicate key: already given on line {first}")
                else:
                    place.node.entries[key.text] = Entry(key.text, key.at, node)
            if not isinstance(node, Scalar):
                if len(stack) >= MAX_DEPTH:
                    raise FatalProblem(node.at, f"nested deeper than {MAX_DEPTH} levels")
                stack.append(_Open(node, path))
        elif isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
    return root


def _node_of(event: Any) -> Node:
    at = _position(event)
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(at, str(event.value), plain=not event.style)
    return Entries(at) if isinstance(event, yaml.MappingStartEvent) else Items(at)


def _refuse_extras(event: Any) -> None:
    if event.anchor:
        raise FatalProblem(_position(event), f"anchors are not allowed (`&{event.anchor}`)")
    if event.tag:
        raise FatalProblem(_position(event), f"tags are not allowed (`{event.tag}`)")


def _position(event: Any) -> Position:
    return Position(int(event.start_mark.line) + 1, int(event.start_mark.column) + 1)


def _as_problem(error: yaml.YAMLError, text: str) -> FatalProblem:
    mark = cast("Any", getattr(error, "problem_mark", None))
    if mark is not None:
        said = str(getattr(error, "problem", None) or "not YAML")
        return FatalProblem(Position(int(mark.line) + 1, int(mark.column) + 1), f"not YAML: {said}")
    offset = getattr(error, "position", None)
    if isinstance(offset, int) and 0 <= offset < len(text):
        before = text[:offset]
        at = Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)
        return FatalProblem(at, "not YAML: a control character")
    return FatalProblem(_TOP, "not YAML: a control character or an unreadable byte")
