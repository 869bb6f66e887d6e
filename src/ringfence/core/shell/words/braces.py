"""Brace expansion: `{a,b}`, `{1..9..2}`, `{x..z}`, as bash does it before every other expansion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ringfence.core.shell.nodes import Node

MOST: Final = 512
"""Words that one word may become."""
_MOST_BRACES: Final = 64
_NUMBERS: Final = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.(-?\d{1,9}))?")
_LETTERS: Final = re.compile(r"([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Part:
    """An expansion that is still to be made."""

    node: Node
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they will be. Each unquoted brace and comma stands alone."""

    text: str
    is_quoted: bool


Token: TypeAlias = Part | Text


def braced(tokens: Sequence[Token]) -> list[list[Token]] | None:
    """Every word that a word becomes, in order. None: more than are read here."""
    opening = sum(_is(token, "{") for token in tokens)
    if not opening:
        return [list(tokens)]
    if opening > _MOST_BRACES:
        return None
    return _expanded(list(tokens))


def _expanded(tokens: list[Token]) -> list[list[Token]] | None:
    start = 0
    while True:
        start = next((at for at in range(start, len(tokens)) if _is(tokens[at], "{")), -1)
        if start < 0:
            return [tokens]
        found = _alternatives(tokens, start)
        if found is not None:
            break
        start += 1
    choices, end = found
    tails = _expanded(tokens[end + 1 :])
    if tails is None:
        return None
    made: list[list[Token]] = []
    for choice in choices:
        inner = _expanded(choice)
        if inner is None or len(inner) * len(tails) + len(made) > MOST:
            return None
        made += [tokens[:start] + one + tail for one in inner for tail in tails]
    return made


def _alternatives(tokens: list[Token], start: int) -> tuple[list[list[Token]], int] | None:
    """What stands between the commas of the brace at `start`, and where it closes; None: it is no expansion."""
    depth, commas = 0, [start]
    for at in range(start, len(tokens)):
        if _is(tokens[at], "{"):
            depth += 1
        elif _is(tokens[at], ",") and depth == 1:
            commas.append(at)
        elif _is(tokens[at], "}"):
            depth -= 1
            if depth == 0:
                if len(commas) > 1:
                    ends = [*commas[1:], at]
                    return [tokens[first + 1 : last] for first, last in zip(commas, ends, strict=True)], at
                sequence = _sequence(tokens[start + 1 : at])
                return None if sequence is None else (sequence, at)
    return None


def _sequence(tokens: list[Token]) -> list[list[Token]] | None:
    texts = [token.text for token in tokens if isinstance(token, Text) and not token.is_quoted]
    if len(texts) != len(tokens):
        return None
    inner = "".join(texts)
    if found := _NUMBERS.fullmatch(inner):
        first, last = int(found[1]), int(found[2])
        width = max(len(found[1]), len(found[2])) if any(_is_padded(one) for one in (found[1], found[2])) else 0
        return [[Text(f"{number:0{width}d}" if width else str(number), True)] for number in _steps(first, last, found[3])]
    if found := _LETTERS.fullmatch(inner):
        return [[Text(chr(point), True)] for point in _steps(ord(found[1]), ord(found[2]), found[3])]
    return None


def _steps(first: int, last: int, step: str | None) -> Sequence[int]:
    by = abs(int(step or 1)) or 1
    # One more than are taken is enough to be too many.
    return (range(first, last + 1, by) if first <= last else range(first, last - 1, -by))[: MOST + 1]


def _is_padded(number: str) -> bool:
    digits = number.lstrip("-")
    return len(digits) > 1 and digits.startswith("0")


def _is(token: Token, character: str) -> bool:
    return isinstance(token, Text) and not token.is_quoted and token.text == character
