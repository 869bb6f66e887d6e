"""A syntax tree as shfmt writes it in JSON, read without trust: what is missing or of another type is empty, never an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

Node: TypeAlias = Mapping[str, Any]
NOTHING: Node = {}


def child(node: Node, name: str) -> Node:
    value: object = node.get(name)
    return cast("Node", value) if isinstance(value, dict) else NOTHING


def children(node: Node, name: str) -> Sequence[Node]:
    value: object = node.get(name)
    if not isinstance(value, list):
        return ()
    return [cast("Node", one) for one in cast("list[object]", value) if isinstance(one, dict)]


def text(node: Node, name: str) -> str:
    value: object = node.get(name)
    return value if isinstance(value, str) else ""


def flag(node: Node, name: str) -> bool:
    return node.get(name) is True


def kind(node: Node) -> str:
    return text(node, "Type")


def literal(node: Node) -> str:
    """A `Lit` that stands in a place of its own: a name, a file descriptor."""
    return text(node, "Value")


def span(node: Node) -> tuple[int, int]:
    """First byte and the one after the last; (0, 0) where it is not said."""
    first, last = child(node, "Pos").get("Offset"), child(node, "End").get("Offset")
    if isinstance(first, int) and isinstance(last, int) and 0 <= first <= last:
        return first, last
    return 0, 0


def below(node: Node) -> Iterator[Node]:
    """Every node of a tree, itself first, without positions. No recursion: a tree may be deep."""
    waiting: list[object] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            inner = cast("dict[str, object]", one)
            # Most of a tree is positions: of an offset, a line and a column.
            if len(inner) != 3 or "Col" not in inner:
                yield inner
                waiting += inner.values()
        elif isinstance(one, list):
            waiting += cast("list[object]", one)


def plain(word: Node) -> str | None:
    """The text of a word that is one literal without a backslash; None: it is anything else."""
    parts = children(word, "Parts")
    if len(parts) == 1 and kind(parts[0]) == "Lit" and "\\" not in literal(parts[0]):
        return literal(parts[0])
    return None
