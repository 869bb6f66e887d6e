"""Commands within words: `$( )`, `<( )`, and those in trees that have no words of their own."""

from __future__ import annotations

from ringfence.core.shell.assigned import assigned
from ringfence.core.shell.nodes import Node, children, kind, text
from ringfence.core.shell.places import PIPE
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.walk import Walk


def substituted(walk: Walk, node: Node, scope: Scope, around: Around) -> Value:
    inner = scope.copy()
    inner.settle()
    if kind(node) == "ProcSubst":
        if text(node, "Op") == ">(":
            inner.stdin, inner.is_piped = None, True
        walk.statements(children(node, "Stmts"), inner, around.within(f"{text(node, 'Op') or '<('} )"))
        return Value(PIPE)
    said = walk.statements(children(node, "Stmts"), inner, around.within("$( )"))
    return UNKNOWN if said is None else Value(said.rstrip("\n"))


def visit(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    """Walk all substitutions of a tree that has no words of its own."""
    waiting: list[Node] = [node]
    while waiting:
        one = waiting.pop()
        if kind(one) in {"CmdSubst", "ProcSubst"}:
            substituted(walk, one, scope, around)
            continue
        if kind(one) == "ParamExp" or kind(one) == "ArithmExp":
            scope.forget(assigned(one))
        for inner in one.values():
            if isinstance(inner, dict):
                waiting.append(inner)
            elif isinstance(inner, list):
                waiting += [each for each in inner if isinstance(each, dict)]
