"""A parser of the smallest shell: simple commands of plain and quoted words, `;`, `&&`, `|`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ringfence.errors import UnavailableError
from ringfence.ports.shell_parser import NotShell

_JOINS = ("|", "&&", "||")
_ENDS = (";", "\n")


class FakeShellParser:
    """Implements `ringfence.ports.shell_parser.ShellParser`. `down` makes it one that cannot answer."""

    def __init__(self) -> None:
        self.down = False
        self.asked: list[str] = []

    async def parse(self, text: str) -> Mapping[str, Any] | NotShell:
        if self.down:
            message = "the parser is down"
            raise UnavailableError(message)
        self.asked.append(text)
        try:
            lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&\n")
            lexer.whitespace = " \t"
            words = list(lexer)
        except ValueError as error:
            return NotShell(str(error))
        statements: list[Mapping[str, Any]] = []
        current: list[str] = []
        left: tuple[Mapping[str, Any], str] | None = None
        for word in [*words, ";"]:
            if word not in _JOINS and word not in _ENDS:
                current.append(word)
                continue
            if not current:
                if word in _JOINS or left is not None:
                    return NotShell(f"a command is missing before {word!r}")
                continue
            made = _call(current)
            if left is not None:
                made = {"Cmd": {"Type": "BinaryCmd", "Op": left[1], "X": left[0], "Y": made}}
            left, current = ((made, word), []) if word in _JOINS else (None, [])
            if left is None:
                statements.append(made)
        return {"Type": "File", "Stmts": statements}


def _call(words: list[str]) -> Mapping[str, Any]:
    parts = [{"Parts": [{"Type": "SglQuoted", "Value": word}]} for word in words]
    return {"Cmd": {"Type": "CallExpr", "Args": parts}}
