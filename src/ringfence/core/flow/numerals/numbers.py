"""Numbers as people write them, and what they count. Pure.

A number is read where its notation says one thing only: `1.200,00`, `1,200.00`, `1 200`, `1'200` and `1200.0` are the same;
`1.000` may be a thousand or one, so it is neither, except where it is money (which has two decimals).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final

from ringfence.core.definitions.wording import word_set
from ringfence.core.flow.numerals.naming_digits import naming_digits
from ringfence.core.flow.numerals.number_words import written_out
from ringfence.core.flow.spelling import folded

MOST_NUMBERS: Final = 5_000
_CHUNK: Final = re.compile(
    r"(?<![\w.,'\u2019/#@:\\])[-\u2212+]?\d{1,18}(?:[.,'\u2019]\d{1,18}){0,6}(?![\w@#/\\]|[.,'\u2019:-]\w)"
)
_SPACED: Final = re.compile(r"(?<![\w.,'\u2019/#@:\\+-])\d{1,3}(?: \d{3}){1,4}(?:[.,]\d{1,2})?(?![\w@#/\\]|[.,:-]\w| \d)")
_SUFFIXED: Final = re.compile(
    r"(?<![\w.,/#@:\\+-])(\d{1,9}(?:[.,]\d{1,3})?)(k|K|M|bn|h|d|min|s|ms|GB|MB|KB|kg|km)(?![\w@#/\\]|[.-]\w)"
)
_ARTICLE: Final = re.compile(r"(?<!\w)(half an?|an?|eine[rnm]?|une?|una) ([a-z\u00ed]{3,8})(?!\w)")
_SCALES: Final = {"k": 1_000, "K": 1_000, "M": 1_000_000, "bn": 1_000_000_000}
_SCALE_WORDS: Final = {
    "thousand": 1_000, "million": 10**6, "millions": 10**6, "billion": 10**9, "mio": 10**6, "mio.": 10**6, "tsd": 1_000,
    "tsd.": 1_000, "tausend": 1_000, "millionen": 10**6, "mille": 1_000, "mil": 1_000, "mill\u00f3n": 10**6, "millones": 10**6,
}  # fmt: skip
_SYMBOLS: Final = {"\u20ac": "EUR", "\u00a3": "GBP", "$": "USD", "\u20b9": "INR"}
CURRENCIES: Final = {
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "usd": "USD", "dollar": "USD", "dollars": "USD", "gbp": "GBP", "chf": "CHF",
    "pound": "GBP", "pounds": "GBP",
    "franken": "CHF", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "pln": "PLN", "jpy": "JPY", "cad": "CAD",
    "aud": "AUD", "czk": "CZK", "inr": "INR", "cny": "CNY", "\u20ac": "EUR", "\u00a3": "GBP", "$": "USD", "us$": "USD",
    "\u20b9": "INR",
}  # fmt: skip
"""By what people write for a currency."""
_TIME: Final = {
    1: "s sec secs second seconds sekunde sekunden seconde secondes segundo segundos",
    60: "min mins minute minutes minuten minuto minutos",
    3_600: "h hr hrs hour hours stunde stunden std heure heures hora horas",
    86_400: "d day days tag tage tagen jour jours d\u00eda d\u00edas dia dias",
    604_800: "week weeks woche wochen semaine semaines semana semanas",
}
TIME_UNITS: Final = {word: factor for factor, words in _TIME.items() for word in words.split()}
"""Seconds of each unit, by its names."""
_PERCENT: Final = frozenset({"%", "percent", "per cent", "prozent", "pct"})
_COUNTED: Final = word_set(
    """
    unit units piece pieces item items copy copies stück times rows row people seats licences licenses entries gb
    mb kb kg km
    """
)
NUMBERED: Final = word_set(
    """
    ticket tickets issue issues order orders invoice invoices case cases pr prs pull merge request requests
    incident incidents number no nr nº id ids account customer job jobs build ref reference contract claim booking
    document doc record page version room floor line bestellung bestellungen rechnung rechnungen auftrag aufträge
    nummer kunde konto vorgang commande facture numéro n° pedido factura número step phase chapter section table
    shipment parcel device host node change alert
    """
)
"""Nouns after which a number is somebody's or something's, and counts nothing."""
_CLOCK: Final = frozenset({"am", "pm", "a.m", "p.m", "uhr", "o'clock"})
_MOST_DIGITS: Final = 24
_NEIGHBOUR: Final = 24


@dataclass(frozen=True, slots=True)
class Number:
    """One number in a text."""

    value: Decimal
    start: int
    end: int
    money: str = ""
    """A currency, where one stands beside it."""
    seconds: int = 0
    """Of the unit of time that follows it; 0: none does."""
    percent: bool = False
    labels: bool = False
    """It stands after `#`, `ticket`, `order`: it says which one, not how many."""
    pieces: bool = False
    """What is counted follows it: `7 copies`."""
    share: bool = False
    """Percent that nobody called so: `half of it`."""

    @property
    def counts(self) -> bool:
        """It says how much or how many, so it names nothing."""
        return bool(self.money or self.seconds or self.percent or self.pieces)


def numbers_in(text: str, written: Iterable[tuple[int, int, int]] | None = None) -> tuple[Number, ...]:
    """Every number of a text in one spelling. At most `MOST_NUMBERS`. `written`: those in words, where they are known."""
    found: list[Number] = []
    taken: set[int] = set()
    for match in _SPACED.finditer(text):
        _add(found, text, match[0].replace(" ", ""), match.start(), match.end())
        taken.update(range(match.start(), match.end()))
    for match in _SUFFIXED.finditer(text):
        scale = _SCALES.get(match[2])
        value = _plain_decimal(match[1])
        if value is None:
            continue
        if scale is not None:
            found.append(_placed(text, value * scale, match.start(), match.end()))
        elif (unit := TIME_UNITS.get(match[2])) is not None:
            found.append(Number(value, match.start(), match.end(), seconds=unit))
        else:
            found.append(Number(value, match.start(), match.end()))
    for match in _CHUNK.finditer(text):
        if len(found) >= MOST_NUMBERS:
            break
        if match.start() not in taken:
            _add(found, text, match[0], match.start(), match.end())
    for value, start, end in written_out(folded(text)) if written is None else written:
        if len(found) >= MOST_NUMBERS:
            break
        found.append(_placed(text, Decimal(value), start, end))
    for match in _ARTICLE.finditer(folded(text)):
        if (unit := TIME_UNITS.get(match[2])) is not None and len(found) < MOST_NUMBERS:
            found.append(Number(Decimal("0.5" if match[1].startswith("half") else 1), match.start(), match.end(), seconds=unit))
    naming = naming_digits(text)
    return tuple(replace(one, labels=True) if not one.counts and one.start in naming else one for one in found)


def _add(found: list[Number], text: str, written: str, start: int, end: int) -> None:
    if written[0] in "-\u2212+" and start and text[start - 1] != " ":
        return
    probe = _placed(text, Decimal(0), start, end)
    value = read_number(written, money=bool(probe.money))
    if value is not None:
        found.append(_placed(text, value, start, end))


def read_number(written: str, *, money: bool = False) -> Decimal | None:
    """What a written number is worth; None where it is none, or where two people could read it differently."""
    sign = -1 if written[:1] in ("-", "\u2212") else 1
    digits = written.lstrip("-\u2212+").replace("\u2019", "'").replace("\u00a0", " ")
    if not re.fullmatch(r"\d{1,18}(?:[.,' ]\d{1,18}){0,6}", digits):
        return None
    used = [char for char in digits if not char.isdigit()]
    groups = re.split(r"[.,' ]", digits)
    if not used:
        return _decimal(digits, sign) if digits == "0" or digits[0] != "0" else None
    kinds = list(dict.fromkeys(used))
    last = used[-1]
    if len(kinds) == 1:
        if last in "' " or len(used) > 1:
            return _decimal("".join(groups), sign) if _is_grouped(groups) else None
        if len(groups[1]) == 3 and groups[0] != "0" and len(groups[0]) <= 3 and not groups[0].startswith("0"):
            # Three places after one mark. Money has two decimals; a comma with three is English for thousands.
            return _decimal("".join(groups), sign) if money or last == "," else None
        return _decimal(f"{groups[0]}.{groups[1]}", sign)
    if len(kinds) != 2 or used.count(last) != 1 or last not in ".," or not _is_grouped(groups[:-1]):
        return None
    return _decimal(f"{''.join(groups[:-1])}.{groups[-1]}", sign)


def _is_grouped(groups: list[str]) -> bool:
    return 0 < len(groups[0]) <= 3 and groups[0][0] != "0" and all(len(group) == 3 for group in groups[1:])


def _decimal(text: str, sign: int = 1) -> Decimal | None:
    if len(text) > _MOST_DIGITS:
        return None
    try:
        return Decimal(text) * sign
    except InvalidOperation:
        return None


def _plain_decimal(text: str) -> Decimal | None:
    return _decimal(text.replace(",", ".")) if text[0] != "0" or text[:2] in ("0", "0.", "0,") else None


def _placed(text: str, value: Decimal, start: int, end: int) -> Number:
    """The number with what its neighbours say of it."""
    before = text[max(0, start - _NEIGHBOUR) : start].lower()
    after = text[end : end + _NEIGHBOUR].lower()
    ahead = before.rstrip().rsplit(" ", 1)[-1].lstrip("(\"'") if before.rstrip() else ""
    follows = after.lstrip().split(" ", 1)[0].rstrip(",;:!?)\"'")
    if follows in _SCALE_WORDS and value < _SCALE_WORDS[follows]:
        value *= _SCALE_WORDS[follows]
        rest = after.lstrip()[len(follows) :].split()
        follows = rest[0].rstrip(".,;:!?)\"'") if rest else ""
    unit = follows.rstrip(".")
    money = CURRENCIES.get(unit, "") or _symbol(unit) or CURRENCIES.get(ahead, "") or _SYMBOLS.get(before[-1:], "")
    seconds = TIME_UNITS.get(unit.partition("-")[0], 0) or TIME_UNITS.get(
        after[1:].partition(" ")[0] if after[:1] == "-" else "", 0
    )
    percent = unit in _PERCENT or after.lstrip()[:1] == "%"
    pieces = unit in _COUNTED
    counts = bool(money or seconds or percent or pieces)
    labels = not counts and (
        unit in _CLOCK or (follows not in ("of", "x", "\u00d7") and (before[-1:] == "#" or ahead.rstrip(".:") in NUMBERED))
    )
    return Number(value, start, end, money, seconds, percent, labels, pieces)


def _symbol(unit: str) -> str:
    return _SYMBOLS.get(unit[:1], "") if len(unit) == 1 else ""
