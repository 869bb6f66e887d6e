"""Ids, phones, bank accounts and paths in one spelling. Pure."""

from __future__ import annotations

import re
from typing import Final

_RUNS: Final = re.compile(r"[^\W\d_]+|\d+")
_ID: Final = re.compile(r"#?[^\W_]{1,40}(?:[-_/#.:][^\W_]{1,40}){0,8}")
_SPACED_ID: Final = re.compile(r"[A-Za-z]{1,6} ?#? ?\d{2,12}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX: Final = re.compile(r"(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{12,64}")
_IBAN: Final = re.compile(r"[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{1,4}){3,8}")
_PHONE: Final = re.compile(r"(?:\+|00)?[\d()][\d ()./\u2013-]{5,24}\d")
_ACCOUNT: Final = re.compile(r"\d{2,8}(?:[ -]\d{2,8}){1,6}|\d{6,30}")
_PATH: Final = re.compile(r"[^\s<>\"|*?][^<>\"|*?\n]{0,1000}")
_HIDDEN: Final = re.compile(r"%(?:2e|2f|5c|00|25)", re.IGNORECASE)

Runs = tuple[str, ...]


def runs_of(value: str) -> Runs | None:
    """The letters and digits of an id, run by run: `INV-2041` and `inv 2041` are the same, `12-34` and `1234` are not.

    Leading zeros are kept. Letters lose their case where there is one run of them in one case, and in hexadecimal ids; in
    `a1B2`, where two ids may differ in nothing else, they keep it. None for what is no id.
    """
    if not any(char.isdigit() for char in value):
        return None
    if _UUID.fullmatch(value) or _HEX.fullmatch(value):
        return (value.lower(),)
    if _ID.fullmatch(value) is None and _SPACED_ID.fullmatch(value) is None:
        return None
    runs = tuple(_RUNS.findall(value))
    if "." in value or ":" in value or not any(run.isalpha() for run in runs):
        # Versions, addresses and times: what stands between their digits makes them what they are.
        return (value.lstrip("#"),)
    letters = [run for run in runs if run.isalpha()]
    if len(letters) == 1 and (letters[0].isupper() or letters[0].islower() or letters[0].istitle()):
        return tuple(run.lower() for run in runs)
    if len(letters) > 1 and all(run.isupper() or run.islower() for run in letters) and "-" in value and _long(letters):
        return tuple(run.lower() for run in runs)
    # What joins the runs of any other id belongs to it.
    return runs if len(letters) < 2 else (value.lstrip("#"),)


def _long(letters: list[str]) -> bool:
    """Words rather than random letters: `eu-west-1`, `SRV-DB-04`."""
    return all(len(run) > 1 for run in letters)


def spaced_ids(text: str) -> list[tuple[str, int]]:
    """What reads like an id with a space in it, and where: `INV 2041`."""
    return [(found[0], found.start()) for found in re.finditer(r"(?<![\w.@/-])[A-Z]{1,6} #?\d{2,12}(?![\w@/]|[.,-]\w)", text)]


def iban_of(value: str) -> str | None:
    """A bank account number (ISO 13616) without its spaces; None for anything else."""
    if _IBAN.fullmatch(value) is None:
        return None
    plain = value.replace(" ", "").upper()
    return plain if 15 <= len(plain) <= 34 else None


def ibans_in(text: str) -> set[str]:
    """Every bank account number of a text."""
    found: set[str] = set()
    for start in re.finditer(r"(?<![\w-])[A-Za-z]{2}\d{2}(?=[ A-Za-z0-9])", text):
        groups = re.match(
            r"[A-Za-z]{2}\d{2}(?:[A-Z0-9a-z]{11,30}(?!\w)|(?: [A-Z0-9a-z]{4}){2,7}(?: [A-Z0-9]{1,3}(?!\w))?(?!\w))",
            text[start.start() : start.start() + 48],
        )
        if groups is not None and (plain := iban_of(groups[0])) is not None:
            found.add(plain)
    return found


def phone_of(value: str) -> str | None:
    """A telephone number: its digits, with `+` for what dials a country. None for anything else."""
    if _PHONE.fullmatch(value) is None:
        return None
    plain = value.replace("(0)", "")
    digits = re.sub(r"\D", "", plain)
    if not 7 <= len(digits) <= 15:
        return None
    if plain.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def phones_in(text: str) -> set[str]:
    """Every run of digits of a text that may be a telephone number."""
    found = (
        phone_of(one[0]) for one in re.finditer(r"(?<![\w.@/#-])(?:\+|00)?[\d(][\d ()/\u2013-]{5,24}\d(?![\w@]|[.,-]\w)", text)
    )
    return {phone for phone in found if phone is not None}


def account_of(value: str) -> str | None:
    """The digits of a card or account number, leading zeros kept; None for anything else, and for fewer than six."""
    if _ACCOUNT.fullmatch(value) is None:
        return None
    digits = re.sub(r"\D", "", value)
    return digits if 6 <= len(digits) <= 30 else None


def accounts_in(text: str) -> set[str]:
    """Every card or account number of a text."""
    found = re.finditer(r"(?<![\w.@/#,-])\d{2,8}(?:[ -]\d{2,8}){1,6}(?![\w@/]|[.,-]\w)", text)
    return {digits for one in found if (digits := account_of(one[0])) is not None}


def path_of(value: str) -> str | None:
    """A path with single slashes, without `.` and a slash at its end, its case kept. None where it climbs, where it may once
    its escapes are undone, and where it is none.
    """
    if _PATH.fullmatch(value) is None or ("\\" in value and "/" in value):
        return None
    slash = "\\" if "\\" in value else "/"
    parts = value.split(slash)
    if any(not part.strip(". ") and part not in ("", ".") for part in parts) or _HIDDEN.search(value) is not None:
        return None
    kept = [part for part in parts if part not in ("", ".")]
    head = slash if value.startswith(slash) else ""
    return head + slash.join(kept) if kept else head or None


def is_below(path: str, root: str) -> bool:
    """Whether a path is the root or lies below it, by whole names. Both as `path_of` gives them."""
    return path == root or path.startswith(root if root.endswith("/") else f"{root}/")
