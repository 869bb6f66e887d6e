"""Records that people's words name: by what the record is called, or by another of its ids. Pure.

Whoever can make a record can call it what another is called, so exactly one record of all that the run was given may carry the
name. The ids are those that the server assigns, as the operator declared; nothing else of a record is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.core.definitions.wording import words
from ringfence.core.flow.asked import nouns_of
from ringfence.core.flow.giving.ids import gives_id
from ringfence.core.flow.names.common_words import is_common
from ringfence.core.flow.sources.answers import Record, records_of
from ringfence.core.flow.sources.keys import Key, keys_of
from ringfence.core.flow.spelling import find_whole, folded, spelled, tokens
from ringfence.core.flow.web.addresses import mail_of
from ringfence.core.flow.words.spoken import Spoken
from ringfence.core.model.condition import at_pointer
from ringfence.core.model.provenance import Heard

MOST_RECORDS: Final = 5_000
"""Records of one run that are compared. With more nothing is joined: a second one might be among those left out."""
_MOST_ARGUMENTS: Final = 200
_MOST_STATEMENTS: Final = 20
_LEAST_NAME: Final = 4
_LEAST_QUOTED: Final = 2
"""A short name, and one that is a common word, count where people quote them."""
_LONGEST_NAME: Final = 300


@dataclass(frozen=True, slots=True)
class Joined:
    """A record that is named, and by which words."""

    heard: Heard
    pointer: str
    keys: frozenset[Key]
    spoken: Spoken
    quoted: str


@dataclass(frozen=True, slots=True)
class _Named:
    heard: Heard
    pointer: str
    ids: frozenset[frozenset[Key]]
    """One set of keys for each id."""
    name: str
    spoken: Spoken
    start: int
    by_id: bool
    """Words named another id of it, and not what it is called."""
    asked: bool

    @property
    def end(self) -> int:
        return self.start + len(self.name)

    @property
    def keys(self) -> frozenset[Key]:
        return frozenset(key for one in self.ids for key in one)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A record, with what is compared of it."""

    heard: Heard
    record: Record
    names: tuple[tuple[str, str], ...]
    """Each folded, with its first word."""
    ids: frozenset[frozenset[Key]]
    values: tuple[str, ...]
    """The ids as text."""
    asked: bool
    """The agent asked for this one by its id, so that it is alone in the answer says nothing."""


def joined(heard: Iterable[Heard], said: tuple[Spoken, ...], *, forgot: bool = False) -> tuple[Joined, ...]:
    """Every record that the words name and that no other record is named alike.

    Where records were forgotten, what people call one is no longer known to be one record's; another id of it still is.
    """
    results = [one for one in heard if one.records is not None]
    compared = 0
    for one in results:
        found = _candidates(one)
        if found is None or compared + len(found) > MOST_RECORDS:
            return ()
        compared += len(found)
    named: list[_Named] = []
    for spoken in said:
        named.extend(_longest([hit for one in results for hit in _hits_of(one, spoken) if hit.by_id or not forgot]))
    return tuple(_alone(named))


def _candidates(heard: Heard) -> tuple[_Candidate, ...] | None:
    if "candidates" not in heard.memo:
        heard.memo["candidates"] = _read(heard)
    return heard.memo["candidates"]


def _read(heard: Heard) -> tuple[_Candidate, ...] | None:
    declared = heard.records
    assert declared is not None
    records = records_of(heard, (*declared.names, *declared.ids))
    if records is None or len(records) > MOST_RECORDS:
        return None
    wanted = {key for value in _within(heard.arguments) for key in keys_of(value)}
    found: list[_Candidate] = []
    for record in records:
        names: list[tuple[str, str]] = []
        for pointer in declared.names:
            name = at_pointer(record.fields, pointer)
            if isinstance(name, str) and _LEAST_QUOTED <= len(name) <= _LONGEST_NAME:
                low = folded(spelled(name))
                if first := tokens(low)[:1]:
                    names.append((low, first[0]))
        ids: set[frozenset[Key]] = set()
        values: list[str] = []
        for pointer in declared.ids:
            value: Any = at_pointer(record.fields, pointer)
            if isinstance(value, str | int | float) and not isinstance(value, bool) and (keys := keys_of(value)):
                ids.add(keys)
                values.append(str(value))
        if ids or names:
            # One without an id gives nothing, and still carries its name.
            asked = any(key in wanted for keys in ids for key in keys)
            found.append(_Candidate(heard, record, tuple(names), frozenset(ids), tuple(values), asked))
    return tuple(found)


