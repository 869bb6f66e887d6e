"""What may decide in a run: people's words, the configuration, trusted lookups, and records that the words name. Pure.

Asked in that order; results are looked at only where the first two are silent, oldest first, so that what one lookup gives may
be the key of the next. What is taken from a result are the fields that the operator declared, and no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.core.definitions.roles import role_at
from ringfence.core.definitions.wording import words
from ringfence.core.flow.asked import Asked, Scalar, nouns_of
from ringfence.core.flow.giving.ids import is_rival, stands_for
from ringfence.core.flow.giving.saying import is_nothing, says
from ringfence.core.flow.sources.answers import MOST_NODES, Record, records_of
from ringfence.core.flow.sources.joins import Joined, joined
from ringfence.core.flow.sources.keys import Key, fitting, keys_of
from ringfence.core.flow.sources.known import known_of
from ringfence.core.flow.spelling import find_whole, folded
from ringfence.core.flow.words.spoken import Spoken, in_words, spoken_of
from ringfence.core.model.condition import at_pointer, is_absent
from ringfence.core.model.profile import Role
from ringfence.core.model.provenance import Flow, Heard, SourceKind

MOST_LOOKED_AT: Final = 20_000
"""Records of trusted lookups and of calls by an id that are looked at for one call. What comes after them gives nothing."""
_MOST_HEARD: Final = 200
_MOST_WORDS: Final = 50
_MOST_KEYS: Final = 50
_MOST_PLACES: Final = 50
_LOGINS: Final = frozenset(
    {"login", "user", "username", "users", "owner", "assignee", "assignees", "reviewer", "reviewers", "member", "members"}
)
_LOCAL: Final = re.compile(r"[a-z][a-z0-9._-]{1,63}")
_SHORT: Final = 3
"""Digits of an id that counts on the server alone that minted it."""


@dataclass(frozen=True, slots=True)
class Source:
    """What gives a value."""

    kind: SourceKind
    where: str
    entry: str = ""
    quoted: str = ""


class Believed:
    """The trusted sources of one run, at one call."""

    def __init__(self, flow: Flow, server: str, *, is_outside: bool) -> None:
        """`is_outside`: the call reaches outside, where a name may be somebody else's."""
        self._flow = flow
        self._is_outside = is_outside
        self._server = server
        """Of the call: ids of its own records are its own."""
        self._words = [(one, spoken_of(one)) for one in flow.words[:_MOST_WORDS]]
        self._known = known_of(flow.rules)
        self._given: dict[Key, Source] | None = None
        self._left = MOST_LOOKED_AT

    def gives(self, asked: Asked) -> Source | None:
        """What gives the value; None: nothing that may decide."""
        return self._plainly(asked) or self._by_number(asked) or self._from_results(asked)

    def _plainly(self, asked: Asked) -> Source | None:
        for said, spoken in self._words:
            if (found := says(spoken, asked)) is not None:
                return Source(SourceKind.WORDS, in_words(said), quoted=found[:200])
        if (source := self._login(asked)) is not None:
            return source
        if (item := self._known.gives(asked)) is not None:
            return Source(SourceKind.CONFIGURATION, item)
        if (url := self._known.own_url(asked)) is not None:
            told = [Asked(part, Role.SELECTOR, asked.name, asked.nouns) for part in url.told]
            if all(self._plainly(part) is not None for part in told):
                return Source(SourceKind.CONFIGURATION, f"`provenance.hosts`: {url.host}")
        return None

    def _login(self, asked: Asked) -> Source | None:
        """Who has an address with us is known here by what stands before the `@`. Elsewhere that is anybody's name."""
        if self._is_outside or not isinstance(asked.value, str) or asked.role is Role.COMMAND or _LOGINS.isdisjoint(asked.name):
            return None
        local = asked.value.lower()
        if _LOCAL.fullmatch(local) is None:
            return None
        for said, spoken in self._words:
            named = [mail for mail in spoken.mails if mail.partition("@")[0] == local]
            if len(named) == 1 and self._known.is_own(named[0]):
                return Source(SourceKind.WORDS, in_words(said), quoted=named[0][:200])
        return None

    def _by_number(self, asked: Asked) -> Source | None:
        """`IR-329` for what the words call case 329, where no trusted answer has another id with that number."""
        if not isinstance(asked.value, str) or asked.role is not Role.SELECTOR:
            return None
        for said, spoken in self._words:
            if (found := stands_for(spoken, asked.value, asked.name, asked.nouns)) is not None:
                return Source(SourceKind.WORDS, in_words(said), quoted=found[:200]) if self._is_only(asked.value) else None
        return None

    def _is_only(self, value: str) -> bool:
        if self._flow.forgot:
            return False
        for heard in self._flow.heard:
            pointers = (*(heard.lookup.fields if heard.lookup else ()), *(heard.records.ids if heard.records else ()))
            if not pointers:
                continue
            records = self._records(heard, pointers)
            if records is None or self._left <= 0:
                return False
            held = (one for record in records for pointer in pointers for one in _scalars(at_pointer(record.fields, pointer)))
            if any(isinstance(one, str) and is_rival(one, value) for one in held):
                return False
        return True

    def _from_results(self, asked: Asked) -> Source | None:
        if isinstance(asked.value, bool) or asked.role is Role.COMMAND:
            return None
        if self._given is None:
            self._given = {}
            for heard in self._flow.heard[-_MOST_HEARD:]:
                if self._left <= 0:
                    break
                if heard.lookup is not None:
                    self._look_up(heard, self._given)
                if heard.records is not None:
                    self._by_key(heard, self._given)
            said = tuple(spoken for _, spoken in self._words)
            for one in joined(self._flow.heard[-_MOST_HEARD:], said, forgot=self._flow.forgot):
                self._add_joined(one, self._given)
        keys = sorted(fitting(keys_of(asked.value), asked.role))
        found = [self._given[one] for key in keys for one in (key, _within(key, self._server)) if one in self._given]
        for source in found:
            if source.kind is SourceKind.LOOKUP or asked.role in (Role.SELECTOR, Role.TARGET):
                return source
        return None

    def _look_up(self, heard: Heard, given: dict[Key, Source]) -> None:
        lookup = heard.lookup
        assert lookup is not None
        if not self._is_reached(heard, lookup.keys):
            return
        records = self._records(heard, lookup.fields)
        if not records or (lookup.unique and len(records) > 1):
            return
        for record in records:
            for pointer in lookup.fields:
                for value in _scalars(at_pointer(record.fields, pointer)):
                    where = f"the trusted lookup {heard.tool}, {record.pointer}{pointer}"
                    for key in keys_of(value):
                        given.setdefault(key, Source(SourceKind.LOOKUP, where, heard.entry))

    def _records(self, heard: Heard, pointers: tuple[str, ...]) -> tuple[Record, ...] | None:
        records = records_of(heard, pointers)
        self._left -= len(records) if records is not None else MOST_NODES
        return records

    def _is_reached(self, heard: Heard, keys: tuple[str, ...]) -> bool:
        """Whether every key argument that the call gave is itself given by what may decide. At least one has to be."""
        asked = list(_key_values(heard, keys))
        if not all(self._plainly(one) is not None or self._earlier(one, _server(heard)) for one in _other_texts(heard, keys)):
            return False  # what else is asked for may lead to another record than the key names
        return 0 < len(asked) <= _MOST_KEYS and all(
            (self._is_named(one) or self._earlier(one, _server(heard))) and not is_nothing(one) for one in asked
        )

    def _is_named(self, asked: Asked) -> bool:
        """As people said it in full: `Alice` is no key where they said `Alice Meyer`."""
        source = self._plainly(asked)
        if source is None:
            return False
        if source.kind is not SourceKind.WORDS or not isinstance(asked.value, str):
            return True
        return any(_stands_alone(spoken, asked.value.strip()) for _, spoken in self._words)

    def _earlier(self, asked: Asked, server: str) -> bool:
        given = self._given or {}
        return any(key in given or _within(key, server) in given for key in keys_of(asked.value))

    def _by_key(self, heard: Heard, given: dict[Key, Source]) -> None:
        """A call that was reached by an id that may decide, and brought the one record that has it."""
        declared = heard.records
        assert declared is not None
        records = self._records(heard, (*declared.ids, *declared.names))
        if not records or len(records) != 1:
            return
        own = {
            key
            for pointer in declared.ids
            for value in _scalars(at_pointer(records[0].fields, pointer))
            for key in keys_of(value)
        }
        for name, value in list(heard.arguments.items())[:_MOST_KEYS]:
            if isinstance(value, bool) or not isinstance(value, str | int) or not own & keys_of(value):
                continue
            asked = _asked(heard, f"/{name}", value)
            if self._plainly(asked) is not None or self._earlier(asked, _server(heard)):
                where = f"the record of {heard.tool} that was asked for by its own {name}"
                for key in own:
                    given.setdefault(_within(key, _server(heard)), Source(SourceKind.RECORD, where, heard.entry))
                return

    def _add_joined(self, one: Joined, given: dict[Key, Source]) -> None:
        said = next((words for words, spoken in self._words if spoken is one.spoken), None)
        where = (
            f"the record of {one.heard.tool}, {one.pointer}, that is named in {in_words(said) if said is not None else 'words'}"
        )
        for key in one.keys:
            given.setdefault(
                _within(key, _server(one.heard)), Source(SourceKind.RECORD, where, one.heard.entry, one.quoted[:200])
            )


