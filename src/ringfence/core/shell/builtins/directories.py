"""`cd`, `pushd`, `popd`: where the shell is, and where it is if they fail."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.places import path_of
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope, joined
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.walk import Walk

_OPTION: Final = re.compile(r"-[LPe@n]+|--")
_ALWAYS_THERE: Final = re.compile(r"(\.\./?)+|\./?|/")


def change_place(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    words = [word for word in line.words[1:] if not _OPTION.fullmatch(word.text)]
    walk.emit(line, scope, around)
    before = scope.places
    if "CDPATH" in scope.variables:
        scope.places = (None,)
        return None
    if not words:
        home = scope.variables.get("HOME", Value(walk.home) if walk.home else UNKNOWN)
        target = home if line.words[0].text == "cd" else UNKNOWN
    else:
        target = Value(words[0].text, is_known=words[0].is_known and not words[0].is_pattern and len(words) == 1)
    if not target.is_known or target.text == "-" or target.text.startswith(("+", "-")):
        scope.places = (None,)
        scope.failed = joined((None,), before)
        return None
    moved = tuple(dict.fromkeys(path_of(target.text, place) for place in before)) if target.text else before
    scope.variables.pop("PWD", None)
    scope.places = moved
    if not _ALWAYS_THERE.fullmatch(target.text) and target.text not in before:
        scope.failed = before if before != moved else ()
    return ""


def pop_place(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    walk.emit(line, scope, around)
    scope.places = (None,)
