"""Numbers that states give to people, by python-stdnum. Pure.

It is installed only where somebody asks for these (`ringfence[personal-data]`). Listed are forms that hardly anything else has:
with letters, with the signs that belong into it, with two check digits, or with its name beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ringfence.core.scan.payment_numbers import stands_alone

Valid = Callable[[str], bool]

try:
    from stdnum.be import nn
    from stdnum.br import cpf
    from stdnum.ch import ssn as ahv
    from stdnum.de import idnr
    from stdnum.es import dni, nie
    from stdnum.fi import hetu
    from stdnum.fr import nir
    from stdnum.gb import nhs
    from stdnum.it import codicefiscale
    from stdnum.nl import bsn
    from stdnum.no import fodselsnummer
    from stdnum.pl import pesel
    from stdnum.se import personnummer
    from stdnum.us import ssn
except ImportError:
    _valid: dict[str, Valid] = {}
else:
    _valid = {
        "be": nn.is_valid,
        "br": cpf.is_valid,
        "ch": ahv.is_valid,
        "de": idnr.is_valid,
        "es": lambda number: dni.is_valid(number) or nie.is_valid(number),
        "fi": hetu.is_valid,
        "fr": nir.is_valid,
        "gb": nhs.is_valid,
        "it": codicefiscale.is_valid,
        "nl": bsn.is_valid,
        "no": fodselsnummer.is_valid,
        "pl": pesel.is_valid,
        "se": personnummer.is_valid,
        "us": ssn.is_valid,
    }

VALID: Final[Mapping[str, Valid]] = _valid
"""By country; empty where python-stdnum is not installed."""
FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "be": (r"\b[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}\b", r"[0-9]\.[0-9]{2}-[0-9]{3}\."),
    "br": (r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b", r"[0-9]\.[0-9]{3}-[0-9]{2}"),
    "ch": (r"\b756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}\b", r"756\.?[0-9]{4}\.?[0-9]{4}"),
    "de": (r"\b[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}\b|(?i:\b(?:steuer-?id|idnr|tax id)[^0-9\n\x00]{0,20})([1-9][0-9]{10})\b",
           r"[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}|(?i:steuer-?id|idnr|tax id)"),
    "es": (r"\b(?:[0-9]{8}|[XYZ][0-9]{7})-?[A-Z]\b", r"[0-9]{7}-?[A-Z]"),
    "fi": (r"\b[0-3][0-9][01][0-9]{3}[-+A][0-9]{3}[0-9A-Y]\b", r"[0-9]{4}[-+A][0-9]{3}"),
    "fr": (r"\b[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b",
           r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3}"),
    "gb": (r"(?i:\bNHS[^0-9\n\x00]{0,20})([0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})\b", r"(?i:\bNHS)"),
    "it": (r"\b[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]\b", r"[A-Z]{3}[0-9]{2}[A-EHLMPRST][0-9]"),
    "nl": (r"(?i:\b(?:BSN|burgerservicenummer)[^0-9\n\x00]{0,20})([0-9]{9})\b", r"(?i:\bBSN|burgerservice)"),
    "no": (r"\b[0-7][0-9][0-9]{4} ?[0-9]{5}\b", r"\b[0-7][0-9]{5} ?[0-9]{5}\b"),
    "pl": (r"(?i:\bPESEL[^0-9\n\x00]{0,20})([0-9]{11})\b", r"(?i:\bPESEL)"),
    "se": (r"\b(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}\b", r"[0-9]{6}[-+][0-9]{4}"),
    "us": (r"\b[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}\b", r"[0-9]{3}-[0-9]{2}-[0-9]{4}"),
}  # fmt: skip
"""By country: the pattern of a candidate, whose first group is the number where there is one, and what triggers it."""


def check_of(country: str) -> Callable[[bytes, int, int], int]:
    """The check of a country's number, as in `payment_numbers`. Where the library is missing, nothing is one."""
    valid = VALID.get(country)

    def check(text: bytes, start: int, end: int) -> int:
        if valid is None or not stands_alone(text, start, end):
            return -1
        return end if valid(text[start:end].decode("latin-1")) else -1

    return check
