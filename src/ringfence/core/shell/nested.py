"""Shells that are given a text: behind `-c`, on their standard input, in a file that this run wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Direction
from ringfence.core.shell.commands import MADE_TEXT, Commands, as_arguments, inside
from ringfence.core.shell.options import Grammar, options
from ringfence.core.shell.places import is_pipe, path_of
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.writing import somewhere
from ringfence.core.shell.written import Unread

SHELLS: Final = frozenset(
    {
        "bash",
        "sh",
        "dash",
        "ash",
        "ksh",
        "ksh93",
        "mksh",
        "zsh",
        "fish",
        "rbash",
        "yash",
        "posh",
        "csh",
        "tcsh",
        "elvish",
        "nu",
        "xonsh",
        "pwsh",
    }
)
_FOREIGN: Final = frozenset({"zsh", "fish", "csh", "tcsh", "elvish", "nu", "xonsh", "pwsh"})
_GRAMMAR: Final = Grammar(
    flags="abcefhiklmnprstuvxBCDEHPIX",
    valued="oO",
    long_flags=frozenset(
        [
            "login",
            "norc",
            "noprofile",
            "posix",
            "restricted",
            "verbose",
            "debugger",
            "noediting",
            "dump-strings",
            "dump-po-strings",
            "version",
            "help",
            "interactive",
            "private",
        ]
    ),
    long_valued=frozenset(["rcfile", "init-file", "command", "init-command"]),
)
_SCRIPT: Final = Doubt(Undecided.SCRIPT, "a file is run that this run wrote, and what is in it is not known")
_BANG: Final = re.compile(r"#!\s*(\S+)(?:\s+(\S+))?")


@dataclass(slots=True)
class Nested(Commands):
    def shell(self, line: Line, scope: Scope, around: Around) -> bool:
        name = line.words[0].text.rpartition("/")[2]
        if name not in SHELLS:
            return False
        read = options(line.words, _GRAMMAR)
        while read.at < len(line.words) and line.words[read.at].text.startswith("+"):
            # `+x` turns an option off, `+o NAME` the one that it names; others may stand behind it.
            more = 2 if line.words[read.at].text[1:] in {"o", "O"} else 1
            line = replace(line, words=(*line.words[: read.at], *line.words[read.at + more :]))
            read = options(line.words, _GRAMMAR)
        doubts = [Doubt(Undecided.EVAL, f"an option of {name} is not read: {one}") for one in read.odd]
        if any(
            word is not None and word.text in {"dotglob", "extglob", "globstar", "nocaseglob"}
            for word in read.given.get("O", [])
        ):
            doubts.append(Doubt(Undecided.PATH, f"an option of {name} changes which files a pattern fits"))
        if read.has("rcfile", "init-file", "init-command"):
            doubts.append(MADE_TEXT)
        if name in _FOREIGN:
            doubts.append(Doubt(Undecided.CODE, f"{name} reads its text in its own way"))
        line = replace(line, doubts=(*line.doubts, *doubts))
        child = self.child(line, scope)
        if read.has("n") and not read.has("c") and not doubts:
            self.emit(line, scope, around)
            return True
        text = read.value("command")
        if read.has("c") or text is not None:
            at = read.at if read.has("c") and text is None else read.at - 1
            self._given(line, at, child, scope, around)
        elif read.at < len(line.words) and not read.has("s") and line.words[read.at].text != "-":
            self._file(line, read.at, child, scope, around)
        else:
            self._input(line, child, scope, around)
        return True

    def child(self, line: Line, scope: Scope) -> Scope:
        """What a shell that is started knows: what was exported."""
        made = scope.copy()
        kept = {name: value for name, value in made.variables.items() if name in made.exported}
        made.variables = {**kept, **dict(line.assignments)}
        made.exported |= {name for name, _ in line.assignments}
        made.lists, made.arguments, made.has_local, made.failed = {}, (), None, ()
        return made

    def _given(self, line: Line, at: int, child: Scope, scope: Scope, around: Around) -> None:
        name = line.words[0].text.rpartition("/")[2]
        word = line.words[at] if at < len(line.words) else None
        if word is None or not word.is_known or word.is_pattern or word.may_split:
            self.emit(replace(line, doubts=(*line.doubts, MADE_TEXT)), scope, around)
            if word is not None:
                self.partly([word], child, inside(around, line, f"{name} -c"))
            return
        if line.doubts or line.redirections:
            self.emit(line, scope, around)
        if at + 1 < len(line.words):
            child.zero = Value(line.words[at + 1].text, is_known=line.words[at + 1].is_known)
        child.arguments = as_arguments(line.words[at + 2 :], around)
        if around.takes_more:
            child.zero = UNKNOWN
        self.walk_text(word.text, child, replace(inside(around, line, f"{name} -c"), takes_more=False))

    def _file(self, line: Line, at: int, child: Scope, scope: Scope, around: Around) -> None:
        child.arguments = as_arguments(line.words[at + 1 :], around)
        doubt = self.script(line, at, child, around)
        self.emit(line if doubt is None else replace(line, doubts=(*line.doubts, doubt)), scope, around)

    def _input(self, line: Line, child: Scope, scope: Scope, around: Around) -> None:
        name = line.words[0].text.rpartition("/")[2]
        files = [one.target for one in line.redirections if one.direction in {Direction.READ, Direction.BOTH}]
        doubt: Doubt | None = None
        if around.takes_more:
            doubt = MADE_TEXT
        elif files:
            given = replace(line, words=(line.words[0], files[-1]))
            doubt = self.script(given, 1, child, around)
        elif scope.stdin is not None:
            text = scope.stdin
            child.stdin, child.is_piped = None, True
            self.emit(line, scope, around)
            self.walk_text(text, child, inside(around, line, name))
            return
        elif scope.is_piped:
            doubt = MADE_TEXT
        self.emit(line if doubt is None else replace(line, doubts=(*line.doubts, doubt)), scope, around)

    def script(self, line: Line, at: int, scope: Scope, around: Around) -> Doubt | None:
        """Walk what a file holds that is run. `source` has it walked in the scope of the caller."""
        word = line.words[at]
        if not word.is_known or word.is_pattern or word.may_split:
            return Doubt(Undecided.SCRIPT, "which file is run is worked out at run time")
        name = line.words[0].text.rpartition("/")[2] if at else "script"
        if is_pipe(word.text):
            if scope.stdin is None or word.text not in {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}:
                return MADE_TEXT
            self.walk_text(scope.stdin, scope.copy(), inside(around, line, name))
            return None
        doubt: Doubt | None = None
        for place in scope.places:
            path = path_of(word.text, place)
            if path is None:
                doubt = Doubt(Undecided.SCRIPT, "where the file is that is run is worked out at run time")
            for text in self.texts_at(path or somewhere(word.text)):
                if isinstance(text, Unread) or (at == 0 and not _is_shell(text)):
                    doubt = _SCRIPT
                    continue
                within = scope if at and name in {"source", "."} else scope.copy()
                if at == 0:
                    within = self.child(line, scope)
                    within.arguments = as_arguments(line.words[1:], around)
                within.zero = Value(word.text)
                self.walk_text(text, within, replace(inside(around, line, name), takes_more=False))
        return doubt


def _is_shell(text: str) -> bool:
    """Whether a file that is run by its name is read by a shell."""
    found = _BANG.match(text)
    if found is None:
        return True
    program = found[2] if found[1].rpartition("/")[2] == "env" else found[1]
    return (program or "").rpartition("/")[2] in SHELLS - _FOREIGN
