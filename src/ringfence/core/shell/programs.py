"""Programs that run other programs, and what they run."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.carriers import carried
from ringfence.core.shell.command import Word
from ringfence.core.shell.commands import MADE_TEXT, NOT_LITERAL, inside, known_text
from ringfence.core.shell.containers import contained
from ringfence.core.shell.nested import Nested
from ringfence.core.shell.options import Grammar, options
from ringfence.core.shell.places import path_of
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.runners import started
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import Value
from ringfence.core.shell.wrappers import WRAPPERS, Wrapper

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_XARGS: Final = Grammar(
    flags="0oprtx",
    valued="adEILnPs",
    attached="eil",
    long_flags=frozenset(
        ["null", "open-tty", "interactive", "no-run-if-empty", "verbose", "exit", "show-limits", "eof", "replace", "max-lines"]
    ),
    long_valued=frozenset(["arg-file", "delimiter", "max-args", "max-chars", "max-procs", "process-slot-var"]),
)
_PARALLEL: Final = Grammar(
    flags="0kmXquvtzx",
    valued="aCdEIijJLlNnPrsST",
    long_flags=frozenset(
        [
            "keep-order",
            "null",
            "dry-run",
            "verbose",
            "progress",
            "bar",
            "eta",
            "xargs",
            "quote",
            "ungroup",
            "line-buffer",
            "pipe",
            "will-cite",
            "no-notice",
            "tag",
        ]
    ),
    long_valued=frozenset(
        [
            "arg-file",
            "colsep",
            "delimiter",
            "jobs",
            "max-procs",
            "max-args",
            "max-replace-args",
            "max-lines",
            "max-chars",
            "results",
            "joblog",
            "sshlogin",
            "sshloginfile",
            "retries",
            "timeout",
            "delay",
            "load",
            "memfree",
            "workdir",
            "tmpdir",
            "tagstring",
            "halt",
            "nice",
            "block",
            "recstart",
            "recend",
            "basefile",
            "env",
            "transferfile",
            "return",
        ]
    ),
)
_SPLITS: Final = re.compile(r"-[i0v]*S(.+)?|--sp[a-z-]*(?:=(.*))?", re.DOTALL)
_PIECES: Final = re.compile(r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])+")
_FIND_RUNS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_TRACED: Final = frozenset({"su", "script", "sg"})


@dataclass(slots=True)
class Programs(Nested):
    def wrapped(self, line: Line, scope: Scope, around: Around) -> bool:
        name = line.words[0].text.rpartition("/")[2]
        wrapper = WRAPPERS.get(name)
        if wrapper is not None:
            self._wrapper(name, wrapper, line, scope, around)
        elif name == "find":
            self._find(line, scope, around)
        elif name == "xargs":
            self._xargs(line, scope, around)
        elif name in {"parallel", "rush"}:
            self._parallel(line, scope, around)
        elif name in _TRACED:
            self._as_user(name, line, scope, around)
        else:
            return self._carrier(name, line, scope, around)
        return True

    def _wrapper(self, name: str, wrapper: Wrapper, line: Line, scope: Scope, around: Around) -> None:
        read = options(line.words, wrapper.grammar)
        at, words = read.at, line.words
        within = scope.copy()
        moved = read.value(*wrapper.moves)
        if moved is not None:
            within.places = tuple(path_of(moved.text, place) if moved.is_known else None for place in scope.places)
        if wrapper.leaves:
            within.places = (None,)
        assignments = list(line.assignments)
        doubts = [*line.doubts, *self._odd(name, read.odd)]
        if name == "env" and read.has("S", "split-string"):
            self._split(line, scope, around)
            return
        if name == "env" and at < len(words) and words[at].text == "-":
            at += 1
        if wrapper.assigns:
            while at < len(words) and (found := _ASSIGNMENT.fullmatch(words[at].text)):
                assignments.append((found[1], Value(found[2], is_known=words[at].is_known)))
                at += 1
        for text in [word for option in wrapper.text for word in read.given.get(option, [])]:
            self._text([] if text is None else [text], line, within, around, name)
        if read.has(*wrapper.stops):
            self.emit(replace(line, doubts=tuple(doubts)), scope, around)
            return
        operands = words[at : at + wrapper.operands]
        if any(word.may_split or word.is_pattern for word in operands):
            doubts.append(Doubt(Undecided.WORD, f"what {name} is given is worked out at run time"))
        at += wrapper.operands
        if name == "ssh":
            # Options may stand behind the host too.
            at = options(words, wrapper.grammar, at).at
            doubts += [
                Doubt(Undecided.EVAL, f"an option decides what ssh runs: {word.text}"[:200])
                for option in ("o", "F")
                for word in [*read.given.get(option, []), *options(words, wrapper.grammar, read.at + 1).given.get(option, [])]
                if word is not None and (option == "F" or "command" in word.text.lower() or not word.is_known)
            ]
        own = replace(line, doubts=tuple(doubts), assignments=tuple(assignments))
        rest = words[at:]
        if name == "flock" and rest and rest[0].text in {"-c", "--command"}:
            self.emit(own, scope, around)
            self._text(list(rest[1:2]), line, within, around, name)
            return
        if name == "entr" and read.has("s"):
            self.emit(own, scope, around)
            self._text(list(rest[:1]), line, within, around, name)
            return
        if wrapper.is_own or not rest or doubts:
            if not rest and around.takes_more:
                own = replace(own, doubts=(*own.doubts, NOT_LITERAL))
            self.emit(own, scope, around)
        if not rest:
            return
        if wrapper.is_text and not read.has("x", "exec"):
            self._text(list(rest), line, within, around, name)
            return
        deeper = inside(around, line, name)
        if name == "entr":
            deeper = replace(deeper, takes_more=True)
        self.run(replace(line, words=rest, assignments=tuple(assignments), doubts=tuple(doubts)), within, deeper, is_plain=True)

    def _text(self, words: list[Word], line: Line, scope: Scope, around: Around, name: str) -> None:
        """Words that are joined and given to a shell."""
        text = known_text(words) if words else None
        if text is None or around.takes_more:
            self.emit(replace(line, doubts=(*line.doubts, MADE_TEXT)), scope, around)
            self.partly(words, self.child(line, scope), inside(around, line, name))
            return
        if line.redirections or line.doubts:
            self.emit(line, scope, around)
        if line.redirections:
            self.emit(line, scope, around)
        self.walk_text(text, self.child(line, scope), inside(around, line, name))

    def _split(self, line: Line, scope: Scope, around: Around) -> None:
        """`env -S 'a b' c`: the text is split into words, nearly as a shell does, and stands in its place."""
        for at, word in enumerate(line.words[1:], start=1):
            found = _SPLITS.fullmatch(word.text)
            if found is None:
                continue
            attached = found[1] or found[2]
            end = at + 1 if attached is not None else at + 2
            given = word if attached is not None else line.words[at + 1] if at + 1 < len(line.words) else None
            text = attached if attached is not None else given.text if given is not None else ""
            if given is None or not given.is_known or given.is_pattern or re.search(r"[$\\#]", text):
                break
            pieces = (
                re.sub(r"'([^']*)'|\"([^\"]*)\"", lambda quoted: quoted[1] or quoted[2] or "", one)
                for one in _PIECES.findall(text)
            )
            words = (*line.words[:at], *(Word(text=one, raw=one) for one in pieces), *line.words[end:])
            self.run(replace(line, words=words), scope, around, is_plain=True)
            return
        self.emit(replace(line, doubts=(*line.doubts, MADE_TEXT)), scope, around)

    def _odd(self, name: str, odd: list[str]) -> list[Doubt]:
        return [Doubt(Undecided.WORD, f"an option of {name} is not read: {one}") for one in odd]

    def _find(self, line: Line, scope: Scope, around: Around) -> None:
        """The search itself, and what it runs for each path."""
        self.emit(line, scope, around)
        at = 1
        while at < len(line.words):
            if line.words[at].text not in _FIND_RUNS:
                at += 1
                continue
            end = at + 1
            while (
                end < len(line.words)
                and line.words[end].text != ";"
                and not (line.words[end].text == "+" and line.words[end - 1].text == "{}")
            ):
                end += 1
            inner = tuple(_filled(word, "{}") for word in line.words[at + 1 : end])
            within = scope.copy()
            if line.words[at].text in {"-execdir", "-okdir"}:
                within.places = (None,)
            if inner:
                more = replace(inside(around, line, "find"), takes_more=True)
                self.run(replace(line, words=inner, redirections=()), within, more, is_plain=True)
            at = end

    def _xargs(self, line: Line, scope: Scope, around: Around) -> None:
        read = options(line.words, _XARGS)
        inner = line.words[read.at :]
        # One that is given its words by another may be given a command, or a file of commands.
        made = (NOT_LITERAL,) if around.takes_more and not inner else ()
        doubts = (*line.doubts, *self._odd("xargs", read.odd), *made)
        self.emit(replace(line, doubts=doubts), scope, around)
        if not inner:
            return
        mark = read.value("I", "i", "replace")
        within = scope.copy()
        given, within.stdin, within.is_piped = scope.stdin, None, False
        deeper = replace(inside(around, line, "xargs"), takes_more=True)
        if read.has("I", "i", "replace"):
            inner = tuple(_filled(word, mark.text if mark is not None and mark.text else "{}") for word in inner)
        elif (
            given is not None
            and not around.takes_more
            and not read.has("d", "delimiter", "0", "null", "a", "arg-file", "E", "e", "eof")
            and not re.search(r"['\"\\]", given)
        ):
            inner = (*inner, *(Word(text=one, raw=one) for one in given.split()[:200]))
            deeper = replace(deeper, takes_more=len(given.split()) > 200)
        self.run(replace(line, words=inner, doubts=doubts, redirections=()), within, deeper, is_plain=True)

    def _parallel(self, line: Line, scope: Scope, around: Around) -> None:
        read = options(line.words, _PARALLEL)
        rest = list(line.words[read.at :])
        marks = [number for number, word in enumerate(rest) if word.text in {":::", "::::", ":::+", "::::+"}]
        command = rest[: marks[0]] if marks else rest
        line = replace(line, doubts=(*line.doubts, *self._odd("parallel", read.odd)))
        if not command:
            # Each line of its input is a command.
            self.emit(replace(line, doubts=(*line.doubts, MADE_TEXT)), scope, around)
            if marks:
                for word in rest[marks[0] + 1 :]:
                    self._text([word], line, scope.copy(), around, "parallel")
            return
        self.emit(line, scope, around)
        filled = [_filled(word, "{") for word in command]
        if any(not word.is_known for word in filled[:1]):
            self.emit(replace(line, doubts=(*line.doubts, NOT_LITERAL)), scope, around)
        text = " ".join(word.text for word in filled)
        if any(re.search(r"[;&|`$<>(]", word.text) for word in filled):
            self.walk_text(text, self.child(line, scope), replace(inside(around, line, "parallel"), takes_more=True))
            return
        self.run(
            replace(line, words=tuple(filled), redirections=()),
            scope.copy(),
            replace(inside(around, line, "parallel"), takes_more=True),
            is_plain=True,
        )

    def _as_user(self, name: str, line: Line, scope: Scope, around: Around) -> None:
        """`su`, `sg` and `script`: options may stand behind operands, and `-c` carries a text."""
        self.emit(line, scope, around)
        words = line.words[1:]
        for number, word in enumerate(words):
            found = re.fullmatch(r"-[a-zA-Z]*c(.*)|--(?:session-)?command(?:=(.*))?", word.text, re.DOTALL)
            if found is None:
                continue
            attached = found[1] or found[2]
            given = (
                Word(text=attached, raw=word.raw, is_known=word.is_known)
                if attached
                else words[number + 1]
                if number + 1 < len(words)
                else None
            )
            self._text([] if given is None else [given], line, scope.copy(), around, f"{name} -c")
        if name == "sg" and len(words) > 1 and words[1].text != "-c":
            self._text(list(words[1:2]), line, scope.copy(), around, "sg")
        if scope.is_piped and name == "su":
            self._text(
                [Word(text=scope.stdin or "?", raw="", is_known=scope.stdin is not None)], line, scope.copy(), around, name
            )

    def _carrier(self, name: str, line: Line, scope: Scope, around: Around) -> bool:
        """Programs that are commands of their own, and may run something besides."""
        found = carried(name, line.words)
        inner = started(name, line.words)
        if inner is None:
            inner = contained(name, line.words)
        if found is None and inner is None:
            return False
        doubt = self.task(line, scope)
        doubts = (*line.doubts, *(() if found is None else found.doubts), *(() if doubt is None else (doubt,)))
        self.emit(replace(line, doubts=doubts), scope, around)
        if found is not None:
            for text in found.texts:
                self.walk_text(text, self.child(line, scope), replace(inside(around, line, found.via), takes_more=True))
            for words in found.commands:
                self.run(
                    replace(line, words=words, redirections=()), scope.copy(), inside(around, line, found.via), is_plain=True
                )
        if inner is not None:
            for words in inner.commands:
                within = scope.copy()
                if inner.leaves:
                    within = self.child(line, scope)
                    within.places = (None,)
                if words:
                    deeper = replace(inside(around, line, inner.via), is_covered=inner.is_covered or around.is_covered)
                    self.run(replace(line, words=words, redirections=()), within, deeper, is_plain=True)
            for text in inner.texts:
                self._text([text], line, scope.copy(), replace(around, is_covered=inner.is_covered), inner.via)
        self.touch(line, scope)
        return True


def _filled(word: Word, mark: str) -> Word:
    """A word in which something else will stand for `mark`."""
    if mark not in word.text:
        return word
    return replace(word, text=word.text.replace(mark, "?") if mark == "{}" else "?", is_known=False)
