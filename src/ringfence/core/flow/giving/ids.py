"""Whether people's words give an id. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Final

from ringfence.core.flow.names.codes import runs_of
from ringfence.core.flow.numerals.numbers import NUMBERED
from ringfence.core.flow.spelling import find_whole
from ringfence.core.flow.words.spoken import Spoken

_SHORT: Final = 3
_MOST_PLACES: Final = 20
_LISTED: Final = re.compile(r"#?[\w-]*\d(?:,| and| und| or| et| y| &|, and|/)?\s*$")
_PREFIXED: Final = re.compile(r"#?([a-z]{1,10})[-_ #]?(\d{1,20})")
_LETTERED: Final = re.compile(r"([A-Za-z]{1,4})[-_]?(\d{2,12})")
_GROUPS: Final = re.compile(r"[a-z]+|\d+")
_PLATES: Final = frozenset({"plate", "registration", "vehicle", "licence", "license"})
_RUNS: Final = re.compile(r"\d+")
_JOINT: Final = re.compile(r"[-_/#]")
_DIGITS: Final = re.compile(r"#?(\d{1,30})")
_GENERIC: Final = frozenset({"number", "no", "nr", "id", "ids", "n\u00ba", "num", "nummer", "key", "ref", "reference"})
_INITIALS: Final = {"pr": "request", "mr": "request", "po": "order", "cr": "request"}
_SAME: Final = (
    frozenset({"ticket", "issue", "case", "bug"}),
    frozenset({"pr", "pull", "mr", "merge"}),
    frozenset({"order", "po", "purchase"}),
    frozenset({"invoice", "bill"}),
    frozenset({"machine", "host", "server", "node", "device"}),
)
"""Nouns that people and tools use for one thing."""
_TIMES: Final = frozenset({"year", "period", "fiscal", "day", "month"})
_BEFORE: Final = 160
_LONGEST_ITEM: Final = 32


def gives_id(said: Spoken, value: str, nouns: frozenset[str], *, is_target: bool = False) -> str | None:
    """The passage that gives an id, or None.

    Digits alone count where they are whole and count nothing; fewer than four need the noun of the argument or tool beside them
    (`ticket 7`, `#7`). `INV-2041` is given by `invoice 2041`, and `2041` by `INV-2041`, where letters and noun agree.
    Of a target every sign counts: `alex-99` is somebody else than `alex99`, whom anybody may have made.
    """
    low = value.lower()
    # Every rule below keeps digits as they are: one look at a set spares nearly all searches.
    if not said.digits.issuperset(_RUNS.findall(low)):
        return None
    if (found := _DIGITS.fullmatch(low)) is not None:
        return _digits(said, found[1], nouns) or _of_prefixed(said, found[1], nouns)
    if (runs := runs_of(value)) is not None and runs in said.ids and (not is_target or _is_written(said, low)):
        at = said.low.find(low)
        return said.around(max(at, 0), len(value))
    if (found := _PREFIXED.fullmatch(low)) is not None and (after := _after_noun(said, found[1], found[2])) is not None:
        return after if not is_target or found[1] in nouns else None
    is_plate = not _PLATES.isdisjoint(nouns)
    return _apart(said, value, 2 if is_plate else 3) if is_plate or not is_target else None


def stands_for(said: Spoken, value: str, name: tuple[str, ...], nouns: frozenset[str]) -> str | None:
    """The passage that numbers what an id of some letters and a number is: `case 329` for `IR-329`.

    The noun has to be that of the argument or tool, and the words may hold no other id with this number.
    """
    found = _LETTERED.fullmatch(value)
    if (
        found is None
        or len(found[1]) < 2
        or found[2] not in said.digits
        or any(is_rival("".join(runs), value) for runs in said.ids)
    ):
        return None
    for at in _places(said, found[2]):
        counted = said.counted.get(at)
        noun = _noun_before(said.low, at - said.low[:at].endswith("#"))
        if (counted is None or not counted.counts) and (noun in NUMBERED or noun in name) and _means(noun, nouns):
            return said.around(at, len(found[2]))
    return None


def is_rival(other: str, value: str) -> bool:
    """Whether another id has the same number behind other letters."""
    one, two = _LETTERED.fullmatch(other), _LETTERED.fullmatch(value)
    return one is not None and two is not None and one[2] == two[2] and one[1].lower() != two[1].lower()


def _apart(said: Spoken, value: str, least: int) -> str | None:
    """Letters and digits that people write in groups: `ab 12 cde` is `AB12CDE`. `12 parts` are no `12PARTS`."""
    low = value.lower()
    if not 5 <= len(low) <= 10 or not low.isascii() or not low.isalnum() or value not in (low, value.upper()):
        return None
    runs = _GROUPS.findall(low)
    if not least <= len(runs) <= 4:
        return None
    for joints in product(("", " "), repeat=len(runs) - 1):
        written = "".join(part for pair in zip(runs, (*joints, ""), strict=True) for part in pair)
        if (found := find_whole(said.low, written)) >= 0:
            return said.around(found, len(written))
    return None


def _is_written(said: Spoken, low: str) -> bool:
    """Whether it stands there but for capitals, or with a space where it has a sign."""
    return any(find_whole(said.low, one) >= 0 for one in (low.lstrip("#@"), _JOINT.sub(" ", low.lstrip("#@"))))


def _places(said: Spoken, digits: str) -> Iterator[int]:
    at = find_whole(said.low, digits)
    for _ in range(_MOST_PLACES):
        if at < 0:
            return
        yield at
        at = find_whole(said.low, digits, at + 1)


def _digits(said: Spoken, digits: str, nouns: frozenset[str]) -> str | None:
    for at in _places(said, digits):
        counted = said.counted.get(at)
        if (counted is not None and counted.counts) or (at in said.naming and _TIMES.isdisjoint(nouns)):
            continue  # what belongs to a day or to somebody's account is no id by itself
        noun = _noun_before(said.low, at)
        if len(digits) > _SHORT or _means(noun, nouns) or noun == "#" or (noun in _GENERIC and not nouns.isdisjoint(_GENERIC)):
            return said.around(at, len(digits))
    return digits if len(digits) <= _SHORT and _in_segments(said, digits, nouns) else None


def _means(noun: str, nouns: frozenset[str]) -> bool:
    if noun in nouns:
        return True
    bare = noun[:-1] if noun.endswith("s") else noun
    return any(bare in group and not group.isdisjoint(nouns) for group in _SAME)


def _in_segments(said: Spoken, digits: str, nouns: frozenset[str]) -> bool:
    """Whether a web address says it: `/issues/17`."""
    for url in said.urls:
        parts = url.path.lower().split("/")
        if any(part == digits and before in nouns for before, part in pairwise(parts)):
            return True
    return False


def _noun_before(low: str, at: int) -> str:
    """The noun before a number, or before the list that it stands in; `#` for the sign."""
    if at and low[at - 1] == "#":
        return "#"
    before = low[max(0, at - _BEFORE) : at]
    for _ in range(20):
        before = before.rstrip(" #:")
        listed = _LISTED.search(before, max(0, len(before) - _LONGEST_ITEM))
        if listed is None:
            break
        before = before[: listed.start()]
    words = before.split()
    return words[-1].strip(".,:;()\"'#") if words else ""


def _of_prefixed(said: Spoken, digits: str, nouns: frozenset[str]) -> str | None:
    for runs in said.ids:
        if len(runs) == 2 and runs[1] == digits and runs[0].isalpha():
            letters = runs[0].lower()
            if any(noun.startswith(letters) for noun in nouns) or _INITIALS.get(letters) in nouns or len(digits) > _SHORT:
                return said.around(max(said.low.find(digits), 0), len(digits))
    return None


def _after_noun(said: Spoken, letters: str, digits: str) -> str | None:
    for at in _places(said, digits):
        counted = said.counted.get(at)
        if counted is not None and counted.counts:
            continue
        noun = _noun_before(said.low, at - said.low[:at].endswith("#"))
        if noun.startswith(letters) or _INITIALS.get(letters) == noun or (letters == "pr" and noun == "pr"):
            return said.around(at, len(digits))
    return None
