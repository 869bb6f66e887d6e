"""Programs of the table of wrappers: `timeout 5 rm x` is read as `rm x`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Word
from ringfence.core.shell.doubts import NOT_LITERAL
from ringfence.core.shell.places import path_of
from ringfence.core.shell.programs.env_split import split_env
from ringfence.core.shell.programs.given_text import shell_text
from ringfence.core.shell.programs.options import Options, odd_options, options
from ringfence.core.shell.programs.wrappers import WRAPPERS, Wrapper
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import Value
from ringfence.core.shell.walk import Walk

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def start_wrapper(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    name, words = line.program, line.words
    wrapper = WRAPPERS[name]
    read = options(words, wrapper.grammar)
    if name == "env" and read.has("S", "split-string"):
        split_env(walk, line, scope, around)
        return
    at = read.at
    doubts = odd_options(name, read)
    given = list(line.assignments)
    if name == "env" and at < len(words) and words[at].text == "-":
        # With nothing of the environment.
        at += 1
    if wrapper.assigns:
        while at < len(words) and (found := _ASSIGNMENT.fullmatch(words[at].text)):
            given.append((found[1], Value(found[2], is_known=words[at].is_known)))
            at += 1
    within = _place(wrapper, read, scope)
    for text in [word for option in wrapper.text for word in read.given.get(option, [])]:
        shell_text(walk, [] if text is None else [text], line, within, around, name)
    if read.has(*wrapper.stops):
        walk.emit(line.doubted(*doubts), scope, around)
        return
    if any(word.may_split or word.is_pattern for word in words[at : at + wrapper.operands]):
        doubts.append(Doubt(Undecided.WORD, f"what {name} is given is worked out at run time"))
    at += wrapper.operands
    if wrapper.reads_on:
        at = options(words, wrapper.grammar, at).at
        doubts += _deciding(name, wrapper, [read, options(words, wrapper.grammar, read.at + 1)])
    own = replace(line.doubted(*doubts), assignments=tuple(given))
    text = _text(wrapper, read, words[at:])
    inner = words[at:]
    if wrapper.is_own or not inner or own.doubts or text is not None:
        made = (NOT_LITERAL,) if not inner and around.takes_more else ()
        walk.emit(own.doubted(*made), scope, around)
    if text is not None:
        shell_text(walk, text, line, within, around, name)
    elif inner and wrapper.is_text and not read.has(*wrapper.words):
        shell_text(walk, inner, line, within, around, name)
    elif inner:
        deeper = around.inside(line, name)
        deeper = replace(deeper, takes_more=True) if wrapper.takes_more else deeper
        walk.run(replace(own, words=inner), within, deeper, is_plain=True)


def _place(wrapper: Wrapper, read: Options, scope: Scope) -> Scope:
    """Where the command runs."""
    within = scope.copy()
    moved = read.value(*wrapper.moves)
    if moved is not None:
        within.places = tuple(path_of(moved.text, place) if moved.is_known else None for place in scope.places)
    if wrapper.leaves:
        within.places = (None,)
    return within


def _text(wrapper: Wrapper, read: Options, inner: Sequence[Word]) -> Sequence[Word] | None:
    """One word that is given to a shell. Empty: it is missing; None: it is no such word."""
    if read.has(*wrapper.text_with):
        return inner[:1]
    if inner and inner[0].text in wrapper.text_behind:
        return inner[1:2]
    return None


def _deciding(name: str, wrapper: Wrapper, every: Sequence[Options]) -> list[Doubt]:
    """Of settings that make it run something: `ssh -o ProxyCommand=...`, `ssh -F file`."""
    return [
        Doubt(Undecided.EVAL, f"an option decides what {name} runs: {word.text}"[:200])
        for option in wrapper.settings
        for read in every
        for word in read.given.get(option, [])
        if word is not None and (option == "F" or "command" in word.text.lower() or not word.is_known)
    ]
