"""`a && b`, `a || b`, `a | b`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.nodes import Node, child, children, flag, kind, text
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope, joined, merged
from ringfence.core.shell.walk import Walk

_MOST_FED: Final = 6


def read_list(walk: Walk, node: Node, scope: Scope, around: Around) -> str | None:
    """Chains lean to the left in the tree, and may be long."""
    operator = text(node, "Op")
    is_pipe = operator in {"|", "|&"}
    right: list[tuple[str, Node]] = []
    left: Node = {"Cmd": node}
    while True:
        inner = child(left, "Cmd")
        operator = text(inner, "Op")
        if kind(inner) != "BinaryCmd" or (operator in {"|", "|&"}) is not is_pipe or (right and _is_more(left)):
            break
        right.append((operator, child(inner, "Y")))
        left = child(inner, "X")
    right.reverse()
    if is_pipe:
        return _pipe(walk, [left, *(one for _, one in right)], [one for one, _ in right], scope, around)
    said = walk.statement(left, scope, around)
    for operator, statement in right:
        branch = scope.copy()
        branch.places, branch.failed = scope.places if operator == "&&" else scope.after_failure, ()
        walk.statement(statement, branch, around)
        said = None
        succeeded, failed = branch.places, branch.after_failure
        if operator == "&&":
            failed = joined(scope.after_failure, failed)
        else:
            succeeded = joined(scope.places, succeeded)
        scope.take(merged([scope.copy(), branch]))
        scope.places, scope.failed = succeeded, failed if failed != succeeded else ()
    return said


def _pipe(walk: Walk, nodes: Sequence[Node], operators: Sequence[str], scope: Scope, around: Around) -> str | None:
    scope.settle()
    said: str | None = None
    fed_by: tuple[tuple[Word, ...], ...] = ()
    for number, node in enumerate(nodes):
        inner = scope.copy()
        if number:
            inner.stdin = said if operators[number - 1] == "|" else None
            inner.is_piped = True
            inner.fed_by = fed_by
        before = len(walk.commands)
        said = walk.statement(node, inner, around)
        new = list(itertools.islice(walk.commands, before, before + 2))
        # A function, or a command that was read before, is more than what is new.
        is_simple = len(new) == 1 and kind(child(node, "Cmd")) == "CallExpr" and new[0].raw == walk.raw(child(node, "Cmd"))
        is_simple = is_simple and not new[0].redirections and not new[0].doubts and new[0].via == around.via
        fed_by = (new[0].words, *fed_by)[:_MOST_FED] if is_simple and new[0].words else ()
    return said


def _is_more(statement: Node) -> bool:
    """Whether a statement is more than its command, so that a chain cannot be read through it."""
    return bool(children(statement, "Redirs")) or flag(statement, "Negated") or flag(statement, "Background")
