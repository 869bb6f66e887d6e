"""Functions: kept where they are defined, walked where they are called, and at the end if nobody called them."""

from __future__ import annotations

from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.assigned import assigned, leaves_early
from ringfence.core.shell.nodes import Node, child, literal
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Function, Scope
from ringfence.core.shell.values import UNKNOWN, arguments_of
from ringfence.core.shell.walk import Walk

_MOST_CALLS: Final = 64


def define(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    name = literal(child(node, "Name"))
    function = Function(child(node, "Body"), walk.source)
    scope.functions[name] = function
    walk.defined.every.append((function, name, scope.copy(), around))
    walk.draw(f"{name}()")


def call(walk: Walk, function: Function, line: Line, scope: Scope, around: Around) -> None:
    """A function, with its arguments in place."""
    mark = id(function.body)
    walk.defined.called[mark] = walk.defined.called.get(mark, 0) + 1
    if line.redirections or line.doubts:
        walk.emit(line, scope, around)
    if mark in walk.defined.calling:
        walk.doubt(Undecided.DEPTH, "a function calls itself")
        return
    if walk.defined.called[mark] > _MOST_CALLS:
        walk.doubt(Undecided.DEPTH, f"a function is called more than {_MOST_CALLS} times")
        return
    before, locals_before = scope.arguments, scope.has_local
    scope.arguments = arguments_of(line.words[1:], takes_more=around.takes_more)
    scope.has_local = {}
    for name, value in line.assignments:
        scope.assign(name, value)
    walk.defined.calling.append(mark)
    _walk_body(walk, function, scope, around.within(f"{line.words[0].text}()"))
    walk.defined.calling.pop()
    for name, value in scope.has_local.items():
        scope.assign(name, value or UNKNOWN)
    scope.arguments, scope.has_local = before, locals_before
    scope.forget(name for name, _ in line.assignments)
    if leaves_early(function.body):
        scope.forget(assigned(function.body))


def leftovers(walk: Walk) -> None:
    """Functions that nobody called here: they may be called by what is not read."""
    number = 0
    while number < len(walk.defined.every) and not walk.is_full:
        function, name, scope, around = walk.defined.every[number]
        number += 1
        if id(function.body) not in walk.defined.called:
            walk.defined.called[id(function.body)] = 1
            later = scope.copy()
            later.variables, later.lists, later.arguments = {"IFS": UNKNOWN} if "IFS" in scope.variables else {}, {}, None
            later.has_local = {}
            _walk_body(walk, function, later, around.within(f"{name}()"))


def _walk_body(walk: Walk, function: Function, scope: Scope, around: Around) -> None:
    before, walk.source = walk.source, function.source
    walk.draw(f"[{around.via[-1]}]")
    walk.statement(function.body, scope, around)
    walk.source = before
