"""A simple command: its words, what stands before them, its redirections. What it does: `running.py`."""

from __future__ import annotations

from ringfence.core.shell.command import Direction
from ringfence.core.shell.doubts import decides
from ringfence.core.shell.nodes import Node, child, children
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.syntax.assignments import assignments
from ringfence.core.shell.syntax.redirections import redirected, takes_output
from ringfence.core.shell.variables import changes_what_runs
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expanding import every_word


def read_simple(walk: Walk, node: Node, scope: Scope, around: Around) -> str | None:
    """Of a statement whose command is simple; what it writes to standard output, where that is known."""
    call, redirections = child(node, "Cmd"), children(node, "Redirs")
    words = every_word(walk, children(call, "Args"), scope, around)
    with redirected(walk, redirections, scope, around) as files:
        assigned = assignments(walk, children(call, "Assigns"), scope, around, is_kept=not words)
        line = Line(words=words, assignments=assigned, redirections=files, raw=walk.raw(node))
        if words:
            said = walk.run(line, scope, around)
        else:
            # Of `$(<file)` nobody knows what it comes to.
            said = None if any(one.direction is Direction.READ for one in files) else ""
            if files or assigned:
                odd = [name for name, value in assigned if changes_what_runs(name, value)]
                doubts = (decides(odd[0]),) if odd else ()
                walk.emit(line.doubted(*doubts), scope, around)
        walk.files.keep(files, said, scope)
        return "" if takes_output(redirections) else said
