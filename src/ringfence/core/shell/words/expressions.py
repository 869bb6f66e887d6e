"""Arithmetic, as far as it runs something: bash works out what its variables and operands hold once more."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.assigned import assigned
from ringfence.core.shell.doubts import FED_NUMBER
from ringfence.core.shell.nodes import Node, below, kind
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import NUMBER, UNKNOWN, Value
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.numbers import worked_out

NUMBERS: Final = frozenset(
    {"#", "?", "$", "!", "RANDOM", "UID", "EUID", "PPID", "SECONDS", "LINENO", "EPOCHSECONDS", "BASHPID", "SHLVL"}
)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_WORD: Final = re.compile(r"0[xX][0-9a-fA-F]+|\d+#\w+|\b\d\w*")
_SUBSTITUTES: Final = re.compile(r"\$\(|`")


def arithmetic(walk: Walk, node: Node, scope: Scope, around: Around) -> Value:
    """An expression. bash works out what its variables and operands hold once more."""
    if not node:
        return NUMBER
    number = worked_out(node)
    if number is not None:
        return Value(str(number))
    operand(walk, walk.raw(node), scope, around)
    for one in below(node):
        if kind(one) == "Word":
            value = walk.value(one, scope, around)
            if value.is_known:
                operand(walk, value.text, scope, around)
    if walk.files.is_fed and _is_unsure(walk, node, scope):
        walk.add(FED_NUMBER)
    for held in dict.fromkeys([*(value.text for value in scope.variables.values()), *walk.indexed]):
        operand(walk, held, scope, around)
    scope.forget(assigned(node))
    return NUMBER


def _is_unsure(walk: Walk, node: Node, scope: Scope) -> bool:
    """Whether an expression has something in it that is known only when it runs."""
    bare = _WORD.sub(" ", walk.raw(node))
    names = {name for name in _NAME.findall(bare) if name not in NUMBERS}
    return "`" in bare or "$(" in bare or any(not scope.variables.get(name, UNKNOWN).is_known for name in names)


def operand(walk: Walk, known: str, scope: Scope, around: Around) -> None:
    """A text that is worked out as an expression: an index in it is expanded."""
    if "[" in known and _SUBSTITUTES.search(known):
        walk.doubt(Undecided.EVAL, "an index with a command in it is worked out")
        evaluated(walk, known, scope, around)


def evaluated(walk: Walk, text: str, scope: Scope, around: Around) -> None:
    quoted = text.replace('"', '\\"')
    walk.walk_text(f': "{quoted}"', scope.copy(), around.within("an index"))
