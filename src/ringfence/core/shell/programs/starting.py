"""Which file reads which program that starts others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from ringfence.core.shell.programs.as_user import start_as_user
from ringfence.core.shell.programs.carriers import carried
from ringfence.core.shell.programs.containers import contained
from ringfence.core.shell.programs.find import start_find
from ringfence.core.shell.programs.given_text import shell_text
from ringfence.core.shell.programs.parallel import start_parallel
from ringfence.core.shell.programs.runners import started
from ringfence.core.shell.programs.scripts import SHELLS
from ringfence.core.shell.programs.shells import start_shell
from ringfence.core.shell.programs.task_files import task_doubt
from ringfence.core.shell.programs.wrappers import WRAPPERS
from ringfence.core.shell.programs.wrapping import start_wrapper
from ringfence.core.shell.programs.xargs import start_xargs
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_STARTERS: Final[Mapping[str, Callable[[Walk, Line, Scope, Around], None]]] = {
    **dict.fromkeys(SHELLS, start_shell),
    **dict.fromkeys(WRAPPERS, start_wrapper),
    "find": start_find,
    "xargs": start_xargs,
    **dict.fromkeys(("parallel", "rush"), start_parallel),
    **dict.fromkeys(("su", "sg", "script"), start_as_user),
}
"""These are read here to the end. Others are commands of their own too (`git`, `uv run`, `docker exec`)."""


def starts_others(walk: Walk, line: Line, scope: Scope, around: Around) -> bool:
    """Read what a program starts. False: nothing is known of such a program, and the command is still to be emitted."""
    start = _STARTERS.get(line.program)
    if start is None:
        return _starts_besides(walk, line, scope, around)
    start(walk, line, scope, around)
    return True


def _starts_besides(walk: Walk, line: Line, scope: Scope, around: Around) -> bool:
    name = line.program
    carries = carried(name, line.words)
    inner = started(name, line.words)
    if inner is None:
        inner = contained(name, line.words)
    if carries is None and inner is None:
        return False
    doubt = task_doubt(walk, line, scope)
    own = line.doubted(*(() if carries is None else carries.doubts), *(() if doubt is None else (doubt,)))
    walk.emit(own, scope, around)
    if carries is not None:
        within = around.inside(line, carries.via)
        for text in carries.texts:
            walk.walk_text(text, scope.inherited(line.assignments), replace(within, takes_more=True))
        for words in carries.commands:
            walk.run(replace(line, words=words, redirections=()), scope.copy(), within, is_plain=True)
    if inner is not None:
        for words in inner.commands:
            there = scope.inherited(line.assignments) if inner.leaves else scope.copy()
            if inner.leaves:
                there.places = (None,)
            if words:
                within = replace(around.inside(line, inner.via), is_covered=inner.is_covered or around.is_covered)
                walk.run(replace(line, words=words, redirections=()), there, within, is_plain=True)
        for text in inner.texts:
            shell_text(walk, [text], line, scope.copy(), replace(around, is_covered=inner.is_covered), inner.via)
    walk.files.touch(line, scope)
    return True
