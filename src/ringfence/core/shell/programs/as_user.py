"""`su`, `sg` and `script`: options may stand behind operands, and `-c` carries a text."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.programs.given_text import shell_text
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_TEXT: Final = re.compile(r"-[a-zA-Z]*c(.*)|--(?:session-)?command(?:=(.*))?", re.DOTALL)


def start_as_user(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    walk.emit(line, scope, around)
    name, words = line.program, line.words[1:]
    for number, word in enumerate(words):
        found = _TEXT.fullmatch(word.text)
        if found is not None:
            attached = found[1] or found[2]
            given = [Word(text=attached, raw=word.raw, is_known=word.is_known)] if attached else words[number + 1 : number + 2]
            shell_text(walk, given, line, scope.copy(), around, f"{name} -c")
    if name == "sg" and len(words) > 1 and words[1].text != "-c":
        shell_text(walk, words[1:2], line, scope.copy(), around, "sg")
    if name == "su" and scope.is_piped:
        given = [Word(text=scope.stdin or "?", raw="", is_known=scope.stdin is not None)]
        shell_text(walk, given, line, scope.copy(), around, name)
