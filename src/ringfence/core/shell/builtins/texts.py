"""Builtins that are given text to run: `eval`, `source`, `trap`, `alias`."""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.doubts import MADE_TEXT
from ringfence.core.shell.programs.given_text import known_text, partly
from ringfence.core.shell.programs.options import getopt, options
from ringfence.core.shell.programs.scripts import script
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_ALIAS = Doubt(Undecided.EVAL, "an alias changes what words mean")
_TRAP = getopt("lpP")
_INHERITED = frozenset({"DEBUG", "ERR", "RETURN"})
"""Traps that substitutions and functions have too, where an option of the shell says so (`set -E`, `set -T`)."""


def evaluate(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    words = line.words[1:]
    if words and words[0].text == "--":
        words = words[1:]
    text = known_text(words)
    if text is None or around.takes_more:
        walk.emit(line.doubted(MADE_TEXT), scope, around)
        partly(walk, words, scope, around.inside(line, "eval"))
        scope.forget_all()
        return None
    if line.redirections or line.doubts:
        walk.emit(line, scope, around)
    for name, value in line.assignments:
        scope.assign(name, value)
    return walk.walk_text(text, scope, around.inside(line, "eval"))


def run_file(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    """`source` and `.`: what it may have done is not known afterwards."""
    at = 2 if len(line.words) > 1 and line.words[1].text == "--" else 1
    doubt = script(walk, line, at, scope, around) if at < len(line.words) else MADE_TEXT
    walk.emit(line if doubt is None else line.doubted(doubt), scope, around)
    scope.forget([*scope.variables, *scope.lists])
    scope.doubt_functions()


def trap(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    """What a trap prints, it prints where its shell does: in `$( )` that becomes words."""
    read = options(line.words, _TRAP)
    words = line.words[read.at :]
    if read.has("l", "p", "P") or not words or words[0].text == "-" or (len(words) == 1 and not words[0].may_split):
        walk.emit(line, scope, around)
        return "" if words and not read.has("l", "p", "P") else None
    if not words[0].is_certain:
        walk.emit(line.doubted(MADE_TEXT), scope, around)
        return None
    walk.emit(line, scope, around)
    later = scope.copy()
    later.forget_all()
    printed = walk.walk_text(words[0].text, later, around.inside(line, "trap"))
    if printed == "":
        return ""
    if any(not word.is_certain or word.text.upper().removeprefix("SIG") in _INHERITED for word in words[1:]):
        walk.doubt(Undecided.EVAL, "a trap may print words within any substitution")
    return None


def alias(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    pairs = [word for word in line.words[1:] if "=" in word.text or not word.is_known]
    if not pairs:
        return walk.output(line, scope, around)
    walk.emit(line.doubted(_ALIAS), scope, around)
    within = replace(around.inside(line, "alias"), takes_more=True)
    for word in pairs:
        if word.is_known:
            walk.walk_text(word.text.partition("=")[2], scope.copy(), within)
    return None
