"""Shells that are given a text: behind `-c`, on their standard input, in a file that this run wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Direction
from ringfence.core.shell.doubts import MADE_TEXT
from ringfence.core.shell.programs.given_text import partly
from ringfence.core.shell.programs.options import getopt, options
from ringfence.core.shell.programs.scripts import FOREIGN, script
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import UNKNOWN, Value, arguments_of
from ringfence.core.shell.variables import CHANGES_PATTERNS
from ringfence.core.shell.walk import Walk

_GRAMMAR: Final = getopt(
    "abcefhiklmnprstuvxBCDEHPIXo:O:",
    "login norc noprofile posix restricted verbose debugger noediting dump-strings dump-po-strings "
    "version help interactive private rcfile: init-file: command: init-command:",
)


def start_shell(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    name = line.program
    read = options(line.words, _GRAMMAR)
    given = line.words
    while read.at < len(line.words) and line.words[read.at].text.startswith("+"):
        # `+x` turns an option off, `+o NAME` the one that it names; others may stand behind it.
        more = 2 if line.words[read.at].text[1:] in {"o", "O"} else 1
        line = replace(line, words=(*line.words[: read.at], *line.words[read.at + more :]))
        read = options(line.words, _GRAMMAR)
    doubts = [Doubt(Undecided.EVAL, f"an option of {name} is not read: {one}") for one in read.odd]
    if any(word is not None and word.text in CHANGES_PATTERNS for word in read.given.get("O", [])):
        doubts.append(Doubt(Undecided.PATH, f"an option of {name} changes which files a pattern fits"))
    if read.has("rcfile", "init-file", "init-command"):
        doubts.append(MADE_TEXT)
    if name in FOREIGN:
        doubts.append(Doubt(Undecided.CODE, f"{name} reads its text in its own way"))
    line = line.doubted(*doubts)
    child = scope.inherited(line.assignments)
    if read.has("n") and not read.has("c", "i") and line.words == given and not doubts:
        # It only checks what it is given. `+n` behind it would have it run after all.
        walk.emit(line, scope, around)
        return
    text = read.value("command")
    if read.has("c") or text is not None:
        at = read.at if read.has("c") and text is None else read.at - 1
        _given(walk, line, at, child, scope, around)
    elif read.at < len(line.words) and not read.has("s") and line.words[read.at].text != "-":
        _file(walk, line, read.at, child, scope, around)
    else:
        _input(walk, line, child, scope, around)


def _given(walk: Walk, line: Line, at: int, child: Scope, scope: Scope, around: Around) -> None:
    name = line.program
    word = line.words[at] if at < len(line.words) else None
    if word is None or not word.is_certain:
        walk.emit(line.doubted(MADE_TEXT), scope, around)
        if word is not None:
            partly(walk, [word], child, around.inside(line, f"{name} -c"))
        return
    if line.doubts or line.redirections:
        walk.emit(line, scope, around)
    if at + 1 < len(line.words):
        child.zero = Value(line.words[at + 1].text, is_known=line.words[at + 1].is_known)
    child.arguments = arguments_of(line.words[at + 2 :], takes_more=around.takes_more)
    if around.takes_more:
        child.zero = UNKNOWN
    walk.walk_text(word.text, child, replace(around.inside(line, f"{name} -c"), takes_more=False))


def _file(walk: Walk, line: Line, at: int, child: Scope, scope: Scope, around: Around) -> None:
    child.arguments = arguments_of(line.words[at + 1 :], takes_more=around.takes_more)
    doubt = script(walk, line, at, child, around)
    walk.emit(line if doubt is None else line.doubted(doubt), scope, around)


def _input(walk: Walk, line: Line, child: Scope, scope: Scope, around: Around) -> None:
    name = line.program
    files = [one.target for one in line.redirections if one.direction in {Direction.READ, Direction.BOTH}]
    doubt: Doubt | None = None
    if around.takes_more:
        doubt = MADE_TEXT
    elif files:
        given = replace(line, words=(line.words[0], files[-1]))
        doubt = script(walk, given, 1, child, around)
    elif scope.stdin is not None:
        text = scope.stdin
        child.stdin, child.is_piped = None, True
        walk.emit(line, scope, around)
        walk.walk_text(text, child, around.inside(line, name))
        return
    elif scope.is_piped:
        doubt = MADE_TEXT
    walk.emit(line if doubt is None else line.doubted(doubt), scope, around)
