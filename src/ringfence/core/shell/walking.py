"""The walk over a text. Read this file first, then `syntax/` for what a node does, `running.py` for what a command does.

A text is parsed to statements. A statement is a simple command or a compound of statements; the table at the end says which
file reads which. What is walked leaves commands and doubts in the `Walk`, and what is known afterwards in the `Scope`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ringfence.core.model.local import Undecided
from ringfence.core.shell.nodes import Node, child, children, flag, kind
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.running import run
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.syntax.branches import read_case, read_if
from ringfence.core.shell.syntax.conditions import read_condition
from ringfence.core.shell.syntax.coprocesses import read_coprocess
from ringfence.core.shell.syntax.declarations import read_declaration
from ringfence.core.shell.syntax.functions import define
from ringfence.core.shell.syntax.lists import read_list
from ringfence.core.shell.syntax.loops import read_for, read_while
from ringfence.core.shell.syntax.redirections import redirected, takes_output
from ringfence.core.shell.syntax.simple import read_simple
from ringfence.core.shell.values import Value
from ringfence.core.shell.walk import MOST_TEXT, Walk
from ringfence.core.shell.words.expanding import value
from ringfence.core.shell.words.expressions import arithmetic
from ringfence.core.shell.words.substitutions import visit

_MOST_AGAIN: Final = 1
"""Times that a text may stand within itself."""
Reader: TypeAlias = Callable[[Walk, Node, Scope, Around], str | None]


@dataclass(slots=True, kw_only=True)
class Walker(Walk):
    def walk_text(self, text: str, scope: Scope, around: Around) -> str | None:
        if not text.strip():
            return ""
        if len(text) > MOST_TEXT:
            self.doubt(Undecided.LENGTH, f"a text of {len(text)} characters is not read")
            return None
        tree = self.parsed(text)
        if tree is None:
            return None
        if isinstance(tree, str):
            self.doubt(Undecided.PARSE, tree)
            self.draw(f"not shell: {tree}")
            scope.forget_all()
            return None
        if self.texts.count(text) > _MOST_AGAIN:
            self.doubt(Undecided.DEPTH, "a text runs itself")
            return None
        with self.deeper() as is_read:
            if not is_read:
                return None
            before, self.source = self.source, text.encode("utf-8", "surrogatepass")
            self.texts.append(text)
            if around.via:
                self.draw(f"[{around.via[-1]}]")
            said = self.statements(children(tree, "Stmts"), scope, around)
            self.source = before
            self.texts.pop()
            return said

    def statements(self, nodes: Sequence[Node], scope: Scope, around: Around) -> str | None:
        said: str | None = ""
        for node in nodes:
            scope.settle()
            got = self.statement(node, scope, around)
            said = None if said is None or got is None else said + got
        return said

    def statement(self, node: Node, scope: Scope, around: Around) -> str | None:
        if not self.step():
            return None
        with self.deeper() as is_read:
            if not is_read:
                return None
            if flag(node, "Background") or flag(node, "Coprocess"):
                scope.settle()
                scope = scope.copy()
            said = self._command(node, scope, around)
            if flag(node, "Negated"):
                scope.places, scope.failed = scope.after_failure, scope.places if scope.failed else ()
            return said

    def run(self, line: Line, scope: Scope, around: Around, *, is_plain: bool = False) -> str | None:
        if not self.step():
            return None
        with self.deeper() as is_read:
            return run(self, line, scope, around, is_plain=is_plain) if is_read else None

    def value(self, node: Node, scope: Scope, around: Around) -> Value:
        return value(self, node, scope, around)

    def _command(self, node: Node, scope: Scope, around: Around) -> str | None:
        command = child(node, "Cmd")
        redirections = children(node, "Redirs")
        if kind(command) == "CallExpr" or not command:
            return read_simple(self, node, scope, around)
        reader = _COMPOUNDS.get(kind(command), _unread)
        if not redirections:
            return reader(self, command, scope, around)
        with redirected(self, redirections, scope, around) as files:
            if files:
                self.emit(Line(words=(), redirections=files, raw=self.raw(node)[-200:]), scope, around)
            said = reader(self, command, scope, around)
            self.files.keep(files, said, scope)
            return "" if takes_output(redirections) else said


def _block(walk: Walk, node: Node, scope: Scope, around: Around) -> str | None:
    return walk.statements(children(node, "Stmts"), scope, around)


def _subshell(walk: Walk, node: Node, scope: Scope, around: Around) -> str | None:
    scope.settle()
    return walk.statements(children(node, "Stmts"), scope.copy(), around.within("( )"))


def _time(walk: Walk, node: Node, scope: Scope, around: Around) -> str | None:
    return walk.statement(child(node, "Stmt"), scope, around) if child(node, "Stmt") else ""


def _let(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    for expression in children(node, "Exprs"):
        arithmetic(walk, expression, scope, around)


def _expression(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    arithmetic(walk, child(node, "X"), scope, around)


def _unread(walk: Walk, node: Node, scope: Scope, around: Around) -> None:
    walk.doubt(Undecided.PARSE, f"a part of the text is not read: {kind(node) or 'nothing'}")
    visit(walk, node, scope, around)


_COMPOUNDS: Final[Mapping[str, Reader]] = {
    "BinaryCmd": read_list,
    "Block": _block,
    "Subshell": _subshell,
    "IfClause": read_if,
    "CaseClause": read_case,
    "WhileClause": read_while,
    "ForClause": read_for,
    "FuncDecl": define,
    "DeclClause": read_declaration,
    "LetClause": _let,
    "ArithmCmd": _expression,
    "TestClause": read_condition,
    "TimeClause": _time,
    "CoprocClause": read_coprocess,
}
