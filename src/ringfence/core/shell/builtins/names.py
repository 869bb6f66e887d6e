"""Builtins that take names of variables: `export`, `read`, `unset`, `printf -v`, `let`, `test`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ringfence.core.shell.doubts import FED_NUMBER, MADE_NAME, decides
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import UNKNOWN, Value
from ringfence.core.shell.variables import changes_what_runs
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expressions import operand

_NAME: Final = re.compile(r"[A-Za-z_]\w*(\[[^\]]*\])?")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_ODD: Final = re.compile(r"[-+][a-zA-Z]*[iluncrAa]")
_ASSIGNS: Final = frozenset({"read", "unset", "mapfile", "readarray", "getopts", "let", "wait"})
_NAMED_BY_WORDS: Final = frozenset({"read", "unset", "let", "mapfile", "readarray"})
_IMPLIED: Final = ("REPLY", "MAPFILE", "OPTARG", "OPTIND")
"""Assigned to without being named."""


def declare(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    """`builtin export X=1`, where it stands as plain words."""
    is_odd = any(_ODD.match(word.text) for word in line.words[1:]) or line.words[0].text == "readonly"
    for word in line.words[1:]:
        operand(walk, word.text, scope, around)
        if not word.is_known:
            line = line.doubted(MADE_NAME)
            scope.forget(scope.variables)
            continue
        found = _ASSIGNMENT.match(word.text)
        name = found[1] if found else word.text
        if not _NAME.fullmatch(name):
            continue
        value = Value(found[2]) if found else UNKNOWN
        walk.remember(value)
        if changes_what_runs(name, value):
            line = line.doubted(decides(name))
        if is_odd:
            scope.odd.add(name)
        scope.assign(name, value)
    return walk.output(line, scope, around)


def takes_names(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    """Commands that assign to names that are their words, and work out an index in one."""
    name, words = line.words[0].text, line.words[1:]
    if name == "let" and walk.files.is_fed and any(re.search(r"[A-Za-z_]", word.text.partition("=")[2]) for word in words):
        walk.add(FED_NUMBER)
    for number, word in enumerate(words):
        if word.is_known:
            operand(walk, word.text, scope, around)
        elif name in _NAMED_BY_WORDS or line.words[number].text in {"-v", "-p"}:
            line = line.doubted(MADE_NAME)
            scope.forget(scope.variables)
    if name in _ASSIGNS or (name == "printf" and words and words[0].text.startswith("-v")):
        odd = [word.text for word in words if word.is_known and changes_what_runs(word.text, UNKNOWN)]
        odd += [word.text[2:] for word in words[:1] if changes_what_runs(word.text[2:], UNKNOWN)]
        if odd and name != "unset":
            line = line.doubted(decides(odd[0]))
        for word in words:
            scope.forget(re.findall(r"[A-Za-z_]\w*", word.text))
            if name == "unset" and word.text in scope.functions:
                scope.functions[word.text] = replace(scope.functions[word.text], is_certain=False)
        scope.forget(_IMPLIED)
    return walk.output(line, scope, around)
