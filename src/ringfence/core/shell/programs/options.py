"""Options of programs: where they end, and what they carry. In the words of getopt(1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Word

_NO_NAMES: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Grammar:
    """Which options there are. Short ones may stand together (`-ab`), with their value attached or behind (`-n5`, `-n 5`)."""

    flags: str = ""
    valued: str = ""
    attached: str = ""
    """Short options whose value, where they have one, is attached."""
    long_flags: frozenset[str] = _NO_NAMES
    long_valued: frozenset[str] = _NO_NAMES
    """Those whose value may stand behind them. `--name=value` is read of every option."""
    numbers: bool = False
    """`-5` is an option too (`nice`)."""


def getopt(short: str = "", long: str = "", *, numbers: bool = False) -> Grammar:
    """A grammar in the notation of getopt(1): `x` stands alone, `x:` takes a value, `x::` may have one attached.

    Long names are parted by blanks.
    """
    found = re.findall(r"(.)(:{0,2})", short)
    names = long.split()
    return Grammar(
        flags="".join(letter for letter, marks in found if not marks),
        valued="".join(letter for letter, marks in found if marks == ":"),
        attached="".join(letter for letter, marks in found if marks == "::"),
        long_flags=frozenset(name for name in names if not name.endswith(":")),
        long_valued=frozenset(name[:-1] for name in names if name.endswith(":")),
        numbers=numbers,
    )


@dataclass(slots=True)
class Options:
    """What stands before the command."""

    given: dict[str, list[Word | None]] = field(default_factory=dict[str, "list[Word | None]"])
    at: int = 0
    """The first word that is no option."""
    odd: list[str] = field(default_factory=list[str])
    """What could not be read: an option that is not known, a word that may be any number of words."""

    def value(self, *names: str) -> Word | None:
        """The last one given under these names."""
        found = [word for name in names for word in self.given.get(name, [])]
        return found[-1] if found else None

    def has(self, *names: str) -> bool:
        return any(name in self.given for name in names)

    def add(self, name: str, word: Word | None) -> None:
        self.given.setdefault(name, []).append(word)


def odd_options(name: str, read: Options) -> list[Doubt]:
    """Of what could not be read of a program's options."""
    return [Doubt(Undecided.WORD, f"an option of {name} is not read: {one}") for one in read.odd]


def options(words: Sequence[Word], grammar: Grammar, start: int = 1) -> Options:
    """Read options from `start` up to the first operand, or behind `--`."""
    made = Options(at=start)
    while made.at < len(words):
        word = words[made.at]
        if word.may_split or word.is_pattern or (not word.is_known and word.text.startswith(("?", "-"))):
            if word.may_split or word.is_pattern:
                made.odd.append(f"{word.raw} may be options")
            return made
        text = word.text
        if text == "--":
            made.at += 1
            return made
        if not text.startswith("-") or text == "-":
            return made
        made.at += 1
        if text.startswith("--"):
            _long(text[2:], word, words, grammar, made)
        elif grammar.numbers and text[1:].lstrip("+-").isdigit():
            made.add("number", word)
        else:
            _short(text[1:], word, words, grammar, made)
    return made


def _long(text: str, word: Word, words: Sequence[Word], grammar: Grammar, made: Options) -> None:
    name, sign, value = text.partition("=")
    full = _full(name, grammar)
    if full is None:
        made.odd.append(f"--{name}")
        full = name
    if sign:
        made.add(full, Word(text=value, raw=word.raw, is_known=word.is_known, is_pattern=word.is_pattern))
    elif full in grammar.long_valued:
        _behind(full, words, made)
    else:
        made.add(full, None)


def _full(name: str, grammar: Grammar) -> str | None:
    """The option that a name is short for, as GNU's getopt reads it."""
    every = grammar.long_flags | grammar.long_valued
    if name in every:
        return name
    fitting = [one for one in every if one.startswith(name)]
    return fitting[0] if len(fitting) == 1 else None


def _short(text: str, word: Word, words: Sequence[Word], grammar: Grammar, made: Options) -> None:
    for place, letter in enumerate(text):
        rest = text[place + 1 :]
        if letter in grammar.valued:
            if rest:
                made.add(letter, Word(text=rest, raw=word.raw, is_known=word.is_known, is_pattern=word.is_pattern))
            else:
                _behind(letter, words, made)
            return
        if letter in grammar.attached:
            made.add(letter, Word(text=rest, raw=word.raw, is_known=word.is_known) if rest else None)
            return
        if letter not in grammar.flags:
            made.odd.append(f"-{letter}")
        made.add(letter, None)


def _behind(name: str, words: Sequence[Word], made: Options) -> None:
    if made.at < len(words) and (words[made.at].may_split or words[made.at].is_pattern):
        made.odd.append(f"{words[made.at].raw} may be any number of words")
    made.add(name, words[made.at] if made.at < len(words) else None)
    made.at += 1
