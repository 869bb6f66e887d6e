"""Scripts that are run: walked, where this run wrote them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.doubts import MADE_TEXT
from ringfence.core.shell.files import somewhere
from ringfence.core.shell.places import is_pipe, path_of
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import Value, arguments_of
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.written import Unread

FOREIGN: Final = frozenset({"zsh", "fish", "csh", "tcsh", "elvish", "nu", "xonsh", "pwsh"})
"""Shells whose language is another one."""
SHELLS: Final = FOREIGN | {"bash", "sh", "dash", "ash", "ksh", "ksh93", "mksh", "rbash", "yash", "posh"}
_SCRIPT: Final = Doubt(Undecided.SCRIPT, "a file is run that this run wrote, and what is in it is not known")
_BANG: Final = re.compile(r"#!\s*(\S+)(?:\s+(\S+))?")


def script(walk: Walk, line: Line, at: int, scope: Scope, around: Around) -> Doubt | None:
    """Walk what a file holds that is run. `source` has it walked in the scope of the caller."""
    word = line.words[at]
    if not word.is_certain:
        return Doubt(Undecided.SCRIPT, "which file is run is worked out at run time")
    name = line.program if at else "script"
    if is_pipe(word.text):
        if scope.stdin is None or word.text not in {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}:
            return MADE_TEXT
        walk.walk_text(scope.stdin, scope.copy(), around.inside(line, name))
        return None
    doubt: Doubt | None = None
    for place in scope.places:
        path = path_of(word.text, place)
        if path is None:
            doubt = Doubt(Undecided.SCRIPT, "where the file is that is run is worked out at run time")
        for text in walk.files.texts_at(path or somewhere(word.text)):
            if isinstance(text, Unread) or (at == 0 and not _is_shell(text)):
                doubt = _SCRIPT
                continue
            within = scope if at and name in {"source", "."} else scope.copy()
            if at == 0:
                within = scope.inherited(line.assignments)
                within.arguments = arguments_of(line.words[1:], takes_more=around.takes_more)
            within.zero = Value(word.text)
            walk.walk_text(text, within, replace(around.inside(line, name), takes_more=False))
    return doubt


def _is_shell(text: str) -> bool:
    """Whether a file that is run by its name is read by a shell."""
    found = _BANG.match(text)
    if found is None:
        return True
    program = found[2] if found[1].rpartition("/")[2] == "env" else found[1]
    return (program or "").rpartition("/")[2] in SHELLS - FOREIGN
