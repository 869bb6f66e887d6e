"""`$x` and `${x...}`: variables, lists, arguments, and what the operators of an expansion make of them."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.nodes import Node, child, flag, literal, text
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import EMPTY, MANY, NUMBER, UNKNOWN, Value
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expressions import NUMBERS, arithmetic, evaluated, operand
from ringfence.core.shell.words.numbers import worked_out
from ringfence.core.shell.words.splitting import BLANKS
from ringfence.core.shell.words.substitutions import visit

_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def parameter(walk: Walk, node: Node, scope: Scope, around: Around) -> Value | tuple[Value, ...]:
    """What it comes to. Several values: of a list, or of all arguments."""
    name = literal(child(node, "Param"))
    index = child(node, "Index")
    if child(node, "NestedParam") or child(node, "Flags"):
        visit(walk, node, scope, around)
        return UNKNOWN
    star = text(index, "Type") == "Word" and walk.raw(index).strip() in {"@", "*"}
    if index and not star:
        arithmetic(walk, index, scope, around)
    changes = [child(node, one) for one in ("Slice", "Repl", "Exp")]
    if flag(node, "Excl") or text(node, "Names"):
        inner = _indirect(walk, name, node, scope, around)
        return inner if inner.is_known else MANY
    if flag(node, "Length"):
        return NUMBER
    got = _plain(walk, name, scope, is_all=star)
    if index and not star:
        got = _element(name, index, scope)
    if any(changes):
        got = _changed(walk, name, got, node, scope, around)
    is_all = star or name == "@"
    return MANY if is_all and isinstance(got, Value) and not got.is_known else got


def _changed(
    walk: Walk, name: str, got: Value | tuple[Value, ...], node: Node, scope: Scope, around: Around
) -> Value | tuple[Value, ...]:
    cut = child(node, "Slice")
    if cut:
        arithmetic(walk, child(cut, "Offset"), scope, around)
        arithmetic(walk, child(cut, "Length"), scope, around)
        return _cut(got, cut)
    change = child(node, "Exp")
    operator, word = text(change, "Op"), child(change, "Word")
    if operator == "@P" or (operator == "@" and walk.raw(word) == "P"):
        walk.doubt(Undecided.EVAL, "a variable is expanded as a prompt")
        if isinstance(got, Value) and got.is_known:
            evaluated(walk, got.text, scope, around)
        return UNKNOWN
    if operator in {"-", ":-", "+", ":+", "=", ":=", "?", ":?"}:
        other = walk.value(word, scope, around) if word else EMPTY
        return _chosen(name, got, operator, other, scope)
    visit(walk, node, scope, around)
    if isinstance(got, Value) and got.is_known and not got.is_pattern:
        return _trimmed(got.text, operator, walk.value(word, scope, around)) if word else UNKNOWN
    return UNKNOWN


def _chosen(name: str, got: Value | tuple[Value, ...], operator: str, other: Value, scope: Scope) -> Value | tuple[Value, ...]:
    known = isinstance(got, Value) and got.is_known
    empty = isinstance(got, Value) and got.is_known and not got.text
    if operator.endswith("="):
        scope.forget([name])
    match operator[-1]:
        case "+":
            if known:
                return EMPTY if empty and operator == ":+" else other
            return UNKNOWN
        case _:
            if known:
                return other if empty and operator.startswith(":") else got
            return UNKNOWN if isinstance(got, Value) else got or other


def _cut(got: Value | tuple[Value, ...], cut: Node) -> Value | tuple[Value, ...]:
    offset = worked_out(child(cut, "Offset"))
    length = worked_out(child(cut, "Length")) if child(cut, "Length") else None
    if not isinstance(got, Value) or not got.is_known or got.is_pattern or offset is None or offset < 0:
        return UNKNOWN
    if child(cut, "Length") and (length is None or length < 0):
        return UNKNOWN
    return Value(got.text[offset:] if length is None else got.text[offset : offset + length])


def _indirect(walk: Walk, name: str, node: Node, scope: Scope, around: Around) -> Value:
    visit(walk, {key: one for key, one in node.items() if key != "Type"}, scope, around)
    value = _plain(walk, name, scope, is_all=False)
    if isinstance(value, Value) and value.is_known:
        operand(walk, value.text, scope, around)
        if _NAME.fullmatch(value.text) and not any(child(node, one) for one in ("Slice", "Repl", "Exp", "Index")):
            inner = _plain(walk, value.text, scope, is_all=False)
            return inner if isinstance(inner, Value) and not text(node, "Names") else UNKNOWN
    return UNKNOWN


def _plain(walk: Walk, name: str, scope: Scope, *, is_all: bool) -> Value | tuple[Value, ...]:
    if is_all:
        values = scope.lists.get(name)
        if values is not None:
            return values
        return scope.variables.get(name, UNKNOWN) if name not in scope.lists else UNKNOWN
    if name in {"@", "*"}:
        return UNKNOWN if scope.arguments is None else scope.arguments
    if name in NUMBERS:
        return Value(str(len(scope.arguments))) if name == "#" and scope.arguments is not None else NUMBER
    if name == "0":
        return scope.zero
    if name.isdigit():
        if scope.arguments is None:
            return UNKNOWN
        place = int(name[:6]) - 1
        if any(one.is_pattern for one in scope.arguments[: place + 1]):
            # It becomes any number of words.
            return UNKNOWN
        return scope.arguments[place] if place < len(scope.arguments) else EMPTY
    if name == "PWD" and "PWD" not in scope.variables:
        return UNKNOWN if scope.place is None else Value(scope.place)
    if name == "HOME" and "HOME" not in scope.variables:
        return Value(walk.home) if walk.home else UNKNOWN
    if name == "IFS" and "IFS" not in scope.variables:
        return Value(BLANKS)
    values = scope.lists.get(name)
    if values:
        return values[0]
    return scope.variables.get(name, UNKNOWN)


def _element(name: str, index: Node, scope: Scope) -> Value:
    number, values = worked_out(index), scope.lists.get(name)
    if number is None or values is None or not 0 <= number < len(values):
        return UNKNOWN
    return values[number]


def _trimmed(known: str, operator: str, pattern: Value) -> Value:
    """`${x#y}` and `${x%y}`, where `y` is no pattern."""
    if not pattern.is_known or re.search(r"[*?\[\\(]", pattern.text):
        return UNKNOWN
    if operator in {"#", "##"}:
        return Value(known.removeprefix(pattern.text))
    if operator in {"%", "%%"}:
        return Value(known.removesuffix(pattern.text))
    return UNKNOWN
