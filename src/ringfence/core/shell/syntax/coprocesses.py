"""`coproc`."""

from __future__ import annotations

from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.nodes import Node, child, children, kind, plain, text
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk


def read_coprocess(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    statement = child(node, "Stmt")
    if _is_odd(node, child(statement, "Cmd")):
        walk.doubt(Undecided.PARSE, "a coprocess is read otherwise by the shell")
    inner = scope.copy()
    inner.stdin, inner.is_piped = None, True
    walk.statement(statement, inner, around.within("coproc"))
    scope.forget([plain(child(node, "Name")) or "COPROC"])


_COMPOUND: Final = frozenset(
    {"Block", "Subshell", "IfClause", "WhileClause", "ForClause", "CaseClause", "ArithmCmd", "TestClause"}
)


def _is_odd(node: Node, command: Node) -> bool:
    """Whether its first word is read as something else by bash, which gives names to compound commands alone.

    shfmt takes `tee` of `coproc tee f </dev/null | true` for a name, `if=x` of `coproc dd if=x` for an assignment, and `A=x`
    of `coproc A=x y` for the command.
    """
    while kind(command) == "BinaryCmd":
        command = child(child(command, "X"), "Cmd")
    if kind(command) != "CallExpr":
        return bool(child(node, "Name")) and kind(command) not in _COMPOUND
    words = children(command, "Args")
    parts = children(words[0], "Parts") if words else ()
    return bool(child(node, "Name") or children(command, "Assigns") or (parts and "=" in text(parts[0], "Value")))
