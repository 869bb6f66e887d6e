"""Words as the shell makes them: braces, tildes, variables, substitutions, splitting, in bash's order. Read this file first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.command import Word
from ringfence.core.shell.nodes import Node, child, children, kind, literal
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import UNKNOWN, Bit, Value, bit_of, value_of, word_of
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.braces import Part, Text, Token, braced
from ringfence.core.shell.words.expressions import arithmetic
from ringfence.core.shell.words.parameters import parameter
from ringfence.core.shell.words.splitting import split
from ringfence.core.shell.words.substitutions import substituted, visit
from ringfence.core.shell.words.tokens import document_tokens, quoted_tokens, tokens

_TILDE: Final = re.compile(r"~([^/:]*)")


def every_word(walk: Walk, nodes: Sequence[Node], scope: Scope, around: Around) -> tuple[Word, ...]:
    made: list[Word] = []
    for node in nodes:
        if walk.step():
            made += expanded(walk, node, scope, around)
    return tuple(made)


def expanded(walk: Walk, node: Node, scope: Scope, around: Around) -> list[Word]:
    """Every word that one word becomes: none, one or many."""
    raw = walk.raw(node)
    found = tokens(node)
    every = None if found is None else braced(found)
    if every is None:
        visit(walk, node, scope, around)
        return [Word(text="?", raw=raw, is_known=False, may_split=True)]
    made: list[Word] = []
    for one in every:
        made += [word_of(bits, raw) for bits in _fields(walk, _tilde(walk, one, scope), scope, around)]
    return made


def value(walk: Walk, node: Node, scope: Scope, around: Around) -> Value:
    """Of an assignment, a here-string, a pattern: not split, and no paths looked for."""
    found = tokens(node)
    if found is None:
        visit(walk, node, scope, around)
        return UNKNOWN
    return _joined(walk, _tilde(walk, found, scope), scope, around)


def document(walk: Walk, node: Node, scope: Scope, around: Around, *, is_expanded: bool) -> Value:
    """The text of a here-document."""
    if not is_expanded:
        return Value("".join(literal(part) for part in children(node, "Parts")))
    return _joined(walk, document_tokens(node), scope, around)


def _joined(walk: Walk, found: Sequence[Token], scope: Scope, around: Around) -> Value:
    bits: list[Bit] = []
    for token in found:
        if isinstance(token, Text):
            bits.append(Bit(token.text))
        else:
            many = _part(walk, token, scope, around)
            joined = many if isinstance(many, Value) else _together(many)
            bits.append(bit_of(joined, is_quoted=token.is_quoted))
    return value_of(bits)


def _fields(walk: Walk, found: Sequence[Token], scope: Scope, around: Around) -> list[list[Bit]]:
    fields: list[list[Bit]] = []
    current: list[Bit] = []
    for token in found:
        if isinstance(token, Text):
            if token.text or token.is_quoted:
                current.append(Bit(token.text, is_quoted=token.is_quoted))
            continue
        got = _part(walk, token, scope, around)
        many = (got,) if isinstance(got, Value) else got
        for number, value in enumerate(many):
            if number and current:
                fields.append(current)
                current = []
            if token.is_quoted or not value.is_known or value.is_pattern:
                current.append(bit_of(value, is_quoted=token.is_quoted))
                continue
            pieces = split(value.text, scope.variables.get("IFS"))
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


def _part(walk: Walk, token: Part, scope: Scope, around: Around) -> Value | tuple[Value, ...]:
    node = token.node
    with walk.deeper() as is_read:
        if not is_read:
            return UNKNOWN
        match kind(node):
            case "CmdSubst" | "ProcSubst":
                return substituted(walk, node, scope, around)
            case "ParamExp":
                return parameter(walk, node, scope, around)
            case "ArithmExp":
                return arithmetic(walk, child(node, "X"), scope, around)
            case "DblQuoted":
                return _joined(walk, quoted_tokens(node), scope, around)
            case "ExtGlob":
                # It may fit names that begin with a dot, as no star does.
                return UNKNOWN
            case "Unknown":
                return Value(literal(node), is_known=False, is_one=True)
            case _:
                walk.doubt(Undecided.PARSE, f"a part of a word is not read: {kind(node)}")
                visit(walk, node, scope, around)
                return UNKNOWN


def _tilde(walk: Walk, found: list[Token], scope: Scope) -> list[Token]:
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
        home = scope.variables.get("HOME", Value(walk.home) if walk.home else UNKNOWN)
    elif name == "+":
        home = UNKNOWN if scope.place is None else Value(scope.place)
    else:
        home = Value(f"~{name}", is_known=False, is_one=True)
    if not home.is_known:
        return [Part({"Type": "Unknown", "Value": home.text}, True), Text(rest, False), *found[1:]]
    return [Text(home.text, True), Text(rest, False), *found[1:]]


def _together(values: tuple[Value, ...]) -> Value:
    return Value(" ".join(one.text for one in values), is_known=all(one.is_known for one in values))


def _only_this(found: Sequence[Token], token: Part) -> bool:
    return all(one is token or (isinstance(one, Text) and not one.text) for one in found)
