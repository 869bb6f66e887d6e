"""`if` and `case`: every branch is read, and what is known afterwards is what they agree on."""

from __future__ import annotations

from ringfence.core.shell.nodes import Node, child, children
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope, merged
from ringfence.core.shell.walk import Walk


def read_if(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    with walk.deeper() as is_read:
        if not is_read:
            return
        walk.statements(children(node, "Cond"), scope, around)
        met, missed = scope.copy(), scope.copy()
        met.failed = ()
        missed.places, missed.failed = scope.after_failure, ()
        walk.statements(children(node, "Then"), met, around)
        otherwise = child(node, "Else")
        if children(otherwise, "Cond"):
            read_if(walk, otherwise, missed, around)
        else:
            walk.statements(children(otherwise, "Then"), missed, around)
        met.settle()
        missed.settle()
        scope.take(merged([met, missed]))


def read_case(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    walk.value(child(node, "Word"), scope, around)
    branches = [scope.copy()]
    for item in children(node, "Items"):
        for pattern in children(item, "Patterns"):
            walk.value(pattern, scope, around)
        # `;&` and `;;&` go on with the next branch.
        branch = merged([scope.copy(), branches[-1].copy()]) if len(branches) > 1 else scope.copy()
        walk.statements(children(item, "Stmts"), branch, around)
        branch.settle()
        branches.append(branch)
    scope.take(merged(branches))
