"""Patterns, without regular expressions: what one costs is bounded by its length times that of what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_CACHED: Final = 4096


def fits_text(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for any characters, blanks and newlines too. All else is literal."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


@dataclass(frozen=True, slots=True)
class Any:
    """Any characters (`*`) or exactly one (`?`)."""

    many: bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """A class: `[a-z]`, `[!0-9]`."""

    ranges: tuple[tuple[str, str], ...]
    is_not: bool = False

    def has(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) is not self.is_not


Token = str | Any | OneOf
"""One character, or what stands for some."""
MANY: Final = Any(many=True)
ONE: Final = Any(many=False)


class BadPattern(ValueError):
    """A pattern that nobody can read. `offset` is where."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(why)
        self.offset = offset


@lru_cache(maxsize=_CACHED)
def tokens_of(text: str) -> tuple[Token, ...]:
    """One component of a path pattern (gitignore, shell). Raises: BadPattern."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            if at + 1 == len(text):
                raise BadPattern(at, "expected a character after `\\`")
            tokens.append(text[at + 1])
            at += 2
        elif char == "*":
            if not tokens or tokens[-1] != MANY:
                tokens.append(MANY)
            at += 1
        elif char == "?":
            tokens.append(ONE)
            at += 1
        elif char == "[":
            one, at = _class(text, at)
            tokens.append(one)
        else:
            tokens.append(char)
            at += 1
    return tuple(tokens)


def _class(text: str, start: int) -> tuple[OneOf, int]:
    at = start + 1
    is_not = text[at : at + 1] in ("!", "^")
    at += is_not
    ranges: list[tuple[str, str]] = []
    first = at
    while at < len(text) and (text[at] != "]" or at == first):
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        low = text[at]
        if text[at + 1 : at + 2] == "-" and text[at + 2 : at + 3] not in ("", "]"):
            ranges.append((low, text[at + 2]))
            at += 3
        else:
            ranges.append((low, low))
            at += 1
    if at >= len(text):
        raise BadPattern(start, "expected `]` after `[`; a bracket of a name is written `\\[`")
    return OneOf(tuple(ranges), is_not), at + 1


def literal(text: str) -> tuple[Token, ...]:
    """A text that stands for itself."""
    return tuple(text)


def meet(left: tuple[Token, ...], right: tuple[Token, ...]) -> bool:
    """Whether some text fits both. With one side literal: whether it fits the other."""
    reached = {0}
    reached |= _skipped(right, reached)
    for token in left:
        if token == MANY:
            # Whatever is left of the other side may be taken in.
            low = min(reached, default=None)
            reached = set() if low is None else set(range(low, len(right) + 1))
            continue
        following: set[int] = set()
        for at in reached:
            if at < len(right):
                other = right[at]
                if other == MANY:
                    following.add(at)
                elif _alike(token, other):
                    following.add(at + 1)
        reached = following | _skipped(right, following)
        if not reached:
            return False
    return len(right) in reached


def _skipped(right: tuple[Token, ...], reached: set[int]) -> set[int]:
    """Positions behind a `*` that stands for nothing."""
    return {at + 1 for at in reached if at < len(right) and right[at] == MANY}


def _alike(left: Token, right: Token) -> bool:
    if isinstance(left, Any) or isinstance(right, Any):
        return True
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, str):
        return right.has(left) if isinstance(right, OneOf) else False
    if isinstance(right, str):
        return left.has(right)
    return True  # two classes: they may have a character in common
