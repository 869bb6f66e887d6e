"""The two engines of the scan: Hyperscan says in one pass which rules hit, RE2 says where. Both are linear, whatever the text.

Hyperscan has no spans worth having and RE2 no one pass over many rules, so each does what it is good at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any, Final, Protocol, cast

import hyperscan
import re2  # pyright: ignore[reportMissingTypeStubs]

from ringfence.core.scan.rule import Check, Rule

ENGINE_ERRORS: Final = (hyperscan.HyperscanError, re2.error)
"""What either engine raises where it cannot go on."""


_ADOPTED: Final[dict[tuple[Rule, ...], hyperscan.Database]] = {}


@cache
def compiled(rules: tuple[Rule, ...]) -> hyperscan.Database:
    """All rules as one automaton; takes some tenths of a second, once, unless one was adopted."""
    if (adopted := _ADOPTED.get(rules)) is not None:
        return adopted
    database = hyperscan.Database()
    database.compile(
        expressions=_expressions(rules),
        ids=list(range(len(rules))),
        elements=len(rules),
        flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(rules),
    )
    return database


def automaton_name(rules: tuple[Rule, ...]) -> str:
    """Names everything that an automaton is made of, so that one of other rules is never taken for it."""
    made_of = hashlib.sha256(f"single match, block, {vars(hyperscan)['__version__']}".encode())
    for expression in _expressions(rules):
        made_of.update(b"%d:%b" % (len(expression), expression))
    return made_of.hexdigest()[:32]


def automaton(rules: tuple[Rule, ...]) -> bytes:
    """What `adopt` takes."""
    return hyperscan.dumpb(compiled(rules))


def adopt(rules: tuple[Rule, ...], kept: bytes) -> None:
    """Use an automaton that was made of these rules before. Raises ENGINE_ERRORS where it is damaged or of another machine.

    It is the form that is in memory: whoever writes it is believed like the rules themselves.
    """
    database = hyperscan.loadb(kept, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    _ADOPTED[rules] = database


def _expressions(rules: tuple[Rule, ...]) -> list[bytes]:
    return [(rule.trigger or rule.pattern).encode() for rule in rules]


class OnePass:
    """All rules in one pass. Not for several threads at once: it has one scratch space."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._database = compiled(rules)
        self._scratch = self._database.scratch.clone()

    def hits(self, text: bytes) -> list[tuple[int, int]]:
        """Each rule that hits, by its place, with where its first match may end. Raises ENGINE_ERRORS."""
        hits: list[tuple[int, int]] = []

        def on_match(rule: int, start: int, end: int, flags: int, context: object) -> None:
            hits.append((rule, end))

        self._database.scan(text, match_event_handler=on_match, scratch=self._scratch)
        return hits


class _Match(Protocol):
    def span(self, group: int = 0) -> tuple[int, int]: ...


class _Pattern(Protocol):
    @property
    def groups(self) -> int: ...

    def finditer(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Iterator[_Match]: ...


NOT_ONE: Final = -1
"""In place of an end: a candidate that does not count."""
_LONGEST_BROKEN_UP: Final = 48
"""Bytes. Longer candidates that do not count are passed over whole, so that nothing is read again and again."""


class Exact:
    """The spans of one rule."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._skips = 1 if rule.skip else 0
        self._check = rule.check

    @cached_property
    def _pattern(self) -> _Pattern:
        """Compiled where the rule first hits, which most never do: all of them together are a tenth of a second."""
        options: Any = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.log_errors = False
        rule = self._rule
        pattern = f"({rule.skip})|(?:{rule.pattern})" if rule.skip else rule.pattern
        return cast(_Pattern, re2.compile(pattern.encode(), options))

    def spans(self, text: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Begin and end of every match, in order; for a candidate that does not count NOT_ONE. Raises ENGINE_ERRORS."""
        if self._check is not None:
            yield from self._checked(self._check, text, start, end)
            return
        for match in self._pattern.finditer(text, start, end):
            if self._skips and match.span(1)[0] >= 0:
                continue
            groups = (match.span(group) for group in range(self._skips + 1, self._pattern.groups + 1))
            yield next((span for span in groups if span[0] >= 0), match.span())

    def _checked(self, check: Check, text: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        going_on = True
        while going_on:
            going_on = False
            for match in self._pattern.finditer(text, start, end):
                begin, last = whole = match.span()
                if self._pattern.groups:
                    groups = (match.span(group) for group in range(1, self._pattern.groups + 1))
                    begin, last = next((span for span in groups if span[0] >= 0), whole)
                stop = check(text, begin, last)
                yield begin, stop
                # What counts may end sooner, and of digits that are none together those after the first gap may be one.
                start = stop if stop >= 0 else _after_gap(text, begin, last)
                if start < whole[1]:
                    going_on = True
                    break


def _after_gap(text: bytes, begin: int, last: int) -> int:
    if last - begin <= _LONGEST_BROKEN_UP:
        return next((place + 1 for place in range(begin + 1, last) if text[place] in b" -"), last)
    return last
