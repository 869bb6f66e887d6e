"""What identifies a person by number or address. Candidates are found like credentials; a check decides which counts."""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.contact_data import email, phone
from ringfence.core.scan.national_ids import FORMS, check_of
from ringfence.core.scan.payment_numbers import card, iban
from ringfence.core.scan.rule import Rule, personal

CARD, IBAN, EMAIL, PHONE = "card", "iban", "email", "phone"
NATIONAL_ID: Final = "national-id"

PERSONAL_RULES: Final[tuple[Rule, ...]] = (
    personal(
        CARD,
        r"\b[2-6][0-9]{3}(?:[ -]?[0-9]){10,15}\b",
        trigger=r"\b[2-6][0-9]{13}|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4}",
        check=card,
    ),
    personal(
        IBAN,
        r"\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}\b",
        trigger=r"[A-Z]{2}[0-9]{2}[ -]?[A-Z0-9]{4}[ -]?[A-Z0-9]{4}",
        check=iban,
    ),
    personal(
        EMAIL,
        r"[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}\b",
        trigger=r"[A-Za-z0-9_]@[A-Za-z0-9]",
        check=email,
    ),
    personal(
        PHONE,
        r"\+[1-9](?:[ .()/-]{0,2}[0-9]){7,14}\b|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}-[0-9]{4}\b",
        trigger=r"\+[1-9][0-9 .()/-]{4}|\([2-9][0-9]{2}\) ?[2-9]",
        check=phone,
    ),
    *(
        personal(f"{NATIONAL_ID}-{country}", pattern, trigger=trigger, check=check_of(country))
        for country, (pattern, trigger) in FORMS.items()
    ),
)
