"""Words as the shell makes them: braces, tildes, variables, substitutions, splitting, in bash's order."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.arithmetic import worked_out
from ringfence.core.shell.braces import Part, Text, Token, braced
from ringfence.core.shell.command import Word
from ringfence.core.shell.names import assigned
from ringfence.core.shell.nodes import Node, below, child, children, flag, kind, literal, span, text
from ringfence.core.shell.recording import Around, Recorder
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.tokens import document_tokens, quoted_tokens, tokens
from ringfence.core.shell.values import EMPTY, MANY, NUMBER, UNKNOWN, Bit, Value, bit_of, value_of, word_of

_NUMBERS: Final = frozenset(
    {"#", "?", "$", "!", "RANDOM", "UID", "EUID", "PPID", "SECONDS", "LINENO", "EPOCHSECONDS", "BASHPID", "SHLVL"}
)
_BLANKS: Final = " \t\n"
_TILDE: Final = re.compile(r"~([^/:]*)")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_WORD: Final = re.compile(r"0[xX][0-9a-fA-F]+|\d+#\w+|\b\d\w*")
_SUBSTITUTES: Final = re.compile(r"\$\(|`")


@dataclass(slots=True)
class Words(Recorder):
    """Expansion of words. Commands in substitutions are walked where they stand."""

    source: bytes = b""
    is_fed: bool = False
    """A file was read that this run wrote, and that may hold more than numbers."""

    @abstractmethod
    def substituted(self, node: Node, scope: Scope, around: Around) -> Value:
        """Walk a command or process substitution; what it comes to."""

    @abstractmethod
    def evaluated(self, text: str, scope: Scope, around: Around) -> None:
        """Walk what is run where a known text is worked out as an expression, or as a prompt."""

    def raw(self, node: Node) -> str:
        first, last = span(node)
        return self.source[first:last].decode("utf-8", "replace")

    def words(self, nodes: Sequence[Node], scope: Scope, around: Around) -> tuple[Word, ...]:
        made: list[Word] = []
        for node in nodes:
            if self.step():
                made += self.expanded(node, scope, around)
        return tuple(made)

    def expanded(self, node: Node, scope: Scope, around: Around) -> list[Word]:
        """Every word that one word becomes: none, one or many."""
        raw = self.raw(node)
        found = tokens(node)
        every = None if found is None else braced(found)
        if every is None:
            self.visit(node, scope, around)
            return [Word(text="?", raw=raw, is_known=False, may_split=True)]
        made: list[Word] = []
        for one in every:
            made += [word_of(bits, raw) for bits in self._fields(self._tilde(one, scope), scope, around)]
        return made

    def value(self, node: Node, scope: Scope, around: Around) -> Value:
        """Of an assignment, a redirection to one file, a pattern: not split, and no paths looked for."""
        found = tokens(node)
        if found is None:
            self.visit(node, scope, around)
            return UNKNOWN
        return self._joined(self._tilde(found, scope, in_assignment=True), scope, around)

    def document(self, node: Node, scope: Scope, around: Around, *, is_expanded: bool) -> Value:
        """The text of a here-document."""
        if not is_expanded:
            return Value("".join(literal(part) for part in children(node, "Parts")))
        return self._joined(document_tokens(node), scope, around)

    def visit(self, node: Node, scope: Scope, around: Around) -> None:
        """Walk all substitutions of a tree that has no words of its own."""
        waiting: list[Node] = [node]
        while waiting:
            one = waiting.pop()
            if kind(one) in {"CmdSubst", "ProcSubst"}:
                self.substituted(one, scope, around)
                continue
            if kind(one) == "ParamExp" or kind(one) == "ArithmExp":
                self._names_of(one, scope)
            for inner in one.values():
                if isinstance(inner, dict):
                    waiting.append(inner)
                elif isinstance(inner, list):
                    waiting += [each for each in inner if isinstance(each, dict)]

    def arithmetic(self, node: Node, scope: Scope, around: Around) -> Value:
        """An expression. bash works out what its variables and operands hold once more."""
        if not node:
            return NUMBER
        number = worked_out(node)
        if number is not None:
            return Value(str(number))
        self.operand(self.raw(node), scope, around)
        for one in below(node):
            if kind(one) == "Word":
                value = self.value(one, scope, around)
                if value.is_known:
                    self.operand(value.text, scope, around)
        if self.is_fed and self._is_unsure(node, scope):
            self.doubt(Undecided.EVAL, "a number is worked out of what a file of this run holds, which may run a command")
        for held in dict.fromkeys([*(value.text for value in scope.variables.values()), *self.indexed]):
            self.operand(held, scope, around)
        self._names_of(node, scope)
        return NUMBER

    def _is_unsure(self, node: Node, scope: Scope) -> bool:
        """Whether an expression has something in it that is known only when it runs."""
        bare = _WORD.sub(" ", self.raw(node))
        names = {name for name in _NAME.findall(bare) if name not in _NUMBERS}
        return "`" in bare or "$(" in bare or any(not scope.variables.get(name, UNKNOWN).is_known for name in names)

    def operand(self, known: str, scope: Scope, around: Around) -> None:
        """A text that is worked out as an expression: an index in it is expanded."""
        if "[" in known and _SUBSTITUTES.search(known):
            self.doubt(Undecided.EVAL, "an index with a command in it is worked out")
            self.evaluated(known, scope, around)

    def _names_of(self, node: Node, scope: Scope) -> None:
        names = assigned(node)
        if names is None:
            scope.forget_all()
        else:
            scope.forget(names)

    def _joined(self, found: Sequence[Token], scope: Scope, around: Around) -> Value:
        bits: list[Bit] = []
        for token in found:
            if isinstance(token, Text):
                bits.append(Bit(token.text))
            else:
                many = self._part(token, scope, around)
                joined = many if isinstance(many, Value) else _together(many)
                bits.append(bit_of(joined, is_quoted=token.is_quoted))
        return value_of(bits)

    def _tilde(self, found: list[Token], scope: Scope, *, in_assignment: bool = False) -> list[Token]:
        del in_assignment
        first = found[0] if found else None
        if not isinstance(first, Text) or first.is_quoted or not first.text.startswith("~"):
            return found
        match = _TILDE.match(first.text)
        rest = first.text[match.end() :] if match else ""
        name = match[1] if match else ""
        if not rest and len(found) > 1:
            second = found[1]
            # A quote or an expansion before the first slash makes the tilde a character.
            if not isinstance(second, Text) or second.is_quoted:
                return [Text(first.text, True), *found[1:]]
        if name == "":
            home = scope.variables.get("HOME", Value(self.home) if self.home else UNKNOWN)
        elif name == "+":
            home = UNKNOWN if scope.place is None else Value(scope.place)
        else:
            home = Value(f"~{name}", is_known=False, is_one=True)
        if not home.is_known:
            return [Part({"Type": "Unknown", "Value": home.text}, True), Text(rest, False), *found[1:]]
        return [Text(home.text, True), Text(rest, False), *found[1:]]

    def _fields(self, found: Sequence[Token], scope: Scope, around: Around) -> list[list[Bit]]:
        fields: list[list[Bit]] = []
        current: list[Bit] = []
        for token in found:
            if isinstance(token, Text):
                if token.text or token.is_quoted:
                    current.append(Bit(token.text, is_quoted=token.is_quoted))
                continue
            got = self._part(token, scope, around)
            many = (got,) if isinstance(got, Value) else got
            for number, value in enumerate(many):
                if number and current:
                    fields.append(current)
                    current = []
                if token.is_quoted or not value.is_known or value.is_pattern:
                    current.append(bit_of(value, is_quoted=token.is_quoted))
                    continue
                pieces = _split(value.text, scope.variables.get("IFS"))
                if pieces is None:
                    current.append(Bit("?", is_quoted=False, is_known=False, may_split=True))
                    continue
                for place, piece in enumerate(pieces):
                    if place and current:
                        fields.append(current)
                        current = []
                    if piece:
                        current.append(Bit(piece, is_quoted=False))
            if not many and token.is_quoted and _only_this(found, token):
                # "$@" without arguments is no word at all.
                return []
        if current:
            fields.append(current)
        return fields

    def _part(self, token: Part, scope: Scope, around: Around) -> Value | tuple[Value, ...]:
        node = token.node
        with self.deeper() as is_read:
            if not is_read:
                return UNKNOWN
            match kind(node):
                case "CmdSubst" | "ProcSubst":
                    return self.substituted(node, scope, around)
                case "ParamExp":
                    return self.parameter(node, scope, around, is_quoted=token.is_quoted)
                case "ArithmExp":
                    return self.arithmetic(child(node, "X"), scope, around)
                case "DblQuoted":
                    return self._joined(quoted_tokens(node), scope, around)
                case "ExtGlob":
                    # It may fit names that begin with a dot, as no star does.
                    return UNKNOWN
                case "Unknown":
                    return Value(literal(node), is_known=False, is_one=True)
                case _:
                    self.doubt(Undecided.PARSE, f"a part of a word is not read: {kind(node)}")
                    self.visit(node, scope, around)
                    return UNKNOWN

    def parameter(self, node: Node, scope: Scope, around: Around, *, is_quoted: bool) -> Value | tuple[Value, ...]:
        """`$x` and `${x...}`."""
        name = literal(child(node, "Param"))
        index = child(node, "Index")
        if child(node, "NestedParam") or child(node, "Flags"):
            self.visit(node, scope, around)
            return UNKNOWN
        star = text(index, "Type") == "Word" and self.raw(index).strip() in {"@", "*"}
        if index and not star:
            self.arithmetic(index, scope, around)
        changes = [child(node, one) for one in ("Slice", "Repl", "Exp")]
        if flag(node, "Excl") or text(node, "Names"):
            inner = self._indirect(name, node, scope, around)
            return inner if inner.is_known else MANY
        if flag(node, "Length"):
            return NUMBER
        got = self._plain(name, scope, is_all=star)
        if index and not star:
            got = self._element(name, index, scope)
        if any(changes):
            got = self._changed(name, got, node, scope, around, is_quoted=is_quoted)
        is_all = star or name == "@"
        return MANY if is_all and isinstance(got, Value) and not got.is_known else got

    def _changed(
        self, name: str, got: Value | tuple[Value, ...], node: Node, scope: Scope, around: Around, *, is_quoted: bool
    ) -> Value | tuple[Value, ...]:
        cut = child(node, "Slice")
        if cut:
            self.arithmetic(child(cut, "Offset"), scope, around)
            self.arithmetic(child(cut, "Length"), scope, around)
            return self._cut(got, cut)
        change = child(node, "Exp")
        operator, word = text(change, "Op"), child(change, "Word")
        if operator == "@P" or (operator == "@" and self.raw(word) == "P"):
            self.doubt(Undecided.EVAL, "a variable is expanded as a prompt")
            if isinstance(got, Value) and got.is_known:
                self.evaluated(got.text, scope, around)
            return UNKNOWN
        if operator in {"-", ":-", "+", ":+", "=", ":=", "?", ":?"}:
            other = self._alternative(word, scope, around, is_quoted=is_quoted)
            return self._chosen(name, got, operator, other, scope)
        self.visit(node, scope, around)
        if isinstance(got, Value) and got.is_known and not got.is_pattern:
            return _trimmed(got.text, operator, self.value(word, scope, around)) if word else UNKNOWN
        return UNKNOWN

    def _alternative(self, word: Node, scope: Scope, around: Around, *, is_quoted: bool) -> Value:
        del is_quoted
        return self.value(word, scope, around) if word else EMPTY

    def _chosen(
        self, name: str, got: Value | tuple[Value, ...], operator: str, other: Value, scope: Scope
    ) -> Value | tuple[Value, ...]:
        known = isinstance(got, Value) and got.is_known
        empty = isinstance(got, Value) and got.is_known and not got.text
        if operator.endswith(("=", "?")) and operator[-1] == "=":
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

    def _cut(self, got: Value | tuple[Value, ...], cut: Node) -> Value | tuple[Value, ...]:
        offset = worked_out(child(cut, "Offset"))
        length = worked_out(child(cut, "Length")) if child(cut, "Length") else None
        if not isinstance(got, Value) or not got.is_known or got.is_pattern or offset is None or offset < 0:
            return UNKNOWN
        if child(cut, "Length") and (length is None or length < 0):
            return UNKNOWN
        return Value(got.text[offset:] if length is None else got.text[offset : offset + length])

    def _indirect(self, name: str, node: Node, scope: Scope, around: Around) -> Value:
        self.visit({key: one for key, one in node.items() if key not in {"Type"}}, scope, around)
        value = self._plain(name, scope, is_all=False)
        if isinstance(value, Value) and value.is_known:
            self.operand(value.text, scope, around)
            if _NAME.fullmatch(value.text) and not any(child(node, one) for one in ("Slice", "Repl", "Exp", "Index")):
                inner = self._plain(value.text, scope, is_all=False)
                return inner if isinstance(inner, Value) and not text(node, "Names") else UNKNOWN
        return UNKNOWN

    def _plain(self, name: str, scope: Scope, *, is_all: bool) -> Value | tuple[Value, ...]:
        if is_all:
            values = scope.lists.get(name)
            if values is not None:
                return values
            return scope.variables.get(name, UNKNOWN) if name not in scope.lists else UNKNOWN
        if name in {"@", "*"}:
            return UNKNOWN if scope.arguments is None else scope.arguments
        if name in _NUMBERS:
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
            return Value(self.home) if self.home else UNKNOWN
        if name == "IFS" and "IFS" not in scope.variables:
            return Value(_BLANKS)
        values = scope.lists.get(name)
        if values:
            return values[0]
        return scope.variables.get(name, UNKNOWN)

    def _element(self, name: str, index: Node, scope: Scope) -> Value:
        number, values = worked_out(index), scope.lists.get(name)
        if number is None or values is None or not 0 <= number < len(values):
            return UNKNOWN
        return values[number]


def _together(values: tuple[Value, ...]) -> Value:
    return Value(" ".join(one.text for one in values), is_known=all(one.is_known for one in values))


def _only_this(found: Sequence[Token], token: Part) -> bool:
    return all(one is token or (isinstance(one, Text) and not one.text) for one in found)


def _split(known: str, separators: Value | None) -> list[str] | None:
    """Pieces of an unquoted expansion; None: what separates words is not known. An empty first or last piece is a boundary."""
    if separators is None:
        blanks = _BLANKS
    elif not separators.is_known:
        return None
    else:
        blanks = separators.text
    if not blanks:
        return [known]
    # Several separators that are no blanks make empty words: what they part is not worked out here.
    if any(one not in _BLANKS for one in blanks) and re.search("[" + re.escape(blanks) + "]{2}", known):
        return None
    return re.split("[" + re.escape(blanks) + "]+", known)


def _trimmed(known: str, operator: str, pattern: Value) -> Value:
    """`${x#y}` and `${x%y}`, where `y` is no pattern."""
    if not pattern.is_known or re.search(r"[*?\[\\(]", pattern.text):
        return UNKNOWN
    if operator in {"#", "##"}:
        return Value(known.removeprefix(pattern.text))
    if operator in {"%", "%%"}:
        return Value(known.removesuffix(pattern.text))
    return UNKNOWN
