"""What a command writes to its standard output, where that is known from its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.escapes import printed

_ECHO_OPTION: Final = re.compile(r"-[neE]+")
_DIRECTIVE: Final = re.compile(r"%(%|s|b|d|[^%sbd]?)")
_MOST: Final = 100_000
_SILENT: Final = frozenset(
    {":", "true", "false", "cd", "mkdir", "touch", "export", "set", "unset", "sleep", "rm", "cp", "mv", "chmod", "wait"}
)


def said(words: Sequence[Word], stdin: str | None, place: str | None) -> str | None:
    """Its output. None: nobody knows."""
    if any(not word.is_known or word.is_pattern for word in words):
        return None
    texts = [word.text for word in words]
    match texts[0]:
        case "echo":
            return _echo(texts[1:])
        case "printf":
            return _printf(texts[1:])
        case "cat" if texts[1:] in ([], ["-"]):
            return stdin
        case "pwd" if len(texts) == 1 and place is not None:
            return f"{place}\n"
        case name if name in _SILENT and not any(text.startswith("-v") or text == "--verbose" for text in texts):
            return "" if name != "cd" or len(texts) == 1 or texts[1] != "-" else None
        case _:
            return None


def _echo(texts: list[str]) -> str | None:
    end, is_escaped = "\n", False
    while texts and _ECHO_OPTION.fullmatch(texts[0]):
        for letter in texts.pop(0)[1:]:
            if letter == "n":
                end = ""
            else:
                is_escaped = letter == "e"
    joined = " ".join(texts)
    made = printed(joined) if is_escaped else joined
    return None if made is None else made + end


def _printf(texts: list[str]) -> str | None:
    if texts[:1] == ["--"]:
        texts = texts[1:]
    if not texts or texts[0].startswith("-"):
        return None
    pattern, waiting = texts[0], texts[1:]
    takes = sum(found[1] not in {"%"} for found in _DIRECTIVE.finditer(pattern))
    made = ""
    while True:
        piece = _once(pattern, waiting)
        if piece is None or len(made) + len(piece) > _MOST:
            return None
        made += piece
        if not waiting or not takes:
            return made


def _once(pattern: str, waiting: list[str]) -> str | None:
    made, at = "", 0
    for found in _DIRECTIVE.finditer(pattern):
        plain = printed(pattern[at : found.start()])
        at = found.end()
        piece = _directive(found[1], waiting)
        if plain is None or piece is None:
            return None
        made += plain + piece
    rest = printed(pattern[at:])
    return None if rest is None else made + rest


def _directive(letter: str, waiting: list[str]) -> str | None:
    if letter == "%":
        return "%"
    given = waiting.pop(0) if waiting else ""
    if letter == "s":
        return given
    if letter == "b":
        return printed(given)
    if letter == "d":
        return given or "0" if re.fullmatch(r"|0|[1-9]\d*", given) else None
    return None
