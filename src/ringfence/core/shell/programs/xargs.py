"""`xargs`: the command that stands behind its options, with words of its input."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.doubts import NOT_LITERAL
from ringfence.core.shell.programs.filling import filled
from ringfence.core.shell.programs.options import getopt, odd_options, options
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_XARGS: Final = getopt(
    "0oprtxa:d:E:I:L:n:P:s:e::i::l::",
    "null open-tty interactive no-run-if-empty verbose exit show-limits eof replace max-lines "
    "arg-file: delimiter: max-args: max-chars: max-procs: process-slot-var:",
)
_MOST_GIVEN: Final = 200
"""Words of a known input that are read."""
_QUOTES: Final = re.compile(r"['\"\\]")


def start_xargs(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    read = options(line.words, _XARGS)
    inner = line.words[read.at :]
    # One that is given its words by another may be given a command, or a file of commands.
    made = (NOT_LITERAL,) if around.takes_more and not inner else ()
    line = line.doubted(*odd_options("xargs", read), *made)
    walk.emit(line, scope, around)
    if not inner:
        return
    mark = read.value("I", "i", "replace")
    within = scope.copy()
    given, within.stdin, within.is_piped = scope.stdin, None, False
    deeper = replace(around.inside(line, "xargs"), takes_more=True)
    if read.has("I", "i", "replace"):
        inner = tuple(filled(word, mark.text if mark is not None and mark.text else "{}") for word in inner)
    elif (
        given is not None
        and not around.takes_more
        and not read.has("d", "delimiter", "0", "null", "a", "arg-file", "E", "e", "eof")
        and not _QUOTES.search(given)
    ):
        inner = (*inner, *(Word(text=one, raw=one) for one in given.split()[:_MOST_GIVEN]))
        deeper = replace(deeper, takes_more=len(given.split()) > _MOST_GIVEN)
    walk.run(replace(line, words=inner, redirections=()), within, deeper, is_plain=True)