def _within(arguments: Any) -> Iterable[Any]:
    """The first values of a call's arguments, at any depth."""
    waiting, seen = [arguments], 0
    while waiting and seen < _MOST_ARGUMENTS:
        value = waiting.pop()
        seen += 1
        if isinstance(value, Mapping):
            waiting.extend(list(cast("Mapping[str, Any]", value).values())[:_MOST_ARGUMENTS])
        elif isinstance(value, list):
            waiting.extend(cast("list[Any]", value)[:_MOST_ARGUMENTS])
        else:
            yield value


def _hits_of(heard: Heard, spoken: Spoken) -> tuple[_Named, ...]:
    """Kept for the statements that were asked about last: the same call after call."""
    known: dict[int, tuple[Spoken, tuple[_Named, ...]]] = heard.memo.setdefault("hits", {})
    hits = known.get(id(spoken))
    if hits is None or hits[0] is not spoken:
        if len(known) >= _MOST_STATEMENTS:
            known.clear()
        found = tuple(hit for one in _candidates(heard) or () for hit in _hits(one, spoken))
        hits = known[id(spoken)] = (spoken, found)
    return hits[1]


def _hits(one: _Candidate, spoken: Spoken) -> Iterable[_Named]:
    for name, first in one.names:
        # One look at a set spares most of the searches.
        is_plain = len(name) >= _LEAST_NAME and not is_common(name)
        if first in spoken.low_tokens and (is_plain or name in spoken.quoted) and (start := find_whole(spoken.low, name)) >= 0:
            yield _Named(one.heard, one.record.pointer, one.ids, name, spoken, start, False, one.asked)
    nouns = nouns_of(words(one.heard.tool.partition(".")[2]), "")
    for value in one.values:
        given = value in spoken.tokens or (any(map(str.isdigit, value)) and gives_id(spoken, value, nouns) is not None)
        if not given and (mail := mail_of(value)) is not None:
            given = mail in spoken.mails
        if given and any(map(str.isdigit, value)) | ("@" in value):
            yield _Named(
                one.heard,
                one.record.pointer,
                one.ids,
                value.lower(),
                spoken,
                max(spoken.low.find(value.lower()), 0),
                True,
                False,
            )


def _longest(hits: list[_Named]) -> list[_Named]:
    """Without names that stand inside a longer one, and without names that overlap: nobody knows where those end."""
    spans = sorted({(hit.start, hit.end) for hit in hits}, key=lambda span: (span[0], -span[1]))
    kept: set[tuple[int, int]] = set()
    reach: tuple[int, int] | None = None
    for span in spans:
        if reach is None or span[0] >= reach[1]:
            kept.add(span)
            reach = span
        elif span[1] > reach[1]:
            kept.discard(reach)
            reach = (reach[0], span[1])
    return [hit for hit in hits if (hit.start, hit.end) in kept]


def _alone(named: list[_Named]) -> Iterable[Joined]:
    groups: dict[tuple[int, str], list[_Named]] = {}
    for hit in named:
        groups.setdefault((id(hit.spoken), hit.name), []).append(hit)
    for hits in groups.values():
        widest = max(hits, key=lambda hit: len(hit.ids))
        server = widest.heard.tool.partition(".")[0]
        if all(hit.asked for hit in hits):
            continue  # somebody who picks a record can pick one that has the name
        # The same record, seen again, has the same ids, or fewer of them where another tool says less of it. Without any,
        # nobody can tell that it is the same.
        if all(hit.ids and hit.ids <= widest.ids and hit.heard.tool.partition(".")[0] == server for hit in hits):
            quoted = widest.spoken.around(widest.start, len(widest.name))
            yield Joined(widest.heard, widest.pointer, widest.keys, widest.spoken, quoted)
