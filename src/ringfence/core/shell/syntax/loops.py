"""`for`, `select`, `while`, `until`."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Final

from ringfence.core.shell.assigned import assigned
from ringfence.core.shell.doubts import decides
from ringfence.core.shell.nodes import Node, below, child, children, flag, kind, literal, plain
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope, joined, merged
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.variables import changes_what_runs
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expanding import every_word
from ringfence.core.shell.words.expressions import arithmetic

_MOST_ITEMS: Final = (48, 8)
"""Items of a loop that are read one by one, by how deep loops are nested."""


def read_for(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    loop = child(node, "Loop")
    if kind(loop) != "WordIter":
        for part in ("Init", "Cond", "Post"):
            arithmetic(walk, child(loop, part), scope, around)
        _looped(walk, _left(node), scope, lambda inner: walk.statements(children(node, "Do"), inner, around))
        return
    name = literal(child(loop, "Name"))
    if changes_what_runs(name, UNKNOWN):
        walk.add(decides(name))
    items = every_word(walk, children(loop, "Items"), scope, around)
    values = [Value(word.text, is_known=word.is_known, is_pattern=word.is_pattern, is_one=word.is_known) for word in items]
    most = _MOST_ITEMS[walk.loops] if walk.loops < len(_MOST_ITEMS) else 1
    if not values or len(values) > most or flag(node, "Select"):
        values = [UNKNOWN]
    left = _left(node)
    for value in dict.fromkeys(values):
        _looped(walk, left, scope, lambda inner, value=value: _round(walk, node, name, value, inner, around))
    scope.forget([name])


def _round(walk: Walk, node: Node, name: str, value: Value, scope: Scope, around: Around) -> None:
    walk.remember(value)
    scope.assign(name, value)
    walk.statements(children(node, "Do"), scope, around)


def read_while(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    _looped(walk, _left(node), scope, lambda inner: _while(walk, node, inner, around))


def _while(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    walk.statements(children(node, "Cond"), scope, around)
    scope.settle()
    walk.statements(children(node, "Do"), scope, around)


@dataclass(frozen=True, slots=True)
class _Left:
    """What a round of a loop may leave otherwise than it found it."""

    names: Set[str] | None
    """None: any."""
    arguments: bool


def _left(node: Node) -> _Left:
    return _Left(assigned(node), _changes_arguments(node))


def _looped(walk: Walk, left: _Left, scope: Scope, body: Callable[[Scope], object]) -> None:
    """A body that may be run any number of times, begun with what any of them may have left."""
    scope.settle()
    scope.forget(left.names)
    if left.arguments:
        scope.arguments = None
    walk.loops += 1
    begun = scope.places
    inner = scope
    for _ in range(3):
        inner = scope.copy()
        inner.places = begun
        body(inner)
        inner.settle()
        ended = joined(begun, inner.places)
        if ended == begun:
            break
        begun = ended if begun == scope.places else (None,)
    walk.loops -= 1
    scope.places = joined(scope.places, begun)
    scope.functions = merged([scope.copy(), inner]).functions


def _changes_arguments(node: Node) -> bool:
    return any(
        kind(one) == "CallExpr" and any(plain(word) in {"shift", "set"} for word in children(one, "Args")[:1])
        for one in below(node)
    )
