"""Builtins behind which another command stands: `exec`, `command`, `builtin`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ringfence.core.shell.command import Direction
from ringfence.core.shell.programs.options import getopt, options
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_EXEC: Final = getopt("cla:")
_COMMAND: Final = getopt("pvV")


def replace_shell(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    read = options(line.words, _EXEC)
    if read.at < len(line.words):
        return _behind(walk, line, read.at, scope, around.inside(line, "exec"))
    walk.emit(line, scope, around)
    if any(one.direction in {Direction.READ, Direction.BOTH} for one in line.redirections):
        scope.stdin, scope.is_piped = None, True
    return ""


def bypass(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    """`command` and `builtin`."""
    read = options(line.words, _COMMAND)
    if read.has("v", "V") or read.at >= len(line.words):
        return walk.output(line, scope, around)
    return _behind(walk, line, read.at, scope, around.inside(line, line.words[0].text))


def _behind(walk: Walk, line: Line, at: int, scope: Scope, around: Around) -> str | None:
    return walk.run(replace(line, words=line.words[at:]), scope, around, is_plain=True)
