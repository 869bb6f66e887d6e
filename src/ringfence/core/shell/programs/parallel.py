"""`parallel`: a command, or a text for a shell, with words of its input or from behind `:::`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ringfence.core.shell.doubts import MADE_TEXT, NOT_LITERAL
from ringfence.core.shell.programs.filling import filled
from ringfence.core.shell.programs.given_text import shell_text
from ringfence.core.shell.programs.options import getopt, odd_options, options
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_PARALLEL: Final = getopt(
    "0kmXquvtzxa:C:d:E:I:i:j:J:L:l:N:n:P:r:s:S:T:",
    "keep-order null dry-run verbose progress bar eta xargs quote ungroup line-buffer pipe will-cite "
    "no-notice tag arg-file: colsep: delimiter: jobs: max-procs: max-args: max-replace-args: "
    "max-lines: max-chars: results: joblog: sshlogin: sshloginfile: retries: timeout: delay: load: "
    "memfree: workdir: tmpdir: tagstring: halt: nice: block: recstart: recend: basefile: env: "
    "transferfile: return:",
)
_MARKS: Final = frozenset({":::", "::::", ":::+", "::::+"})
_SHELL: Final = re.compile(r"[;&|`$<>(]")


def start_parallel(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    read = options(line.words, _PARALLEL)
    rest = list(line.words[read.at :])
    marks = [number for number, word in enumerate(rest) if word.text in _MARKS]
    command = rest[: marks[0]] if marks else rest
    line = line.doubted(*odd_options("parallel", read))
    if not command:
        # Each line of its input is a command.
        walk.emit(line.doubted(MADE_TEXT), scope, around)
        if marks:
            for word in rest[marks[0] + 1 :]:
                shell_text(walk, [word], line, scope.copy(), around, "parallel")
        return
    walk.emit(line, scope, around)
    made = [filled(word, "{") for word in command]
    if any(not word.is_known for word in made[:1]):
        walk.emit(line.doubted(NOT_LITERAL), scope, around)
    deeper = replace(around.inside(line, "parallel"), takes_more=True)
    if any(_SHELL.search(word.text) for word in made):
        text = " ".join(word.text for word in made)
        walk.walk_text(text, scope.inherited(line.assignments), deeper)
    else:
        walk.run(replace(line, words=tuple(made), redirections=()), scope.copy(), deeper, is_plain=True)
