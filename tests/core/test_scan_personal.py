"""Personal data is found by format and checksum, and what only looks like it is left alone."""

from typing import Any

import pytest

from ringfence.core.scan.personal import Personal
from ringfence.core.scan.personal_rules import PERSONAL_RULES
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import Scanner

SCANNER = Scanner()
EVERYTHING = Personal(frozenset(rule.id for rule in PERSONAL_RULES))
BOTH = frozenset({Kind.SECRET, Kind.PERSONAL})

# Numbers from the documentation of issuers and libraries, and made up ones with right checksums.
REAL = {
    "card": ["4111 1111 1111 1111", "card=4111111111111111", "4242424242424242", "5555-5555-5555-4444", "378282246310005",
             "3782 822463 10005", "6011111111111117", "30569309025904", "3566002020360505", "2223003122003222"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR1420041010050500013M02606", "NO9386011117947"],
    "email": ["anna.mueller@firma.de", "o'brien+tag@mail.co.uk", "x_1@sub.domain.org"],
    "phone": ["+49 30 901820", "+1 212 555 0142", "+44 (20) 7946-0958", "(212) 555-0142", "+33.1.42.68.53.00"],
    "national-id-be": ["85.07.30-033.28"],
    "national-id-br": ["390.533.447-05"],
    "national-id-ch": ["756.9217.0769.85"],
    "national-id-de": ["36 574 261 809", "Steuer-ID: 36574261809"],
    "national-id-es": ["54362315K", "X5253868R"],
    "national-id-fi": ["131052-308T"],
    "national-id-fr": ["2 95 10 99 126 111 93", "295109912611193"],
    "national-id-gb": ["NHS number 943 476 5870"],
    "national-id-it": ["RCCMNL83S18D969H"],
    "national-id-nl": ["BSN 111222333"],
    "national-id-no": ["15108695088"],
    "national-id-pl": ["PESEL: 44051401359"],
    "national-id-se": ["880320-0016"],
    "national-id-us": ["536-90-4399"],
}  # fmt: skip
AROUND = ["{}", "it is {}.", "({})", '{{"a": "{}"}}', "a,{},b", "first\n{}\nlast"]

LOOK_ALIKES = [
    "order 4111111111111112 was shipped",  # Luhn is wrong
    "4111-1111-1111-1111-1111",  # too many groups
    "order-4111111111111111", "ref_4111111111111111", "/invoices/4111111111111111", "4111111111111111.pdf",
    "#4111111111111111", "v4111111111111111", "0000 0000 0000 0000", "4444444444444444",
    "41 11 11 11 11 11 11 11",
    "2026-03-04T10:11:12.123456Z", "20260304101112345", "1772619072", "1772619072123", "1772619072123456",
    "1772619072123456789",
    "123e4567-e89b-42d3-a456-426614174000", "41111111-1111-4111-8111-111111111111", "d41d8cd98f00b204e9800998ecf8427e",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "1.2.3", "v10.20.30+4915123456789",
    "1.0.0-rc.1+20130313144700", "10.0.255.12", "2001:db8::8a2e:370:7334", "00:1B:44:11:3A:B7", "1Z999AA10123456784",
    "978-3-16-148410-0", "4006381333931", "KB-104", "DE89370400440532013001", "DE12ABCD", "GB82 WEST 1234 5698 7654 3",
    "XX89370400440532013000", "AB12CD34EF56GH78IJ90KL", "SKU DE12345678901234567890",
    "logo@2x.png", "git@github.com:owner/name.git", "@scope/package@1.2.3", "npm install left-pad@1.3.0", "user@localhost",
    "postgres://reader:word@db.internal/sales", "anna@example.com", "a@b", "@anna", "deploy@host.test", "https://user@host.com/x",
    "+01:00", "1+1234567890", "x=+491512345678=y", "a+4915123456789", "+0123456789", "+1111111111", "+12", "+4915:123456",
    "-1234567890", "555-0142", "diff --git +1234567,12 +99", "2024-01-02-1234", "123-45-678", "000-12-3456", "666-12-3456",
    "part 123456-7890", "12345678A", "850730-033-28", "36574261809", "943 476 5870", "111222333", "44051401359",
    "99 999 999 999",
    "ABCDEF99Z99A999A", "15108695089", "756.9217.0769.86", "390.533.447-06", "131052-308U",
]  # fmt: skip


def found(value: Any, personal: Personal = EVERYTHING) -> list[str]:
    return [one.rule for one in SCANNER.see(value, "", personal=personal).findings if one.kind is Kind.PERSONAL]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("rule,text", [(rule, text) for rule, texts in REAL.items() for text in texts])
def test_personal_data_is_found(rule: str, text: str, around: str) -> None:
    assert rule in found({"text": around.format(text)})


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found({"text": text, "more": f"see {text} there"}) == []


def test_it_is_masked_and_nothing_else_is() -> None:
    value = {"a": "call +1 212 555 0142 or anna@firma.de, card 4242 4242 4242 4242, order 1234567890123456"}
    seen = SCANNER.see(value, "", personal=EVERYTHING, masks=BOTH)
    assert SCANNER.masked(value, seen, personal=EVERYTHING, masks=BOTH) == {
        "a": "call [masked: phone] or [masked: email], card [masked: card], order 1234567890123456"
    }


def test_a_number_after_digits_that_are_none_is_found() -> None:
    assert found({"a": "3500 4242 4242 4242 4242"}) == ["card"]


def test_without_being_asked_nothing_personal_is_found() -> None:
    assert SCANNER.see({"a": " ".join(texts[0] for texts in REAL.values())}, "").findings == ()


def test_only_the_kinds_that_are_asked_for_are_found() -> None:
    text = {"a": "4242424242424242 and anna@firma.de"}
    assert found(text, Personal(frozenset({"email"}))) == ["email"]


@pytest.mark.parametrize(
    "allowed,text",
    [
        ("4242424242424242", "4242 4242 4242 4242"),
        ("help@firma.de", "Help@firma.de"),
        ("@firma.de", "anna@firma.de"),
        ("12125550142", "+1 (212) 555-0142"),
    ],
)
def test_what_is_allowed_counts_for_nothing(allowed: str, text: str) -> None:
    assert found({"a": text}) != []
    assert found({"a": text}, Personal(EVERYTHING.rules, frozenset({allowed}))) == []
