"""A word of the syntax tree as characters and expansions, with quotes taken out."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.escapes import ansi
from ringfence.core.shell.nodes import Node, children, flag, kind, literal
from ringfence.core.shell.words.braces import Part, Text, Token

_UNQUOTED: Final = re.compile(r"\\(.?)|([^\\]+)", re.DOTALL)
_PIECES: Final = re.compile(r"[{},]|[^{},]+")
_IN_QUOTES: Final = re.compile(r'\\([$`"\\\n])')
_IN_DOCUMENT: Final = re.compile(r"\\([$`\\\n])")


def tokens(word: Node) -> list[Token] | None:
    """Of a word outside of quotes. None: it holds what cannot be read."""
    made: list[Token] = []
    for part in children(word, "Parts"):
        match kind(part):
            case "Lit":
                made += _literal(literal(part))
            case "SglQuoted":
                inner = ansi(literal(part)) if flag(part, "Dollar") else literal(part)
                if inner is None:
                    return None
                made.append(Text(inner, True))
            case "DblQuoted":
                made.append(Text("", True))
                made += quoted_tokens(part)
            case _:
                made.append(Part(part, False))
    return made


def quoted_tokens(node: Node) -> list[Token]:
    """Of what stands between double quotes."""
    return _in_quotes(node, _IN_QUOTES)


def document_tokens(node: Node) -> list[Token]:
    """Of a here-document whose delimiter has no quotes: `"` is a character there."""
    return _in_quotes(node, _IN_DOCUMENT)


def is_literal(word: Node) -> bool:
    """Whether it has no quotes at all: only then a here-document's text is expanded."""
    return all(kind(part) == "Lit" and "\\" not in literal(part) for part in children(word, "Parts"))


def _in_quotes(node: Node, pattern: re.Pattern[str]) -> list[Token]:
    made: list[Token] = []
    for part in children(node, "Parts"):
        if kind(part) == "Lit":
            made.append(Text(pattern.sub(lambda found: "" if found[1] == "\n" else found[1], literal(part)), True))
        else:
            made.append(Part(part, True))
    return made


def _literal(text: str) -> list[Token]:
    made: list[Token] = []
    for found in _UNQUOTED.finditer(text):
        if found[2] is None:
            if found[1] != "\n":
                made.append(Text(found[1] or "\\", True))
        else:
            made += [Text(piece, False) for piece in _PIECES.findall(found[2])]
    return made
