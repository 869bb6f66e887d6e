"""`find -exec` and the like."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ringfence.core.shell.programs.filling import filled
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_RUNS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def start_find(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    """The search itself, and what it runs for each path."""
    walk.emit(line, scope, around)
    at = 1
    while at < len(line.words):
        if line.words[at].text not in _RUNS:
            at += 1
            continue
        end = at + 1
        while (
            end < len(line.words)
            and line.words[end].text != ";"
            and not (line.words[end].text == "+" and line.words[end - 1].text == "{}")
        ):
            end += 1
        inner = tuple(filled(word, "{}") for word in line.words[at + 1 : end])
        within = scope.copy()
        if line.words[at].text in {"-execdir", "-okdir"}:
            within.places = (None,)
        if inner:
            more = replace(around.inside(line, "find"), takes_more=True)
            walk.run(replace(line, words=inner, redirections=()), within, more, is_plain=True)
        at = end
