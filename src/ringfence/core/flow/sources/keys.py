"""What a whole value is, in every spelling that means the same: for values that trusted sources hold. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from ringfence.core.flow.names.codes import account_of, iban_of, phone_of, runs_of
from ringfence.core.flow.numerals.numbers import read_number
from ringfence.core.flow.spelling import folded, is_exact_only
from ringfence.core.flow.web.addresses import host_of, mail_of, url_of
from ringfence.core.model.profile import Role

Key = tuple[str, str]
_NAME: Final = re.compile(r"[^\W\d_]+(?:['\u2019. -]+[^\W\d_]+)*\.?")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def keys_of(value: object) -> frozenset[Key]:
    """Keys of a scalar; two values that share one are the same to every tool. None of `null`, containers and booleans."""
    if isinstance(value, str):
        return _text_keys(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return frozenset()
    number = Decimal(str(value))
    whole = {("id", str(int(value)))} if number == number.to_integral_value() and abs(number) < 10**18 else set[Key]()
    return frozenset({("number", _written(number)), *whole})


@lru_cache(maxsize=4096)
def _text_keys(value: str) -> frozenset[Key]:
    if not value.strip():
        return frozenset()
    found: set[Key] = {("is", value)}
    if is_exact_only(value):
        return frozenset(found)
    value = value.strip()
    if (mail := mail_of(value)) is not None:
        return frozenset({*found, ("mail", mail)})
    if "://" in value:
        url = url_of(value)
        return (
            frozenset({*found, ("url", f"{url.scheme}://{url.host}:{url.port}{url.path}?{url.query}")})
            if url
            else frozenset(found)
        )
    for kind, one in (
        ("iban", iban_of(value)),
        ("phone", phone_of(value)),
        ("account", account_of(value)),
        ("host", host_of(value)),
    ):
        if one is not None:
            found.add((kind, one))
    if (number := read_number(value)) is not None:
        found.add(("number", _written(number)))
    if value.isdigit() and value.isascii():
        found.add(("id", value))
    elif _DAY.fullmatch(value) is None and (runs := runs_of(value)) is not None:
        found.add(("id", "\0".join(runs)))
        if all(run == run.lower() for run in runs):
            found.add(("low", value.lower()))
    if _NAME.fullmatch(value) is not None:
        found.add(("name", " ".join(folded(value).split())))
    return frozenset(found)


def fitting(keys: frozenset[Key], role: Role) -> frozenset[Key]:
    """The keys that count for a role: ids are no amounts, and of a target every sign counts (`alex-99` is not `alex99`)."""
    if role is Role.MAGNITUDE:
        return frozenset(key for key in keys if key[0] not in ("id", "low"))
    if role is Role.TARGET:
        return frozenset(key for key in keys if key[0] != "id" or key[1].isdigit())
    return keys


def _written(number: Decimal) -> str:
    return format(number.normalize(), "f")