def _server(heard: Heard) -> str:
    return heard.tool.partition(".")[0]


def _key_values(heard: Heard, pointers: tuple[str, ...]) -> Iterator[Asked]:
    for pointer in pointers:
        value = at_pointer(heard.arguments, pointer)
        if is_absent(value) or value is None:
            continue
        scalars = list(_scalars(value))
        if not scalars or (isinstance(value, list) and len(cast("list[Any]", value)) > _MOST_KEYS):
            scalars.append("")  # what is not looked at is no key
        for scalar in scalars:
            yield _asked(heard, pointer, scalar)


def _other_texts(heard: Heard, pointers: tuple[str, ...]) -> Iterator[Asked]:
    """Texts of a lookup's arguments that are no keys, at the first level; whatever is deeper is one that nothing gives."""
    if len(heard.arguments) > _MOST_KEYS:
        yield _asked(heard, "", "")
    keys = {pointer.split("/")[1] for pointer in pointers if pointer.startswith("/")}
    for name, value in list(heard.arguments.items())[:_MOST_KEYS]:
        if name.replace("~", "~0").replace("/", "~1") in keys or value is None or isinstance(value, bool | int | float):
            continue
        is_long = isinstance(value, list) and len(cast("list[Any]", value)) > _MOST_KEYS
        for scalar in [""] if is_long else list(_scalars(value)) or [""]:
            if not isinstance(value, str) or value:
                yield _asked(heard, f"/{name}", scalar)


