"""What an expansion comes to, as far as it can be known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.core.shell.command import Word

_SPECIAL: Final = re.compile(r"[*?\[]")
_ALWAYS: Final = re.compile(r"[*?]")
_PLAIN: Final = re.compile(r"[\w@%+=:,./~^{}!*?\[\]#-]+", re.ASCII)
NO_WORD: Final = "?"
"""What stands where a part is not known."""


@dataclass(frozen=True, slots=True)
class Value:
    """The text of a variable, of a substitution, of a quoted part."""

    text: str
    is_known: bool = True
    is_pattern: bool = False
    """It is a pattern whose fitting paths stand in its place: the variable of `for f in *.md`."""
    is_one: bool = False
    """Not known, but never more than one word: a number."""
    is_many: bool = False
    """Not known, and any number of words even between quotes: `"$@"`."""


UNKNOWN: Final = Value(NO_WORD, is_known=False)
MANY: Final = Value(NO_WORD, is_known=False, is_many=True)
NUMBER: Final = Value(NO_WORD, is_known=False, is_one=True)
EMPTY: Final = Value("")


@dataclass(frozen=True, slots=True)
class Bit:
    """A piece of a word under expansion."""

    text: str
    is_quoted: bool = True
    is_known: bool = True
    is_pattern: bool = False
    may_split: bool = False
    is_one: bool = False


def bit_of(value: Value, *, is_quoted: bool) -> Bit:
    return Bit(
        value.text,
        is_quoted=is_quoted or value.is_pattern,
        is_known=value.is_known,
        is_pattern=value.is_pattern,
        may_split=not value.is_known and (value.is_many or (not is_quoted and not value.is_one)),
        is_one=value.is_one,
    )


def word_of(bits: list[Bit], raw: str) -> Word:
    """The word that pieces make. In a pattern, what was quoted is kept from being one."""
    is_pattern = any(_is_pattern(bits, number) for number in range(len(bits)))
    return Word(
        text="".join(_kept(bit) if is_pattern else bit.text for bit in bits),
        raw=raw,
        is_known=all(bit.is_known for bit in bits),
        is_pattern=is_pattern,
        may_split=any(bit.may_split for bit in bits),
    )


def value_of(bits: list[Bit]) -> Value:
    """What an assignment keeps: no paths are looked for."""
    return Value(
        "".join(bit.text for bit in bits),
        is_known=all(bit.is_known for bit in bits),
        is_pattern=any(bit.is_pattern for bit in bits),
        is_one=all(bit.is_known or bit.is_one for bit in bits) and not any(" " in bit.text for bit in bits),
    )


def arguments_of(words: Sequence[Word], *, takes_more: bool) -> tuple[Value, ...] | None:
    """What `$1` and on come to. None: how many there are is not known."""
    if takes_more or any(word.may_split for word in words):
        return None
    return tuple(Value(word.text, is_known=word.is_known, is_pattern=word.is_pattern, is_one=word.is_known) for word in words)


def spelled(words: tuple[Word, ...]) -> str:
    """Words in one canonical spelling: one blank between them, quotes only where a word needs them."""
    return " ".join(quoted(word.text) for word in words)


def quoted(text: str) -> str:
    """One word, in single quotes only where it needs them."""
    if _PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def _is_pattern(bits: list[Bit], number: int) -> bool:
    bit = bits[number]
    if bit.is_pattern:
        return True
    if bit.is_quoted or not bit.is_known:
        return False
    if _ALWAYS.search(bit.text):
        return True
    # A bracket that nothing closes is a character: the command `[`.
    at = bit.text.find("[")
    return at >= 0 and ("]" in bit.text[at:] or any("]" in later.text for later in bits[number + 1 :]))


def _kept(bit: Bit) -> str:
    if bit.is_quoted and not bit.is_pattern and bit.is_known:
        return _SPECIAL.sub(lambda found: f"[{found[0]}]", bit.text)
    return bit.text
