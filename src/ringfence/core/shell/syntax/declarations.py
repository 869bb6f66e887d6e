"""`declare`, `export`, `readonly`, `local`, `typeset`, as the grammar has them."""

from __future__ import annotations

from ringfence.core.model.local import Doubt
from ringfence.core.shell.command import Word
from ringfence.core.shell.doubts import MADE_NAME, decides
from ringfence.core.shell.nodes import Node, child, children, literal
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.syntax.assignments import assignments
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.variables import changes_what_runs
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expanding import expanded
from ringfence.core.shell.words.expressions import operand


def read_declaration(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    variant = literal(child(node, "Variant"))
    odd = variant in {"readonly", "nameref"}
    words = [Word(text=variant, raw=variant)]
    made: list[tuple[str, Value]] = []
    doubts: list[Doubt] = []
    exports = variant == "export"
    for argument in children(node, "Args"):
        name = literal(child(argument, "Name"))
        if not name:
            for word in expanded(walk, child(argument, "Value"), scope, around):
                words.append(word)
                operand(walk, word.text, scope, around)
                if not word.is_known:
                    doubts.append(MADE_NAME)
                    scope.forget(scope.variables)
                elif word.text.startswith(("-", "+")):
                    odd = odd or any(letter in word.text for letter in "iluncr")
                    exports = exports or "x" in word.text
                else:
                    scope.forget([word.text.partition("=")[0]])
            continue
        if scope.has_local is not None and variant in {"local", "declare", "typeset"}:
            scope.has_local.setdefault(name, scope.variables.get(name))
        is_given = bool(child(argument, "Value") or child(argument, "Array"))
        before = scope.variables.get(name)
        given = assignments(walk, [argument], scope, around, is_kept=True) if is_given else ()
        made += given
        if odd:
            scope.odd.add(name)
            if variant == "readonly" and name not in scope.lists and given:
                scope.variables[name] = given[0][1]
            else:
                scope.forget([name])
        elif (not is_given and variant not in {"export", "readonly"}) or (not is_given and before is None):
            scope.forget([name])
        if exports:
            scope.exported.add(name)
    doubts += [
        decides(name)
        for name, value in made
        if changes_what_runs(name, value) or (odd and value.is_known and changes_what_runs(value.text, UNKNOWN))
    ][:1]
    walk.emit(Line(words=tuple(words), assignments=tuple(made), raw=walk.raw(node), doubts=tuple(doubts)), scope, around)