def _asked(heard: Heard, pointer: str, value: Scalar) -> Asked:
    name = words(pointer.rsplit("/", 1)[-1])
    role = Role.TARGET if role_at(pointer) is Role.TARGET else Role.SELECTOR
    return Asked(value, role, name, nouns_of(name, heard.tool))


def _scalars(value: Any) -> Iterator[Scalar]:
    if isinstance(value, str | int | float):
        yield value
    elif isinstance(value, list):
        for item in cast("list[Any]", value)[:_MOST_KEYS]:
            if isinstance(item, str | int | float):
                yield item
            elif isinstance(item, Mapping | list):
                yield ""


def _stands_alone(spoken: Spoken, name: str) -> bool:
    """Whether the name stands somewhere without another capitalised word behind it, which would belong to it."""
    plain, low = spoken.plain, folded(name)
    at = find_whole(spoken.low, low)
    for _ in range(_MOST_PLACES):
        if at < 0:
            break
        behind = plain[at + len(low) : at + len(low) + 2]
        if not (plain[at].isupper() and behind[:1] == " " and behind[1:].isupper()):
            return True
        at = find_whole(spoken.low, low, at + 1)
    return low not in spoken.low


def _within(key: Key, server: str) -> Key:
    """Of a number that is soon counted to, one server's: anybody who makes records gets it for something else on another."""
    kind, text = key
    return (f"{kind} of {server}", text) if text.isdigit() and len(text) <= _SHORT else key
