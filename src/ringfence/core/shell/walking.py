"""The walk over a syntax tree: lists, pipes, branches, loops, functions, redirections."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Direction, Redirection, Word
from ringfence.core.shell.names import assigned
from ringfence.core.shell.nodes import Node, below, child, children, flag, kind, literal, plain, text
from ringfence.core.shell.places import PIPE, is_nowhere
from ringfence.core.shell.programs import Programs
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Function, Scope, joined, merged
from ringfence.core.shell.tokens import is_literal
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.variables import changes_what_runs

MOST_TEXT: Final = 100_000
_MOST_FED: Final = 6
_MOST_ITEMS: Final = (48, 8)
"""Items of a loop that are read one by one, by how deep loops are nested."""
_MOST_AGAIN: Final = 1
_SIGNS: Final = {">": Direction.WRITE, ">|": Direction.WRITE, ">>": Direction.APPEND, "<": Direction.READ, "<>": Direction.BOTH}
_BOTH_SIGNS: Final = {"&>": Direction.WRITE, "&>>": Direction.APPEND}
_TESTS_PATHS: Final = frozenset({"-v", "-R"})
_MOVES: Final = frozenset({"cd", "pushd", "popd"})
_NUMBERS: Final = frozenset({"-eq", "-ne", "-lt", "-gt", "-le", "-ge"})


@dataclass(slots=True)
class Walker(Programs):
    loops: int = 0
    walking: list[str] = field(default_factory=list[str])
    """Texts that are being walked, each within the one before."""
    defined: list[tuple[Function, str, Scope, Around]] = field(default_factory=list["tuple[Function, str, Scope, Around]"])

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
        if self.walking.count(text) > _MOST_AGAIN:
            self.doubt(Undecided.DEPTH, "a text runs itself")
            return None
        with self.deeper() as is_read:
            if not is_read:
                return None
            before, self.source = self.source, text.encode("utf-8", "surrogatepass")
            self.walking.append(text)
            if around.via:
                self.draw(f"[{around.via[-1]}]")
            made = self.statements(children(tree, "Stmts"), scope, around)
            self.source = before
            self.walking.pop()
            return made

    def walk_body(self, function: Function, scope: Scope, around: Around) -> None:
        before, self.source = self.source, function.source
        self.draw(f"[{around.via[-1]}]")
        self.statement(function.body, scope, around)
        self.source = before

    def leftovers(self) -> None:
        """Functions that nobody called here: they may be called by what is not read."""
        number = 0
        while number < len(self.defined) and not self.is_full:
            function, name, scope, around = self.defined[number]
            number += 1
            if id(function.body) not in self.called:
                self.called[id(function.body)] = 1
                later = scope.copy()
                later.variables, later.lists, later.arguments = {"IFS": UNKNOWN} if "IFS" in scope.variables else {}, {}, None
                later.has_local = {}
                self.walk_body(function, later, around.within(f"{name}()"))

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
            got = self._command(node, scope, around)
            if flag(node, "Negated"):
                scope.places, scope.failed = scope.after_failure, scope.places if scope.failed else ()
            return got

    def _command(self, node: Node, scope: Scope, around: Around) -> str | None:
        command = child(node, "Cmd")
        redirections = children(node, "Redirs")
        if kind(command) == "CallExpr" or not command:
            return self._simple(command, node, redirections, scope, around)
        if not redirections:
            return self._compound(command, scope, around)
        with self._redirected(redirections, scope, around) as files:
            if files:
                self.emit(Line(words=(), redirections=files, raw=self.raw(node)[-200:]), scope, around)
            said = self._compound(command, scope, around)
            self.keep(files, said, scope)
            return "" if _takes_output(redirections) else said

    @contextmanager
    def _redirected(self, nodes: Sequence[Node], scope: Scope, around: Around) -> Generator[tuple[Redirection, ...]]:
        """The files that redirections name. Within, standard input is what they say."""
        before = scope.stdin, scope.is_piped, scope.fed_by
        stdin, is_piped = before[:2]
        files: list[Redirection] = []
        for node in nodes:
            operator = text(node, "Op")
            if operator in {"<<", "<<-"}:
                value = self.document(child(node, "Hdoc"), scope, around, is_expanded=is_literal(child(node, "Word")))
                body = (
                    value.text
                    if operator == "<<"
                    else "".join(line.lstrip("\t") for line in value.text.splitlines(keepends=True))
                )
                stdin, is_piped = body if value.is_known else None, True
            elif operator == "<<<":
                value = self.value(child(node, "Word"), scope, around)
                stdin, is_piped = f"{value.text}\n" if value.is_known else None, True
            else:
                found = self._target(node, operator, scope, around)
                if found is not None:
                    files.append(found)
                    if found.direction in {Direction.READ, Direction.BOTH} and literal(child(node, "N")) in {"", "0"}:
                        stdin, is_piped = None, False
                elif operator in {"<", "<&"}:
                    stdin, is_piped = None, plain(child(node, "Word")) != "/dev/null"
        scope.stdin, scope.is_piped = stdin, is_piped
        if (stdin, is_piped) != before[:2] or any(text(node, "Op").startswith("<") for node in nodes):
            scope.fed_by = ()
        try:
            yield tuple(files)
        finally:
            scope.stdin, scope.is_piped, scope.fed_by = before

    def _target(self, node: Node, operator: str, scope: Scope, around: Around) -> Redirection | None:
        words = self.expanded(child(node, "Word"), scope, around)
        target = words[0] if len(words) == 1 else Word(text="?", raw=self.raw(child(node, "Word")), is_known=False)
        direction = _SIGNS.get(operator) or _BOTH_SIGNS.get(operator)
        if operator in {">&", "<&"}:
            if target.is_known and (target.text in {"-", ""} or target.text.rstrip("-").isdigit()):
                return None
            direction = Direction.WRITE if operator == ">&" else Direction.READ
        if direction is None:
            self.doubt(Undecided.PARSE, f"a redirection is not read: {operator}")
            return None
        if target.is_known and target.text.startswith(("/dev/tcp/", "/dev/udp/")):
            self.doubt(Undecided.UNKNOWN, "a redirection connects to another machine")
        return None if is_nowhere(target) else Redirection(direction=direction, target=target)

    def _simple(self, call: Node, node: Node, redirections: Sequence[Node], scope: Scope, around: Around) -> str | None:
        words = self.words(children(call, "Args"), scope, around)
        with self._redirected(redirections, scope, around) as files:
            assignments = self._assignments(children(call, "Assigns"), scope, around, is_kept=not words)
            line = Line(words=words, assignments=assignments, redirections=files, raw=self.raw(node))
            if words:
                said = self.run(line, scope, around)
            else:
                # Of `$(<file)` nobody knows what it comes to.
                said = None if any(one.direction is Direction.READ for one in files) else ""
                if files or assignments:
                    odd = [name for name, value in assignments if changes_what_runs(name, value)]
                    doubts = (Doubt(Undecided.WORD, f"{odd[0]} decides what is run"),) if odd else ()
                    self.emit(replace(line, doubts=doubts), scope, around)
            self.keep(files, said, scope)
            return "" if _takes_output(redirections) else said

    def _assignments(
        self, nodes: Sequence[Node], scope: Scope, around: Around, *, is_kept: bool
    ) -> tuple[tuple[str, Value], ...]:
        made: list[tuple[str, Value]] = []
        if not is_kept and len(nodes) > 1:
            # Each sees those before it, and the shell keeps none of them.
            scope, is_kept = scope.copy(), True
        for node in nodes:
            name = literal(child(node, "Name"))
            index, array = child(node, "Index"), child(node, "Array")
            if index:
                self.arithmetic(index, scope, around)
            if array:
                values = self._array(array, scope, around)
                if is_kept:
                    scope.assign_list(name, None if index or flag(node, "Append") else values)
                made.append((name, UNKNOWN))
                continue
            value = self.value(child(node, "Value"), scope, around) if child(node, "Value") else Value("")
            if flag(node, "Append"):
                before = scope.variables.get(name, UNKNOWN)
                value = Value(
                    before.text + value.text,
                    is_known=before.is_known and value.is_known,
                    is_pattern=before.is_pattern or value.is_pattern,
                )
            made.append((name, value))
            self.remember(value)
            if is_kept:
                if index:
                    scope.assign_list(name, None)
                else:
                    scope.assign(name, value)
        return tuple(made)

    def _array(self, array: Node, scope: Scope, around: Around) -> tuple[Value, ...] | None:
        values: list[Value] = []
        is_known = True
        for element in children(array, "Elems"):
            if child(element, "Index"):
                self.arithmetic(child(element, "Index"), scope, around)
                is_known = False
            for word in self.expanded(child(element, "Value"), scope, around):
                is_known = is_known and not word.may_split
                values.append(Value(word.text, is_known=word.is_known, is_pattern=word.is_pattern))
        return tuple(values) if is_known else None

    def _compound(self, node: Node, scope: Scope, around: Around) -> str | None:
        match kind(node):
            case "BinaryCmd":
                return self._binary(node, scope, around)
            case "Block":
                return self.statements(children(node, "Stmts"), scope, around)
            case "Subshell":
                scope.settle()
                return self.statements(children(node, "Stmts"), scope.copy(), around.within("( )"))
            case "IfClause":
                self._if(node, scope, around)
            case "WhileClause":
                self._loop(node, scope, around, lambda inner: self._while(node, inner, around))
            case "ForClause":
                self._for(node, scope, around)
            case "CaseClause":
                self._case(node, scope, around)
            case "FuncDecl":
                self._define(node, scope, around)
            case "DeclClause":
                self._declare(node, scope, around)
            case "LetClause":
                for expression in children(node, "Exprs"):
                    self.arithmetic(expression, scope, around)
            case "ArithmCmd":
                self.arithmetic(child(node, "X"), scope, around)
            case "TestClause":
                self._test(child(node, "X"), scope, around)
            case "TimeClause":
                return self.statement(child(node, "Stmt"), scope, around) if child(node, "Stmt") else ""
            case "CoprocClause":
                inner = scope.copy()
                inner.stdin, inner.is_piped = None, True
                simple = child(child(node, "Stmt"), "Cmd")
                first = next(iter(children(next(iter(children(simple, "Args")), {}), "Parts")), {})
                is_odd = child(node, "Name") or children(simple, "Assigns") or "=" in str(first.get("Value", ""))
                if kind(simple) == "CallExpr" and is_odd:
                    # bash names compound commands alone, and shfmt takes `if=x` of `coproc dd if=x` for an assignment, and
                    # `A=x` of `coproc A=x y` for the command.
                    self.doubt(Undecided.PARSE, "a coprocess is read otherwise by the shell")
                self.statement(child(node, "Stmt"), inner, around.within("coproc"))
                scope.forget([plain(child(node, "Name")) or "COPROC"])
            case other:
                self.doubt(Undecided.PARSE, f"a part of the text is not read: {other or 'nothing'}")
                self.visit(node, scope, around)
        return None

    def _binary(self, node: Node, scope: Scope, around: Around) -> str | None:
        """`&&`, `||` and pipes. Chains lean to the left in the tree, and may be long."""
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
            return self._pipe([left, *(one for _, one in right)], [one for one, _ in right], scope, around)
        said = self.statement(left, scope, around)
        for operator, statement in right:
            branch = scope.copy()
            branch.places, branch.failed = scope.places if operator == "&&" else scope.after_failure, ()
            self.statement(statement, branch, around)
            said = None
            succeeded, failed = branch.places, branch.after_failure
            if operator == "&&":
                failed = joined(scope.after_failure, failed)
            else:
                succeeded = joined(scope.places, succeeded)
            scope.take(merged([scope.copy(), branch]))
            scope.places, scope.failed = succeeded, failed if failed != succeeded else ()
        return said

    def _pipe(self, nodes: Sequence[Node], operators: Sequence[str], scope: Scope, around: Around) -> str | None:
        scope.settle()
        said: str | None = None
        fed_by: tuple[tuple[Word, ...], ...] = ()
        for number, node in enumerate(nodes):
            inner = scope.copy()
            if number:
                inner.stdin = said if operators[number - 1] == "|" else None
                inner.is_piped = True
                inner.fed_by = fed_by
            before = len(self.commands)
            said = self.statement(node, inner, around)
            new = list(itertools.islice(self.commands, before, before + 2))
            # A function, or a command that was read before, is more than what is new.
            is_simple = len(new) == 1 and kind(child(node, "Cmd")) == "CallExpr" and new[0].raw == self.raw(child(node, "Cmd"))
            is_simple = is_simple and not new[0].redirections and not new[0].doubts and new[0].via == around.via
            fed_by = (new[0].words, *fed_by)[:_MOST_FED] if is_simple and new[0].words else ()
        return said

    def _if(self, node: Node, scope: Scope, around: Around) -> None:
        with self.deeper() as is_read:
            if not is_read:
                return
            self.statements(children(node, "Cond"), scope, around)
            met, missed = scope.copy(), scope.copy()
            met.failed = ()
            missed.places, missed.failed = scope.after_failure, ()
            self.statements(children(node, "Then"), met, around)
            otherwise = child(node, "Else")
            if children(otherwise, "Cond"):
                self._if(otherwise, missed, around)
            else:
                self.statements(children(otherwise, "Then"), missed, around)
            met.settle()
            missed.settle()
            scope.take(merged([met, missed]))

    def _case(self, node: Node, scope: Scope, around: Around) -> None:
        self.value(child(node, "Word"), scope, around)
        branches = [scope.copy()]
        for item in children(node, "Items"):
            for pattern in children(item, "Patterns"):
                self.value(pattern, scope, around)
            # `;&` and `;;&` go on with the next branch.
            branch = merged([scope.copy(), branches[-1].copy()]) if len(branches) > 1 else scope.copy()
            self.statements(children(item, "Stmts"), branch, around)
            branch.settle()
            branches.append(branch)
        scope.take(merged(branches))

    def _while(self, node: Node, scope: Scope, around: Around) -> None:
        self.statements(children(node, "Cond"), scope, around)
        scope.settle()
        self.statements(children(node, "Do"), scope, around)

    def _for(self, node: Node, scope: Scope, around: Around) -> None:
        loop = child(node, "Loop")
        if kind(loop) != "WordIter":
            for part in ("Init", "Cond", "Post"):
                self.arithmetic(child(loop, part), scope, around)
            self._loop(node, scope, around, lambda inner: self.statements(children(node, "Do"), inner, around))
            return
        name = literal(child(loop, "Name"))
        if changes_what_runs(name, UNKNOWN):
            self.doubt(Undecided.WORD, f"{name} decides what is run")
        items = self.words(children(loop, "Items"), scope, around)
        values = [Value(word.text, is_known=word.is_known, is_pattern=word.is_pattern, is_one=word.is_known) for word in items]
        most = _MOST_ITEMS[self.loops] if self.loops < len(_MOST_ITEMS) else 1
        if not values or len(values) > most or flag(node, "Select"):
            values = [UNKNOWN]
        for value in dict.fromkeys(values):
            self._loop(node, scope, around, lambda inner, value=value: self._round(node, name, value, inner, around))
        scope.forget([name])

    def _round(self, node: Node, name: str, value: Value, scope: Scope, around: Around) -> None:
        self.remember(value)
        scope.assign(name, value)
        self.statements(children(node, "Do"), scope, around)

    def _loop(self, node: Node, scope: Scope, around: Around, body: Callable[[Scope], object]) -> None:
        """A body that may be run any number of times, begun with what any of them may have left."""
        scope.settle()
        names = assigned(node)
        if names is None:
            scope.forget_all()
        else:
            scope.forget(names)
        if _changes_arguments(node):
            scope.arguments = None
        self.loops += 1
        begun = scope.places
        inner = scope
        for _ in range(3):
            inner = scope.copy()
            inner.places = begun
            body(inner)
            inner.settle()
            ended = joined(begun, inner.places)
            if ended == begun:
                break
            begun = ended if begun == scope.places else (None,)
        self.loops -= 1
        scope.places = joined(scope.places, begun)
        scope.functions = merged([scope.copy(), inner]).functions

    def _define(self, node: Node, scope: Scope, around: Around) -> None:
        name = literal(child(node, "Name"))
        function = Function(child(node, "Body"), self.source)
        scope.functions[name] = function
        self.defined.append((function, name, scope.copy(), around))
        self.draw(f"{name}()")

    def _declare(self, node: Node, scope: Scope, around: Around) -> None:
        variant = literal(child(node, "Variant"))
        odd = variant in {"readonly", "nameref"}
        words = [Word(text=variant, raw=variant)]
        assignments: list[tuple[str, Value]] = []
        doubts: list[Doubt] = []
        exports = variant == "export"
        for argument in children(node, "Args"):
            name = literal(child(argument, "Name"))
            if not name:
                for word in self.expanded(child(argument, "Value"), scope, around):
                    words.append(word)
                    self.operand(word.text, scope, around)
                    if not word.is_known:
                        doubts.append(Doubt(Undecided.WORD, "the name of a variable is worked out at run time"))
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
            made = self._assignments([argument], scope, around, is_kept=True) if is_given else ()
            assignments += made
            if odd:
                scope.odd.add(name)
                if variant == "readonly" and name not in scope.lists and made:
                    scope.variables[name] = made[0][1]
                else:
                    scope.forget([name])
            elif (not is_given and variant not in {"export", "readonly"}) or (not is_given and before is None):
                scope.forget([name])
            if exports:
                scope.exported.add(name)
        doubts += [
            Doubt(Undecided.WORD, f"{name} decides what is run")
            for name, value in assignments
            if changes_what_runs(name, value) or (odd and value.is_known and changes_what_runs(value.text, UNKNOWN))
        ][:1]
        self.emit(
            Line(words=tuple(words), assignments=tuple(assignments), raw=self.raw(node), doubts=tuple(doubts)), scope, around
        )

    def _test(self, node: Node, scope: Scope, around: Around) -> None:
        with self.deeper() as is_read:
            if not is_read or not node:
                return
            match kind(node):
                case "ParenTest":
                    self._test(child(node, "X"), scope, around)
                case "BinaryTest" if text(node, "Op") in {"&&", "||"}:
                    self._test(child(node, "X"), scope, around)
                    self._test(child(node, "Y"), scope, around)
                case "UnaryTest" | "BinaryTest":
                    operator = text(node, "Op")
                    for side in (child(node, "X"), child(node, "Y")):
                        if kind(side) != "Word":
                            self._test(side, scope, around)
                        elif operator in _NUMBERS:
                            self.arithmetic(side, scope, around)
                        else:
                            value = self.value(side, scope, around)
                            if operator in _TESTS_PATHS:
                                self.operand(value.text, scope, around)
                case "Word":
                    self.value(node, scope, around)
                case _:
                    self.doubt(Undecided.PARSE, "a part of [[ ]] is not read")
                    self.visit(node, scope, around)

    def substituted(self, node: Node, scope: Scope, around: Around) -> Value:
        inner = scope.copy()
        inner.settle()
        if kind(node) == "ProcSubst":
            if text(node, "Op") == ">(":
                inner.stdin, inner.is_piped = None, True
            self.statements(children(node, "Stmts"), inner, around.within(f"{text(node, 'Op') or '<('} )"))
            return Value(PIPE)
        said = self.statements(children(node, "Stmts"), inner, around.within("$( )"))
        return UNKNOWN if said is None else Value(said.rstrip("\n"))

    def evaluated(self, text: str, scope: Scope, around: Around) -> None:
        quoted = text.replace('"', '\\"')
        self.walk_text(f': "{quoted}"', scope.copy(), around.within("an index"))


def _is_more(statement: Node) -> bool:
    """Whether a statement is more than its command, so that a chain cannot be read through it."""
    return bool(children(statement, "Redirs")) or flag(statement, "Negated") or flag(statement, "Background")


def _takes_output(redirections: Sequence[Node]) -> bool:
    return any(
        text(one, "Op") in {">", ">|", ">>", "&>", "&>>", ">&", "<>"} and literal(child(one, "N")) in {"", "1"}
        for one in redirections
    )


def _changes_arguments(node: Node) -> bool:
    return any(
        kind(one) == "CallExpr" and any(plain(word) in {"shift", "set"} for word in children(one, "Args")[:1])
        for one in below(node)
    )
