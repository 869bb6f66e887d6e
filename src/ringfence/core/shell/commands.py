"""Simple commands: functions, the shell's own commands, wrappers, shells. What is left is a command to be judged."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Direction, Word
from ringfence.core.shell.names import assigned, leaves_early
from ringfence.core.shell.options import Grammar, options
from ringfence.core.shell.places import path_of
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.said import said
from ringfence.core.shell.scope import Function, Scope, joined
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.variables import changes_what_runs
from ringfence.core.shell.writing import Writing

NOT_LITERAL: Final = Doubt(Undecided.WORD, "the name of the command is worked out at run time")
MADE_TEXT: Final = Doubt(Undecided.EVAL, "text that is made at run time is run")
_NAME: Final = re.compile(r"[A-Za-z_]\w*(\[[^\]]*\])?")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_DECLARES: Final = frozenset({"export", "readonly", "local", "declare", "typeset"})
_EVALUATES: Final = frozenset({"read", "unset", "printf", "mapfile", "readarray", "getopts", "let", "wait", "test", "["})
_CHANGES_READING: Final = frozenset(
    {"lastpipe", "varredir_close", "assoc_expand_once", "dotglob", "extglob", "globstar", "nocaseglob"}
)
"""Options of the shell with which words become others than those that are read here."""
_MOST_CALLS: Final = 64


@dataclass(slots=True)
class Commands(Writing):
    """`run` is where every simple command comes to, at whatever depth."""

    called: dict[int, int] = field(default_factory=dict[int, int])
    """How often functions were read where they are called."""
    calling: list[int] = field(default_factory=list[int])

    @abstractmethod
    def walk_text(self, text: str, scope: Scope, around: Around) -> str | None:
        """Parse and walk a text in this scope; what it writes to standard output, where that is known."""

    @abstractmethod
    def walk_body(self, function: Function, scope: Scope, around: Around) -> None: ...

    @abstractmethod
    def wrapped(self, line: Line, scope: Scope, around: Around) -> bool:
        """Whether a program that runs others was found, and read."""

    @abstractmethod
    def shell(self, line: Line, scope: Scope, around: Around) -> bool:
        """Whether it is a shell, and was read."""

    @abstractmethod
    def script(self, line: Line, at: int, scope: Scope, around: Around) -> Doubt | None:
        """Walk the script that `line.words[at]` names, if this run wrote it."""

    def partly(self, words: Sequence[Word], scope: Scope, around: Around) -> None:
        """Look for what is certain in a text of which parts are not known. What is found stands beside the doubt."""
        text = " ".join(word.text for word in words)
        if re.search(r"\w", text) and not any(word.may_split and word.text == "?" for word in words[:1]):
            held = dict(self.doubts)
            self.walk_text(text, scope.copy(), replace(around, takes_more=True))
            self.doubts = held

    def run(self, line: Line, scope: Scope, around: Around, *, is_plain: bool = False) -> str | None:
        """Read one simple command. `is_plain`: functions are passed over (`command`, `env`)."""
        if not self.step():
            return None
        with self.deeper() as is_read:
            if not is_read:
                return None
            return self._run(line, scope, around, is_plain=is_plain)

    def _run(self, line: Line, scope: Scope, around: Around, *, is_plain: bool) -> str | None:
        first = line.words[0]
        if not first.is_known or first.is_pattern or first.may_split or not first.text:
            return self._emit(replace(line, doubts=(*line.doubts, NOT_LITERAL)), scope, around)
        name = first.text
        if name.startswith("-"):
            # bash takes `time` for a program where options of its own stand behind it.
            line = replace(line, words=(Word(text="time", raw="time"), *line.words))
            name = "time"
        for assigned_to, value in line.assignments:
            if changes_what_runs(assigned_to, value):
                self.doubt(Undecided.WORD, f"{assigned_to} decides what is run")
        function = None if is_plain else scope.functions.get(name)
        if function is not None:
            self.call(function, line, scope, around)
            if function.is_certain:
                return None
        if "/" not in name:
            handler = _BUILTINS.get(name)
            if handler is not None:
                return handler(self, line, scope, around)
        if self.shell(line, scope, around) or self.wrapped(line, scope, around):
            return None
        if "/" in name:
            doubt = self.script(line, 0, scope, around)
            if doubt is not None:
                line = replace(line, doubts=(*line.doubts, doubt))
        doubt = self.task(line, scope)
        if doubt is not None:
            line = replace(line, doubts=(*line.doubts, doubt))
        got = self._emit(line, scope, around)
        self.touch(line, scope)
        return got

    def _emit(self, line: Line, scope: Scope, around: Around) -> str | None:
        self.emit(line, scope, around)
        return said(line.words, scope.stdin, scope.place) if line.words else None

    def call(self, function: Function, line: Line, scope: Scope, around: Around) -> None:
        """A function, with its arguments in place."""
        mark = id(function.body)
        self.called[mark] = self.called.get(mark, 0) + 1
        if line.redirections or line.doubts:
            self._emit(line, scope, around)
        if mark in self.calling:
            self.doubt(Undecided.DEPTH, "a function calls itself")
            return
        if self.called[mark] > _MOST_CALLS:
            self.doubt(Undecided.DEPTH, f"a function is called more than {_MOST_CALLS} times")
            return
        before, locals_before = scope.arguments, scope.has_local
        scope.arguments = as_arguments(line.words[1:], around)
        scope.has_local = {}
        for name, value in line.assignments:
            scope.assign(name, value)
        self.calling.append(mark)
        self.walk_body(function, scope, around.within(f"{line.words[0].text}()"))
        self.calling.pop()
        for name, value in scope.has_local.items():
            scope.assign(name, value or UNKNOWN)
        scope.arguments, scope.has_local = before, locals_before
        scope.forget(name for name, _ in line.assignments)
        if leaves_early(function.body):
            names = assigned(function.body)
            if names is None:
                scope.forget_all()
            else:
                scope.forget(names)

    # What follows are the shell's own commands. Each is emitted too, unless all that it does is said by what it runs.

    def change_place(self, line: Line, scope: Scope, around: Around) -> str | None:
        words = [word for word in line.words[1:] if not re.fullmatch(r"-[LPe@n]+|--", word.text)]
        self._emit(line, scope, around)
        before = scope.places
        if "CDPATH" in scope.variables:
            scope.places = (None,)
            return None
        if not words:
            home = scope.variables.get("HOME", Value(self.home) if self.home else UNKNOWN)
            target = home if line.words[0].text == "cd" else UNKNOWN
        else:
            target = Value(words[0].text, is_known=words[0].is_known and not words[0].is_pattern and len(words) == 1)
        if not target.is_known or target.text == "-" or target.text.startswith(("+", "-")):
            scope.places = (None,)
            scope.failed = joined((None,), before)
            return None
        moved = tuple(dict.fromkeys(path_of(target.text, place) for place in before)) if target.text else before
        scope.variables.pop("PWD", None)
        scope.places = moved
        # What is always there does not fail.
        if not re.fullmatch(r"(\.\./?)+|\./?|/", target.text) and target.text not in before:
            scope.failed = before if before != moved else ()
        return ""

    def pop_place(self, line: Line, scope: Scope, around: Around) -> str | None:
        self._emit(line, scope, around)
        scope.places = (None,)
        return None

    def evaluate(self, line: Line, scope: Scope, around: Around) -> str | None:
        words = line.words[1:]
        if words and words[0].text == "--":
            words = words[1:]
        text = known_text(words)
        if text is None or around.takes_more:
            self._emit(replace(line, doubts=(*line.doubts, MADE_TEXT)), scope, around)
            self.partly(words, scope, inside(around, line, "eval"))
            scope.forget_all()
            return None
        if line.redirections or line.doubts:
            self._emit(line, scope, around)
        if line.redirections or line.doubts:
            self._emit(line, scope, around)
        for name, value in line.assignments:
            scope.assign(name, value)
        return self.walk_text(text, scope, inside(around, line, "eval"))

    def run_file(self, line: Line, scope: Scope, around: Around) -> str | None:
        at = 2 if len(line.words) > 1 and line.words[1].text == "--" else 1
        doubt = self.script(line, at, scope, around) if at < len(line.words) else MADE_TEXT
        self._emit(line if doubt is None else replace(line, doubts=(*line.doubts, doubt)), scope, around)
        scope.forget([*scope.variables, *scope.lists])
        scope.functions = {name: replace(one, is_certain=False) for name, one in scope.functions.items()}
        return None

    def replace_shell(self, line: Line, scope: Scope, around: Around) -> str | None:
        read = options(line.words, Grammar(flags="cl", valued="a"))
        if read.at >= len(line.words):
            self._emit(line, scope, around)
            for one in line.redirections:
                if one.direction in {Direction.READ, Direction.BOTH}:
                    scope.stdin, scope.is_piped = None, True
            return ""
        return self.inner(line, read.at, scope, inside(around, line, "exec"), is_plain=True)

    def bypass(self, line: Line, scope: Scope, around: Around) -> str | None:
        """`command` and `builtin`."""
        read = options(line.words, Grammar(flags="pvV"))
        if read.has("v", "V") or read.at >= len(line.words):
            return self._emit(line, scope, around)
        return self.inner(line, read.at, scope, inside(around, line, line.words[0].text), is_plain=True)

    def inner(self, line: Line, at: int, scope: Scope, around: Around, *, is_plain: bool = True) -> str | None:
        """The command that stands behind a wrapper's options. Who asks has put the wrapper into `around`."""
        return self.run(replace(line, words=line.words[at:]), scope, around, is_plain=is_plain)

    def trap(self, line: Line, scope: Scope, around: Around) -> str | None:
        self._emit_plain_trap(line, scope, around)
        return ""

    def _emit_plain_trap(self, line: Line, scope: Scope, around: Around) -> None:
        read = options(line.words, Grammar(flags="lpP"))
        words = line.words[read.at :]
        if read.has("l", "p", "P") or not words or words[0].text == "-" or (len(words) == 1 and not words[0].may_split):
            self._emit(line, scope, around)
            return
        if not words[0].is_known or words[0].may_split or words[0].is_pattern:
            self._emit(replace(line, doubts=(*line.doubts, MADE_TEXT)), scope, around)
            return
        self._emit(line, scope, around)
        later = scope.copy()
        later.forget_all()
        self.walk_text(words[0].text, later, inside(around, line, "trap"))

    def alias(self, line: Line, scope: Scope, around: Around) -> str | None:
        pairs = [word for word in line.words[1:] if "=" in word.text or not word.is_known]
        if not pairs:
            return self._emit(line, scope, around)
        self._emit(
            replace(line, doubts=(*line.doubts, Doubt(Undecided.EVAL, "an alias changes what words mean"))), scope, around
        )
        for word in pairs:
            if word.is_known:
                self.walk_text(
                    word.text.partition("=")[2], scope.copy(), replace(inside(around, line, "alias"), takes_more=True)
                )
        return None

    def doubtful(self, line: Line, scope: Scope, around: Around) -> str | None:
        """Commands that let text be run later on, or change what names mean."""
        texts = [word.text for word in line.words[1:]]
        unknown = any(not word.is_known for word in line.words[1:])
        match line.words[0].text:
            case "shopt":
                odd = unknown or any(text in _CHANGES_READING for text in texts)
            case "hash" | "enable" | "compgen":
                odd = any(re.match(r"-[a-zA-Z]*[pfnCFd]", text) or "$(" in text or "`" in text for text in texts)
            case "set":
                odd = any(re.match(r"[-+][a-zA-Z]*k", text) for text in texts) or "keyword" in texts or "posix" in texts
                self._set(line, scope)
            case _:
                odd = bool(texts)
        if odd:
            line = replace(line, doubts=(*line.doubts, Doubt(Undecided.EVAL, f"{line.words[0].text} changes what is run")))
        return self._emit(line, scope, around)

    def _set(self, line: Line, scope: Scope) -> None:
        for number, word in enumerate(line.words[1:], start=1):
            if word.text in {"--", "-"}:
                scope.arguments = as_arguments(line.words[number + 1 :], Around())
                return
            is_option = word.text.startswith(("-", "+")) and word.is_known
            is_name = number > 1 and re.fullmatch(r"[-+][a-zA-Z]*o", line.words[number - 1].text)
            if not is_option and not is_name:
                scope.arguments = None
                return

    def shift(self, line: Line, scope: Scope, around: Around) -> str | None:
        many = line.words[1].text if len(line.words) == 2 else "1" if len(line.words) == 1 else ""
        if scope.arguments is not None and re.fullmatch(r"\d{1,3}", many) and int(many) <= len(scope.arguments):
            scope.arguments = scope.arguments[int(many) :]
        elif scope.arguments is not None and not (many.isdigit() and int(many[:4]) > len(scope.arguments)):
            scope.arguments = None
        return self._emit(line, scope, around)

    def declare(self, line: Line, scope: Scope, around: Around) -> str | None:
        """`builtin export X=1`, where it stands as plain words."""
        odd = (
            any(re.match(r"[-+][a-zA-Z]*[iluncrAa]", word.text) for word in line.words[1:]) or line.words[0].text == "readonly"
        )
        for word in line.words[1:]:
            self.operand(word.text, scope, around)
            if not word.is_known:
                line = replace(
                    line, doubts=(*line.doubts, Doubt(Undecided.WORD, "the name of a variable is worked out at run time"))
                )
                scope.forget(scope.variables)
                continue
            found = _ASSIGNMENT.match(word.text)
            name = found[1] if found else word.text
            if not _NAME.fullmatch(name):
                continue
            value = Value(found[2]) if found else UNKNOWN
            self.remember(value)
            if changes_what_runs(name, value):
                line = replace(line, doubts=(*line.doubts, Doubt(Undecided.WORD, f"{name} decides what is run")))
            if odd:
                scope.odd.add(name)
            scope.assign(name, value)
        return self._emit(line, scope, around)

    def names(self, line: Line, scope: Scope, around: Around) -> str | None:
        """Commands that assign to names that are their words, and work out an index in one."""
        name = line.words[0].text
        if (
            name == "let"
            and self.is_fed
            and any(re.search(r"[A-Za-z_]", word.text.partition("=")[2]) for word in line.words[1:])
        ):
            self.doubt(Undecided.EVAL, "a number is worked out of what a file of this run holds, which may run a command")
        for number, word in enumerate(line.words[1:], start=1):
            if word.is_known:
                self.operand(word.text, scope, around)
            elif name in {"read", "unset", "let", "mapfile", "readarray"} or line.words[number - 1].text in {"-v", "-p"}:
                line = replace(
                    line, doubts=(*line.doubts, Doubt(Undecided.WORD, "the name of a variable is worked out at run time"))
                )
                scope.forget(scope.variables)
        if name in {"read", "unset", "mapfile", "readarray", "getopts", "let", "wait"} or (
            name == "printf" and len(line.words) > 1 and line.words[1].text.startswith("-v")
        ):
            odd = [word.text for word in line.words[1:] if word.is_known and changes_what_runs(word.text, UNKNOWN)]
            odd += [word.text[2:] for word in line.words[1:2] if changes_what_runs(word.text[2:], UNKNOWN)]
            if odd and name != "unset":
                line = replace(line, doubts=(*line.doubts, Doubt(Undecided.WORD, f"{odd[0]} decides what is run")))
            for word in line.words[1:]:
                scope.forget(re.findall(r"[A-Za-z_]\w*", word.text))
                if name == "unset" and word.text in scope.functions:
                    scope.functions[word.text] = replace(scope.functions[word.text], is_certain=False)
            scope.forget(["REPLY", "MAPFILE", "OPTARG", "OPTIND"])
        return self._emit(line, scope, around)


