"""What was said, read once: its words in one spelling, and what it names, found when somebody asks. Pure."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from ringfence.core.flow.names.codes import Runs, accounts_in, ibans_in, path_of, phones_in, runs_of, spaced_ids
from ringfence.core.flow.names.versions import versions_in
from ringfence.core.flow.numerals.naming_digits import naming_digits
from ringfence.core.flow.numerals.number_words import in_digits, written_out
from ringfence.core.flow.numerals.numbers import Number, numbers_in
from ringfence.core.flow.numerals.parts import with_parts
from ringfence.core.flow.spelling import folded, passage, spelled, tokens
from ringfence.core.flow.times.days import Calendar, calendar_of
from ringfence.core.flow.times.moments import durations_of
from ringfence.core.flow.web.addresses import Url, bare_url_of, host_of, mail_of, url_of
from ringfence.core.flow.web.networks import singles_in
from ringfence.core.flow.web.suffixes import is_file
from ringfence.core.flow.words.lazy import lazy
from ringfence.core.flow.words.quoting import own_words
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.words import Words

_DIGITS = re.compile(r"\d+")
_QUOTED = re.compile(
    r"(?<!\w)(?:[\u201c\u201d\u201e\u00ab\u00bb\"`\u2018\u201a'])([^\u201c\u201d\u201e\u00ab\u00bb\"`\u2018\u2019\u201a]{1,200}?)"
    r"[\u201c\u201d\u00ab\u00bb\"`\u2018\u2019'](?!\w)"
)
_SLASH = re.compile(r" ?/ ?")
_DAY_MS = 86_400_000
MOST_KEPT: Final = 1_000_000
"""Characters of statements that are kept with what was found in them: up to some 65 bytes for each."""


class Spoken:
    """The own words of one statement. Everything is a function of the text and of the day on which it was said."""

    def __init__(self, text: str, at: Millis) -> None:
        self._at = at
        self.raw = own_words(text)
        """As they were written, without what they quote."""
        self.plain = spelled(self.raw)
        """In one spelling, capitals kept."""
        self.low = folded(self.plain)
        """The same without capitals."""
        self.answers: dict[tuple[type, object], str | None] = {}
        """What was asked about it before (`core.flow.giving.saying`): the passage, or None."""
        self.is_read = False

    @lazy
    def tokens(self) -> frozenset[str]:
        return frozenset(tokens(self.plain))

    @lazy
    def low_tokens(self) -> frozenset[str]:
        return frozenset(tokens(self.low))

    @lazy
    def mails(self) -> frozenset[str]:
        return frozenset(mail for token in self.tokens if "@" in token and (mail := mail_of(token)) is not None)

    @lazy
    def urls(self) -> tuple[Url, ...]:
        found = (
            url_of(token) if "://" in token else bare_url_of(token)
            for token in self.tokens
            if "://" in token or ("." in token and not _names_file(token))
        )
        return tuple(dict.fromkeys(url for url in found if url is not None))

    @lazy
    def hosts(self) -> frozenset[str]:
        named = {host for token in self.tokens if _is_bare_host(token) and (host := host_of(token)) is not None}
        return frozenset(named | {url.host for url in self.urls})

    @lazy
    def owners(self) -> frozenset[str]:
        """Whose it is: the first part of the path of a web address, or of a name with one slash: `acme` of `acme/site`."""
        return frozenset(parts[0] for parts in self._segments)

    @lazy
    def owned(self) -> frozenset[str]:
        """The other parts: `site`."""
        return frozenset(part for parts in self._segments for part in parts[1:])

    @lazy
    def _segments(self) -> tuple[list[str], ...]:
        named = (token for token in self.tokens if token.count("/") == 1 and "." not in token.partition("/")[0])
        found = ([part for part in path.split("/") if part] for path in (*(url.path for url in self.urls), *named))
        return tuple(parts for parts in found if parts)

    @lazy
    def naming(self) -> frozenset[int]:
        """Places within days, accounts, cards and telephones."""
        return naming_digits(self.plain)

    @lazy
    def digits(self) -> frozenset[str]:
        """Every run of digits."""
        return frozenset(_DIGITS.findall(self.low))

    @lazy
    def ids(self) -> frozenset[Runs]:
        found = {runs for token in self.tokens if (runs := runs_of(token)) is not None}
        found.update(runs for text, _ in spaced_ids(self.plain) if (runs := runs_of(text)) is not None)
        return frozenset(found)

    @lazy
    def paths(self) -> frozenset[str]:
        return frozenset(
            path for token in self.tokens if ("/" in token or "\\" in token or "." in token) and (path := path_of(token))
        )

    @lazy
    def ibans(self) -> frozenset[str]:
        return frozenset(ibans_in(self.plain))

    @lazy
    def phones(self) -> frozenset[str]:
        return frozenset(phones_in(self.plain))

    @lazy
    def accounts(self) -> frozenset[str]:
        return frozenset(accounts_in(self.plain))

    @lazy
    def quoted(self) -> frozenset[str]:
        """Phrases that stand between marks of quotation, whole, without capitals."""
        return frozenset(found[1].strip() for found in _QUOTED.finditer(self.low))

    @lazy
    def singles(self) -> frozenset[str]:
        return singles_in(self.tokens)

    @lazy
    def joined(self) -> str:
        """Without capitals, and without spaces around a slash: `team / app` is `team/app`."""
        return _SLASH.sub("/", self.low)

    @lazy
    def _written(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(written_out(self.low))

    @lazy
    def numbered(self) -> str:
        """Without capitals, with written-out numbers in digits: `in two weeks` and `in 2 weeks` are the same."""
        return in_digits(self.low, self._written)

    @lazy
    def versions(self) -> frozenset[str]:
        return versions_in(self.numbered)

    @lazy
    def numbers(self) -> tuple[Number, ...]:
        return with_parts(self.low, numbers_in(self.plain, self._written))

    @lazy
    def counted(self) -> dict[int, Number]:
        """Numbers by the place where they begin."""
        return {number.start: number for number in self.numbers}

    @lazy
    def numbered_by(self) -> dict[Decimal, tuple[int, ...]]:
        """Places in `numbers`, by the figure and by the length of time in seconds."""
        found: dict[Decimal, list[int]] = {}
        for place, number in enumerate(self.numbers):
            for key in {number.value, number.value * number.seconds} if number.seconds else {number.value}:
                found.setdefault(key, []).append(place)
        return {key: tuple(places) for key, places in found.items()}

    @lazy
    def has_money(self) -> bool:
        """Whether one of the numbers has a currency."""
        return any(number.money for number in self.numbers)

    @lazy
    def calendar(self) -> Calendar:
        return calendar_of(self.numbered, self._at)

    @lazy
    def durations(self) -> frozenset[int]:
        return durations_of(self.numbers)

    def read(self) -> None:
        """Find everything there is to find."""
        for name, found in vars(type(self)).items():
            if isinstance(found, lazy):
                getattr(self, name)
        self.is_read = True

    def around(self, start: int, length: int) -> str:
        """The passage at a place of `plain` or `low`, for people."""
        return passage(self.plain, min(start, len(self.plain)), length)


def _is_bare_host(token: str) -> bool:
    return "." in token and not _names_file(token)


def _names_file(token: str) -> bool:
    """Whether it ends as the name of a file does: `deploy.sh` is no host unless a web address says so."""
    return is_file(token.partition("/")[0].lower().split("."))


_KEPT: Final[OrderedDict[tuple[str, int], Spoken]] = OrderedDict()
"""By text and day, those that were asked for least lately first. A thread that comes between two steps reads one once more."""


def spoken_of(words: Words) -> Spoken:
    """What somebody said, parsed once however many calls ask."""
    key = (words.text, words.at // _DAY_MS)
    known = _KEPT.pop(key, None)
    if known is not None:
        _KEPT[key] = known
        return known
    found = _KEPT[key] = Spoken(words.text, key[1] * _DAY_MS)
    while sum(len(text) for text, _ in tuple(_KEPT)) > MOST_KEPT and len(_KEPT) > 1:
        _KEPT.popitem(last=False)
    return found


def is_read(words: Words) -> bool:
    """Whether everything was found in it, and is kept."""
    known = _KEPT.get((words.text, words.at // _DAY_MS))
    return known is not None and known.is_read


@lru_cache(maxsize=256)
def in_words(words: Words) -> str:
    """Whose words, and when, for people."""
    said = datetime.fromtimestamp(words.at / 1000, UTC)
    return f"the words of {words.by}, {said:%Y-%m-%d %H:%M} UTC"
