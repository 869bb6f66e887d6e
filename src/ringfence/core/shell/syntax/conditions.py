"""`[[ ]]`: what stands in it, and what is worked out as an expression."""

from __future__ import annotations

from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.nodes import Node, child, kind, text
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expressions import arithmetic, operand
from ringfence.core.shell.words.substitutions import visit

_TESTS_PATHS: Final = frozenset({"-v", "-R"})
_NUMBERS: Final = frozenset({"-eq", "-ne", "-lt", "-gt", "-le", "-ge"})


def read_condition(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    _condition(walk, child(node, "X"), scope, around)


def _condition(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    with walk.deeper() as is_read:
        if not is_read or not node:
            return
        match kind(node):
            case "ParenTest":
                _condition(walk, child(node, "X"), scope, around)
            case "BinaryTest" if text(node, "Op") in {"&&", "||"}:
                _condition(walk, child(node, "X"), scope, around)
                _condition(walk, child(node, "Y"), scope, around)
            case "UnaryTest" | "BinaryTest":
                operator = text(node, "Op")
                for side in (child(node, "X"), child(node, "Y")):
                    if kind(side) != "Word":
                        _condition(walk, side, scope, around)
                    elif operator in _NUMBERS:
                        arithmetic(walk, side, scope, around)
                    else:
                        value = walk.value(side, scope, around)
                        if operator in _TESTS_PATHS:
                            operand(walk, value.text, scope, around)
            case "Word":
                walk.value(node, scope, around)
            case _:
                walk.doubt(Undecided.PARSE, "a part of [[ ]] is not read")
                visit(walk, node, scope, around)
