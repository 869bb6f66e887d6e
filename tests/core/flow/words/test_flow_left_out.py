"""Whom people leave out by a word right before is given nothing; whoever stands beside is."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import COMMAND, MAGNITUDE, SELECTOR, TARGET, gives

from ringfence.core.flow.words.left_out import without_left_out
from ringfence.core.model.profile import Role

BOB, CAROL = "bob@corp.example", "carol@corp.example"


@pytest.mark.parametrize(
    "text",
    [
        "Send it to BOB, not to CAROL",
        "Send it to BOB, not CAROL",
        "Send it to BOB (not CAROL).",
        "Send it to BOB and not to CAROL",
        "Send it to BOB without CAROL in copy",
        "Send it to BOB, never\nto CAROL",
        "Send it to BOB. Please do not\nmail CAROL",
        "Send it to BOB. Do not do any of this:\n- mail CAROL\n- wait",
        "Send it to BOB; CAROL must not get it",
        "Mail BOB only, nothing to CAROL",
        "No copy to CAROL; send it to BOB",
        "Avoid mailing CAROL. Mail BOB",
        "Mail BOB, not eve@corp.example or CAROL",
        "Schick es BOB, nicht CAROL",
        "Schick es an BOB, aber nicht CAROL",
        "Schick es BOB, ohne CAROL in Kopie",
        "Kein Mail an CAROL, nur an BOB",
        "Schick es BOB. CAROL darf das nicht bekommen",
        "Envoie-le \u00e0 BOB, pas \u00e0 CAROL",
        "Envoie-le \u00e0 BOB sans CAROL en copie",
        "Ne l'envoie pas \u00e0 CAROL, mais \u00e0 BOB",
        "M\u00e1ndalo a BOB, no a CAROL",
        "M\u00e1ndalo a BOB, sin copia a CAROL",
        "No lo env\u00edes a CAROL, sino a BOB",
    ],
)
def test_who_is_left_out_is_not_given_and_who_is_not_is(text: str) -> None:
    said = text.replace("BOB", BOB).replace("CAROL", CAROL)
    assert (gives(said, BOB, TARGET, "to"), gives(said, CAROL, TARGET, "to")) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "If Bob does not answer, mail CAROL",
        "If there is no answer mail CAROL",
        "I could not reach Bob, so mail CAROL",
        "I have not heard from CAROL, so write there again",
        "We have heard nothing from CAROL: write again",
        "The printer is not working; tell CAROL",
        "Don't forget to mail CAROL",
        "Do not wait for me, mail CAROL",
        "There is no hurry. Mail CAROL",
        "Without delay mail CAROL",
        "It is not urgent, write to CAROL",
        "Ohne Eile: schreib CAROL",
        "Nicht vergessen: Mail an CAROL",
        "Envoie-le sans d\u00e9lai \u00e0 CAROL",
        "No olvides escribir a CAROL",
        "Do not mail Eve.\n\nMail CAROL",
        "Not CAROL alone: mail eve@corp.example and CAROL",
    ],
)
def test_an_honest_no_beside_an_address_leaves_it(text: str) -> None:
    assert gives(text.replace("CAROL", CAROL), CAROL, TARGET, "to")


@pytest.mark.parametrize(
    ("text", "given", "left_out", "role"),
    [
        ("Release WS-23, not WS-24", "WS-23", "WS-24", SELECTOR),
        ("Close T-4655 without T-4656 and T-4657", "T-4655", "T-4657", SELECTOR),
        ("Post it in #ops, not in #general", "#ops", "#general", TARGET),
        (
            "Use https://a.corp.example/x, not https://b.corp.example/x",
            "https://a.corp.example/x",
            "https://b.corp.example/x",
            TARGET,
        ),
    ],
)
def test_ids_channels_and_web_addresses_are_left_out_as_well(text: str, given: str, left_out: str, role: Role) -> None:
    assert gives(text, given, role, "x")
    assert not gives(text, left_out, role, "x")


def test_what_was_not_done_is_spoken_of() -> None:
    assert gives("The customer has not paid INV-2041, remind them", "INV-2041", SELECTOR, "invoice")
    assert gives("Do not charge more than 20 EUR", 20, MAGNITUDE, "amount")


def test_code_within_a_line_is_left_as_it_is() -> None:
    command = "git log main --not a@corp.example"
    assert gives(f"Run `{command}`", command, COMMAND, "command")


@pytest.mark.parametrize("unit", ["not ", "a@", "a.", "not a-", "1@x ", "- a\n", "not:\n- a\n", "`", "#", "x must not "])
def test_long_words_are_read_in_bounded_steps(unit: str) -> None:
    assert len(without_left_out(unit * (99_000 // len(unit)))) <= 100_000
