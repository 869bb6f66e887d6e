"""`x=1`, `x+=1`, `x=(a b)`."""

from __future__ import annotations

from collections.abc import Sequence

from ringfence.core.shell.nodes import Node, child, children, flag, literal
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expanding import expanded
from ringfence.core.shell.words.expressions import arithmetic


def assignments(
    walk: Walk, nodes: Sequence[Node], scope: Scope, around: Around, *, is_kept: bool
) -> tuple[tuple[str, Value], ...]:
    made: list[tuple[str, Value]] = []
    if not is_kept and len(nodes) > 1:
        # Each sees those before it, and the shell keeps none of them.
        scope, is_kept = scope.copy(), True
    for node in nodes:
        name = literal(child(node, "Name"))
        index, array = child(node, "Index"), child(node, "Array")
        if index:
            arithmetic(walk, index, scope, around)
        if array:
            values = _array(walk, array, scope, around)
            if is_kept:
                scope.assign_list(name, None if index or flag(node, "Append") else values)
            made.append((name, UNKNOWN))
            continue
        value = walk.value(child(node, "Value"), scope, around) if child(node, "Value") else Value("")
        if flag(node, "Append"):
            before = scope.variables.get(name, UNKNOWN)
            value = Value(
                before.text + value.text,
                is_known=before.is_known and value.is_known,
                is_pattern=before.is_pattern or value.is_pattern,
            )
        made.append((name, value))
        walk.remember(value)
        if is_kept:
            if index:
                scope.assign_list(name, None)
            else:
                scope.assign(name, value)
    return tuple(made)


def _array(walk: Walk, array: Node, scope: Scope, around: Around) -> tuple[Value, ...] | None:
    values: list[Value] = []
    is_known = True
    for element in children(array, "Elems"):
        if child(element, "Index"):
            arithmetic(walk, child(element, "Index"), scope, around)
            is_known = False
        for word in expanded(walk, child(element, "Value"), scope, around):
            is_known = is_known and not word.may_split
            values.append(Value(word.text, is_known=word.is_known, is_pattern=word.is_pattern))
    return tuple(values) if is_known else None
