"""Whether people's words give a value. Pure.

One rule for each kind of value. A value may be of several kinds (`2041` is a number and an id); each role takes the kinds that
fit it, so that a 7 that counted copies selects no ticket 7.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from ringfence.core.flow.asked import Asked
from ringfence.core.flow.giving.controls import is_harmless_off, is_harmless_on, said_for, said_for_switch
from ringfence.core.flow.giving.ids import gives_id
from ringfence.core.flow.giving.quantities import gives_amount, gives_number, unit_of
from ringfence.core.flow.names.codes import account_of, iban_of, path_of, phone_of
from ringfence.core.flow.names.common_words import is_common
from ringfence.core.flow.names.tongues import names_of
from ringfence.core.flow.numerals.numbers import CURRENCIES
from ringfence.core.flow.numerals.ordinals import ordinal_in
from ringfence.core.flow.spelling import find_whole, folded, is_exact_only
from ringfence.core.flow.times.moments import moment_of, says_moment, says_part, says_period, seconds_of
from ringfence.core.flow.web.addresses import host_of, mail_of, url_of
from ringfence.core.flow.web.networks import single_of
from ringfence.core.flow.words.spoken import Spoken
from ringfence.core.model.profile import Role

_PARTED: Final = re.compile(r"[-_]")
_NAME: Final = re.compile(r"[^\W\d_]+(?:['\u2019. _-]+[^\W\d_]+)*\.?")
_OWNER: Final = frozenset({"owner", "org", "organization", "organisation", "namespace", "workspace", "group", "team"})
_OWNED: Final = frozenset({"repo", "repository", "project", "package", "name"})
_HOSTS: Final = frozenset({"host", "hostname", "domain", "fqdn", "server", "endpoint", "url", "uri", "site"})
_UNCASED: Final = _OWNER | {
    "repo",
    "repos",
    "repository",
    "project",
    "projects",
    "channel",
    "channels",
    "room",
    "rooms",
    "board",
}
"""Arguments whose values no server keeps apart by capitals."""
_ABBREVIATED: Final = re.compile(r"[^\W\d_]+(?:\.? [^\W\d_]+)+\.?")
"""`Fa. Kurz`, which is no file."""
_FILED: Final = frozenset({"path", "file", "folder", "dir", "directory"})
_CASED: Final = re.compile(r"[\d./\\:$~]")
_GOES_ON: Final = re.compile(
    r"[ \t]*\n(?:[ \t]+\S|[ \t]*(?:[|&)<>]|(?:where|limit|having|order by|group by|from|join|set|values|returning|union)\b"
    r"|(?:and|or)\b[^\n]*[=<>]))",
    re.IGNORECASE,
)
"""A command of several lines: without those that follow it does something else."""
_VERSION: Final = re.compile(r"v?(\d{1,6}(?:\.\d{1,6}){1,4}(?:[-+][\w.-]{1,40})?)")
_CURRENCIES: Final = {code: tuple(word for word, known in CURRENCIES.items() if known == code) for code in CURRENCIES.values()}
_MARKS: Final = {"`": "`", '"': '"', "\u201c": "\u201d", "\u201e": "\u201c"}
_SOME: Final = " ... "
_SENTENCE: Final = re.compile(r"[.!?;](?= |\Z)")
_FAR: Final = 80
_SHORT: Final = 3
_MOST_PARTS: Final = 50
_MOST_KEPT: Final = 500
"""Answers that are kept with one statement: runs use the same few values call after call."""
_LONGEST_KEPT: Final = 200
_UNKNOWN: Final = "\0"
"""No passage."""


def is_nothing(asked: Asked) -> bool:
    """Whether the value decides nothing: a switch that is left off, or one that only makes it safer."""
    if isinstance(asked.value, bool):
        return is_harmless_on(asked.name) if asked.value else is_harmless_off(asked.name)
    return asked.value == "" and asked.role in (Role.TARGET, Role.MAGNITUDE, Role.CONTROL)


def says(said: Spoken, asked: Asked) -> str | None:
    """The passage that gives the value, or None."""
    if isinstance(asked.value, str) and len(asked.value) > _LONGEST_KEPT:
        return _says(said, asked)
    # By type as well: `1` and `true` are equal, and not the same.
    key = (type(asked.value), asked)
    known = said.answers.get(key, _UNKNOWN)
    if known is not _UNKNOWN:
        return known
    if len(said.answers) >= _MOST_KEPT:
        said.answers.clear()
    found = said.answers[key] = _says(said, asked)
    return found


def _says(said: Spoken, asked: Asked) -> str | None:
    value = asked.value
    if isinstance(value, bool):
        return _switch(said, asked, on=value)
    if not isinstance(value, str):
        return _number(said, asked)
    if not value.strip():
        return None
    if asked.role is Role.COMMAND:
        return _command(said, value.strip())
    if is_exact_only(value):
        return _exactly(said, value)
    value = value.strip()
    if (found := _joined(said, asked, value)) is not None:
        return found
    return _text(said, asked, value)


def _exactly(said: Spoken, value: str) -> str | None:
    found = find_whole(said.raw, value)
    return said.raw[found : found + 160] if found >= 0 else None


def _command(said: Spoken, value: str) -> str | None:
    """A command stands in the words from mark to mark, or from line to line: a part of one does something else."""
    at = said.raw.find(value)
    for _ in range(_MOST_PARTS):
        if at < 0:
            return None
        before = said.raw[max(0, at - 40) : at].rstrip(" \t")
        after = said.raw[at + len(value) : at + len(value) + 40].lstrip(" \t")
        marked = before[-1:] in _MARKS and after[:1] == _MARKS[before[-1]] if before[-1:] else False
        goes_on = before.rstrip().endswith("\\") or _GOES_ON.match(said.raw, at + len(value)) is not None
        is_line = before[-1:] in ("", "\n", ":") and (not after or after[0] == "\n") and (before or at < 40)
        if marked or (is_line and not goes_on):
            return said.raw[at : at + 160]
        at = said.raw.find(value, at + 1)
    return None


def _switch(said: Spoken, asked: Asked, *, on: bool) -> str | None:
    groups = said_for_switch(asked.name, on=on)
    places = [_any_of(said, phrases) for phrases in groups]
    return places[0] if places and all(place is not None for place in places) else None


def _any_of(said: Spoken, phrases: tuple[str, ...]) -> str | None:
    for phrase in phrases:
        found = _parted(said.low, *phrase.split(_SOME)) if _SOME in phrase else find_whole(said.low, phrase)
        if found >= 0:
            return said.around(found, len(phrase))
    return None


def _parted(text: str, first: str, second: str) -> int:
    """Where two words stand in one sentence, the second soon after the first."""
    at = find_whole(text, first)
    for _ in range(_MOST_PARTS):
        if at < 0:
            break
        begin = at + len(first)
        found = find_whole(text[: begin + _FAR], second, begin)
        if found >= 0 and not _SENTENCE.search(text, begin, found):
            return at
        at = find_whole(text, first, at + 1)
    return -1


def _number(said: Spoken, asked: Asked) -> str | None:
    value = asked.value
    assert not isinstance(value, str)
    if (
        asked.role in (Role.MAGNITUDE, Role.CONTROL)
        and (found := gives_number(said, Decimal(str(value)), asked.name)) is not None
    ):
        return found
    if asked.role is Role.MAGNITUDE and (unit := unit_of(asked.name)) and int(value * unit) in said.calendar.spans:
        return said.around(0, 160)
    if asked.role in (Role.MAGNITUDE, Role.SELECTOR) and value in range(1, 11):
        found_at = ordinal_in(said.low, int(value), asked.name)
        if found_at >= 0:
            return said.around(found_at, len("second"))
    if not (isinstance(value, int) or value.is_integer()):
        return gives_number(said, Decimal(str(value)), asked.name) if asked.role is Role.SELECTOR else None
    if asked.role is not Role.MAGNITUDE and (found := gives_id(said, asked.text, asked.nouns)) is not None:
        return found
    return _dated(said, asked, says_part(said.calendar, int(value), asked.name)) if _is_part(asked.name) else None


def _is_part(name: tuple[str, ...]) -> bool:
    return not {"year", "month", "day"}.isdisjoint(name)


def _joined(said: Spoken, asked: Asked, value: str) -> str | None:
    """Several addresses or ids in one text: each has to be given."""
    if asked.role not in (Role.TARGET, Role.SELECTOR) or ("," not in value and ";" not in value):
        return None
    parts = [part.strip() for part in re.split(r"[,;]", value)]
    if not 1 < len(parts) <= _MOST_PARTS or not all("@" in part or any(map(str.isdigit, part)) for part in parts):
        return None
    found = [_text(said, asked, part) for part in parts]
    return found[0] if all(one is not None for one in found) else None


def _text(said: Spoken, asked: Asked, value: str) -> str | None:
    """One kind after the other: what is plainly of a kind is of that kind alone."""
    if "://" in value:
        url = url_of(value)
        named = url is not None and any(url.is_named_by(one) for one in said.urls)
        return _at_token(said, url.host if url is not None else value) if named else None
    if (mail := mail_of(value)) is not None:
        return _at_token(said, mail) if mail in said.mails else None
    if asked.role is Role.CONTROL and (found := _any_of(said, said_for(value))) is not None:
        return found
    if (names := names_of(value, asked.name)) and (found := _any_of(said, names)) is not None:
        return found
    if value in _CURRENCIES and "currency" in asked.name:
        return next(
            (said.around(one.start, one.end - one.start) for one in said.numbers if one.money == value), None
        ) or _any_of(said, _CURRENCIES[value])
    if any(map(str.isdigit, value)) and (found := _coded(said, asked, value)) is not None:
        return found
    if asked.role is Role.MAGNITUDE:
        return _any_of(said, said_for(value))
    return _named(said, asked, value)


def _coded(said: Spoken, asked: Asked, value: str) -> str | None:
    """A value with digits: a day, an amount, a duration, an account, an id."""
    if (moment := moment_of(value)) is not None:
        if says_moment(said.calendar, moment, said.durations, asked.name):
            return said.around(0, 160)
    elif says_period(said.calendar, value):
        return said.around(0, 160)
    if asked.role in (Role.MAGNITUDE, Role.CONTROL):
        if (found := gives_amount(said, value, asked.name)) is not None:
            return found
        seconds = seconds_of(value)
        if seconds is not None and (seconds in said.durations or seconds in said.calendar.spans):
            return said.around(0, 160)
        if asked.role is Role.MAGNITUDE:
            return None
    if (iban := iban_of(value)) is not None and iban in said.ibans:
        return _at_token(said, value)
    if (phone := phone_of(value)) is not None and phone in said.phones:
        return _at_token(said, value)
    if (account := account_of(value)) is not None and len(account) >= 8 and account in said.accounts:
        return _at_token(said, value)
    return gives_id(said, value, asked.nouns, is_target=asked.role is Role.TARGET)


def _named(said: Spoken, asked: Asked, value: str) -> str | None:
    """An address, a host, a path, or the name of somebody or something."""
    if (single := single_of(value)) is not None and single in said.singles:
        return _at_token(said, single)
    is_place = asked.role is Role.TARGET or not _HOSTS.isdisjoint(asked.name)
    if is_place and (host := host_of(value)) is not None:
        if host in said.hosts:
            return _at_token(said, host)
        if "." in host and not _HOSTS.isdisjoint(asked.name):
            return None  # where a host stands, the name of a file is one
    if (versioned := _VERSION.fullmatch(value)) is not None:
        bare = versioned[1]
        found = next((at for one in (bare, f"v{bare}") if (at := find_whole(said.plain, one)) >= 0), -1)
        return said.around(max(found, 0), len(value)) if found >= 0 or bare in said.versions else None
    named = frozenset(asked.name)
    if (
        asked.role in (Role.TARGET, Role.SELECTOR)
        and not _UNCASED.isdisjoint(named)
        and _FILED.isdisjoint(named)
        and (found := _uncased(said, value, named)) is not None
    ):
        return found
    if "/" in value or "\\" in value or ("." in value and _ABBREVIATED.fullmatch(value) is None):
        path = path_of(value)
        if path is None:
            return None
        if path in said.paths:
            return _at_token(said, value)
        if (found := find_whole(said.plain, value)) >= 0:
            return said.around(found, len(value))
        return _below_named(said, path)
    if value in (said.owners if _OWNER & named else said.owned if _OWNED & named else ()):
        return _at_token(said, value)
    if _CASED.search(value) is not None and _ABBREVIATED.fullmatch(value) is None:
        found = find_whole(said.plain, value)
        return said.around(found, len(value)) if found >= 0 and not value.isdigit() else None
    return _phrase(said, asked, value)


def _uncased(said: Spoken, value: str, named: frozenset[str]) -> str | None:
    """A name with a slash or a digit, whatever its capitals, and with or without spaces around the slash: no file."""
    low = folded(value)
    if value[:1] in "/.~\\" or "//" in value or path_of(value) is None:
        return None
    parts = said.owners if _OWNER & named else said.owned if _OWNED & named else ()
    if "/" not in low and any(low == folded(part) for part in parts):
        return _at_token(said, value)
    if ("/" in low or _CASED.search(low) is not None) and not low.isdigit() and find_whole(said.joined, low) >= 0:
        return _at_token(said, value)
    return None


def _below_named(said: Spoken, path: str) -> str | None:
    """A name that people gave, in a folder that they gave."""
    folder, slash, name = path.rpartition("/")
    if not slash or not folder or folder not in said.paths:
        return None
    found = find_whole(said.plain, name)
    return said.around(found, len(name)) if found >= 0 and len(name) > _SHORT else None


def _phrase(said: Spoken, asked: Asked, value: str) -> str | None:
    low = folded(value)
    bare = low.lstrip("#@")
    if low[:1] in "#@" and low not in said.low_tokens:
        if low[0] == "#" and not any(
            find_whole(said.low, f"{noun} {bare}") >= 0 or find_whole(said.low, f"{bare} {noun}") >= 0
            for noun in ("channel", "kanal", "canal")
        ):
            return None
        low = bare
    if (is_common(low) or (len(low) <= _SHORT and low.isalpha())) and not _stands_out(said, asked, value, low):
        return None
    if (found := _whole_name(said, low)) >= 0:
        return said.around(found, len(low))
    if _PARTED.search(low) and _NAME.fullmatch(low) is not None:
        # People write `data warehouse` for `data-warehouse`; `data_warehouse` would be another name.
        apart = _PARTED.sub(" ", low)
        if (found := find_whole(said.low, apart)) >= 0:
            return said.around(found, len(apart))
    return None


def _whole_name(said: Spoken, low: str) -> int:
    """Where a phrase stands, and is no part of a longer name: `Phoenix` is another than `Phoenix Archive`. -1: nowhere."""
    at = find_whole(said.low, low)
    for _ in range(_MOST_PARTS):
        if at < 0:
            return -1
        end = at + len(low)
        if not (said.plain[at].isupper() and said.plain[end : end + 1] == " " and said.plain[end + 1 : end + 2].isupper()):
            return at
        at = find_whole(said.low, low, at + 1)
    return -1


def _stands_out(said: Spoken, asked: Asked, value: str, low: str) -> bool:
    """Whether a short or common word is said as a name: in quotes, after a sign, in capitals, beside the argument's noun."""
    marked = any(
        mark in said.raw
        for mark in (f'"{value}"', f"`{value}`", f"'{value}'", f"\u201c{value}\u201d", f"#{value}", f"@{value}")
    )
    if marked or low in said.quoted or (value.isupper() and len(value) > 1 and find_whole(said.plain, value) >= 0):
        return True
    if value[:1].isupper() and not is_common(low) and find_whole(said.plain, value) >= 0:
        return True
    return any(
        find_whole(said.low, f"{low} {noun}") >= 0 or find_whole(said.low, f"{noun} {low}") >= 0
        for noun in asked.nouns
        if noun not in ("a", "to")
    )


def _at_token(said: Spoken, value: str) -> str:
    found = said.low.find(folded(value))
    return said.around(max(found, 0), len(value))


def _dated(said: Spoken, asked: Asked, given: bool) -> str | None:
    return said.around(0, 160) if given else None
