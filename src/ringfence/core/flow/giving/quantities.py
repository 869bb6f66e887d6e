"""Whether people's words give a number: an amount, a count, a length. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from ringfence.core.definitions.wording import word_set
from ringfence.core.flow.numerals.numbers import CURRENCIES, TIME_UNITS, Number, read_number
from ringfence.core.flow.spelling import find_whole
from ringfence.core.flow.words.spoken import Spoken

_MONEY: Final = word_set(
    """
    amount price cost costs fee fees budget total refund payment salary credit debit balance money value sum spend
    discount
    """
)
_ONLY_MONEY: Final = word_set("price cost costs fee fees budget salary amount refund payment money spend")
_MINOR: Final = frozenset({"cents", "cent", "pence", "minor", "pennies"})
_NO_MINOR: Final = frozenset({"JPY"})
_PERCENT: Final = frozenset({"percent", "percentage", "pct"})
_SHARE: Final = frozenset({"ratio", "fraction", "rate"})
_LENGTHS: Final = word_set(
    """
    duration timeout ttl delay interval length period wait age retention after for time expires expiry
    """
)
_NUMBERED: Final = word_set("limit max maximum min minimum threshold value size count number discount")
_COUNTS: Final = frozenset({"quantity", "qty", "count", "copies", "units", "seats"})
_ARTICLES: Final = ("a", "an", "one", "ein", "eine", "einen", "un", "une", "una")
_AMOUNT: Final = re.compile(
    r"([A-Z]{3}|[\u20ac$\u00a3\u20b9])? ?([-+]?\d[\d.,' ]{0,40}?) ?([A-Za-z]{1,10}|[\u20ac$\u00a3%\u20b9])?"
)


def gives_number(said: Spoken, value: Decimal, name: tuple[str, ...]) -> str | None:
    """The passage that gives a number for an argument of this name, or None.

    Units have to agree: two hours are no 2 for `delay_seconds`, and are its 7200; EUR 12.50 is no 12.5 for `amount_cents`,
    and is its 1250. What says which one (`ticket 7`) says not how many.
    """
    named = frozenset(name)
    # Units may change the figure, so all are looked at; what is plainly the same comes first.
    paid = not named.isdisjoint(_ONLY_MONEY)
    in_money = paid and said.has_money
    for number in _near(said, value, unit_of(named)):
        if paid and (number.pieces or (in_money and not number.money)):
            continue  # where people name a currency, what has none is no amount
        if _is_given(number, value, named):
            return said.around(number.start, number.end - number.start)
    if value == 1 and not named.isdisjoint(_COUNTS):
        places = (find_whole(said.low, article) for article in _ARTICLES)
        return next((said.around(at, 1) for at in places if at >= 0), None)
    return None


def _near(said: Spoken, value: Decimal, unit: int = 0) -> list[Number]:
    """The numbers that may be the value: as they stand, in hundredths, in thousandths, or as a length of time."""
    keys = {value, value / 100, value * 100, value / 1_000, value * (unit or 1)}
    return [said.numbers[place] for place in sorted({place for key in keys for place in said.numbered_by.get(key, ())})]


def unit_of(name: Iterable[str]) -> int:
    """Seconds of the unit of time that an argument's name says; 0 where it says none."""
    return next((TIME_UNITS[word] for word in name if word in TIME_UNITS and len(word) > 1), 0)


def _is_given(number: Number, value: Decimal, name: frozenset[str]) -> bool:
    if number.labels:
        return False
    unit = unit_of(name) or (1_000 if "ms" in name else 0)
    if "ms" in name or "millis" in name or "milliseconds" in name:
        return bool(number.seconds) and number.value * number.seconds * 1_000 == value
    if number.seconds:
        if unit:
            return number.value * number.seconds == value * unit
        return number.value == value and not name.isdisjoint(_LENGTHS)
    if not name.isdisjoint(_MINOR):
        if number.money:
            return number.money not in _NO_MINOR and number.value * 100 == value
        return number.value == value
    if number.money:
        return (
            number.value == value
            and not unit
            and (not name.isdisjoint(_MONEY | _NUMBERED) or name.isdisjoint(_COUNTS | _PERCENT))
        )
    if number.percent:
        if number.share and name.isdisjoint(_PERCENT | _SHARE | {"discount"}):
            return False
        if not name.isdisjoint(_SHARE) and number.value == value * 100:
            return True
        return number.value == value and name.isdisjoint(_ONLY_MONEY)
    return number.value == value


def gives_amount(said: Spoken, value: str, name: tuple[str, ...]) -> str | None:
    """The same for an amount that is written with its unit: `EUR 1200`, `10%`, `1200.00`."""
    found = _AMOUNT.fullmatch(value)
    if found is None:
        return None
    units = [unit for unit in (found[1], found[3]) if unit]
    currency = next((CURRENCIES[unit.lower()] for unit in units if unit.lower() in CURRENCIES), "")
    number = read_number(found[2], money=bool(currency))
    if number is None or len(units) > 1:
        return None
    if not units:
        return gives_number(said, number, name)
    for one in _near(said, number):
        same = one.money == currency if currency else one.percent if units[0] == "%" else False
        if same and one.value == number and not one.labels:
            return said.around(one.start, one.end - one.start)
    return None
