"""One simple command, however it came to be: a function, a builtin, a program that starts others, or one to be judged."""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.shell.builtins.table import BUILTINS
from ringfence.core.shell.command import Word
from ringfence.core.shell.doubts import NOT_LITERAL, decides
from ringfence.core.shell.programs.scripts import script
from ringfence.core.shell.programs.starting import starts_others
from ringfence.core.shell.programs.task_files import task_doubt
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.syntax.functions import call
from ringfence.core.shell.variables import changes_what_runs
from ringfence.core.shell.walk import Walk


def run(walk: Walk, line: Line, scope: Scope, around: Around, *, is_plain: bool) -> str | None:
    """What it writes to standard output, where that is known. `is_plain`: functions are passed over."""
    first = line.words[0]
    if not first.is_certain or not first.text:
        return walk.output(line.doubted(NOT_LITERAL), scope, around)
    name = first.text
    if name.startswith("-"):
        # bash takes `time` for a program where options of its own stand behind it.
        line = replace(line, words=(Word(text="time", raw="time"), *line.words))
        name = "time"
    for assigned_to, value in line.assignments:
        if changes_what_runs(assigned_to, value):
            walk.add(decides(assigned_to))
    function = None if is_plain else scope.functions.get(name)
    if function is not None:
        call(walk, function, line, scope, around)
        if function.is_certain:
            return None
    builtin = BUILTINS.get(name)
    if builtin is not None:
        return builtin(walk, line, scope, around)
    if starts_others(walk, line, scope, around):
        return None
    if "/" in name:
        doubt = script(walk, line, 0, scope, around)
        line = line if doubt is None else line.doubted(doubt)
    doubt = task_doubt(walk, line, scope)
    line = line if doubt is None else line.doubted(doubt)
    said = walk.output(line, scope, around)
    walk.files.touch(line, scope)
    return said
