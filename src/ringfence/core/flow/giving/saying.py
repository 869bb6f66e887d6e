"""Whether people's words give a value. Pure.

One rule for each kind of value. A value may be of several kinds (`2041` is a number and an id); each role takes the kinds that
fit it, so that a 7 that counted copies selects no ticket 7.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from ringfence.core.flow.asked import Asked
from ringfence.core.flow.giving.commands import gives_command
from ringfence.core.flow.giving.controls import is_harmless_off, is_harmless_on, said_for, said_for_switch
from ringfence.core.flow.giving.ids import gives_id
from ringfence.core.flow.giving.named import gives_name
from ringfence.core.flow.giving.phrases import any_of, at_token
from ringfence.core.flow.giving.quantities import gives_amount, gives_number, unit_of
from ringfence.core.flow.names.codes import account_of, iban_of, phone_of
from ringfence.core.flow.names.tongues import names_of
from ringfence.core.flow.numerals.numbers import CURRENCIES
from ringfence.core.flow.numerals.ordinals import ordinal_in
from ringfence.core.flow.spelling import find_whole, is_exact_only
from ringfence.core.flow.times.moments import moment_of, says_moment, says_part, says_period, seconds_of
from ringfence.core.flow.web.addresses import mail_of, url_of
from ringfence.core.flow.words.spoken import Spoken
from ringfence.core.model.profile import Role

_CURRENCIES: Final = {code: tuple(word for word, known in CURRENCIES.items() if known == code) for code in CURRENCIES.values()}
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
        return gives_command(said, value.strip())
    if is_exact_only(value):
        return _exactly(said, value)
    value = value.strip()
    if (found := _joined(said, asked, value)) is not None:
        return found
    return _text(said, asked, value)


def _exactly(said: Spoken, value: str) -> str | None:
    found = find_whole(said.raw, value)
    return said.raw[found : found + 160] if found >= 0 else None


def _switch(said: Spoken, asked: Asked, *, on: bool) -> str | None:
    groups = said_for_switch(asked.name, on=on)
    places = [any_of(said, phrases) for phrases in groups]
    return places[0] if places and all(place is not None for place in places) else None


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
        return at_token(said, url.host if url is not None else value) if named else None
    if (mail := mail_of(value)) is not None:
        return at_token(said, mail) if mail in said.mails else None
    if asked.role is Role.CONTROL and (found := any_of(said, said_for(value))) is not None:
        return found
    if (names := names_of(value, asked.name)) and (found := any_of(said, names)) is not None:
        return found
    if value in _CURRENCIES and "currency" in asked.name:
        return next(
            (said.around(one.start, one.end - one.start) for one in said.numbers if one.money == value), None
        ) or any_of(said, _CURRENCIES[value])
    if any(map(str.isdigit, value)) and (found := _coded(said, asked, value)) is not None:
        return found
    if asked.role is Role.MAGNITUDE:
        return any_of(said, said_for(value))
    return gives_name(said, asked, value)


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
        return at_token(said, value)
    if (phone := phone_of(value)) is not None and phone in said.phones:
        return at_token(said, value)
    if (account := account_of(value)) is not None and len(account) >= 8 and account in said.accounts:
        return at_token(said, value)
    return gives_id(said, value, asked.nouns, is_target=asked.role is Role.TARGET)


def _dated(said: Spoken, asked: Asked, given: bool) -> str | None:
    return said.around(0, 160) if given else None
