"""Builtins that change what later words mean, or have text run later on: `shopt`, `hash`, `complete`, `bind` and the like."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.variables import CHANGES_PATTERNS
from ringfence.core.shell.walk import Walk

_CHANGES_READING: Final = CHANGES_PATTERNS | {"lastpipe", "varredir_close", "assoc_expand_once"}
"""Options of the shell with which words become others than those that are read here."""
_NAMES_PROGRAM: Final = re.compile(r"-[a-zA-Z]*[pfnCFd]")


def changes_readings(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    """`shopt`."""
    words = line.words[1:]
    is_odd = any(not word.is_known or word.text in _CHANGES_READING for word in words)
    return changing(walk, line, scope, around, is_odd=is_odd)


def changes_runs(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    """`hash`, `enable`, `compgen`: which program or builtin a name stands for."""
    texts = [word.text for word in line.words[1:]]
    is_odd = any(_NAMES_PROGRAM.match(text) or "$(" in text or "`" in text for text in texts)
    return changing(walk, line, scope, around, is_odd=is_odd)


def hands_over(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    """`complete`, `bind`, `fc`: whatever they are given may be run later."""
    return changing(walk, line, scope, around, is_odd=len(line.words) > 1)


def changing(walk: Walk, line: Line, scope: Scope, around: Around, *, is_odd: bool) -> str | None:
    if is_odd:
        line = line.doubted(Doubt(Undecided.EVAL, f"{line.words[0].text} changes what is run"))
    return walk.output(line, scope, around)