def inside(around: Around, line: Line, name: str) -> Around:
    """Around the command that a wrapper runs."""
    return replace(around, via=(*around.via, name), outer=(*around.outer, line.words))


def known_text(words: Sequence[Word]) -> str | None:
    """Words joined as `eval` joins them; None: one of them is not known."""
    if any(not word.is_known or word.is_pattern or word.may_split for word in words):
        return None
    return " ".join(word.text for word in words)


def as_arguments(words: Sequence[Word], around: Around) -> tuple[Value, ...] | None:
    if around.takes_more or any(word.may_split for word in words):
        return None
    return tuple(Value(word.text, is_known=word.is_known, is_pattern=word.is_pattern, is_one=word.is_known) for word in words)


_BUILTINS: Final[dict[str, Any]] = {
    "cd": Commands.change_place,
    "pushd": Commands.change_place,
    "popd": Commands.pop_place,
    "eval": Commands.evaluate,
    "source": Commands.run_file,
    ".": Commands.run_file,
    "exec": Commands.replace_shell,
    "command": Commands.bypass,
    "builtin": Commands.bypass,
    "trap": Commands.trap,
    "alias": Commands.alias,
    "shift": Commands.shift,
    **dict.fromkeys(_DECLARES, Commands.declare),
    **dict.fromkeys(_EVALUATES, Commands.names),
    **dict.fromkeys(("shopt", "hash", "enable", "compgen", "complete", "bind", "fc", "set"), Commands.doubtful),
}
