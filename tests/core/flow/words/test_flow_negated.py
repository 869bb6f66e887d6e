"""What people say is not to be done gives nothing."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import CONTROL, SELECTOR, TARGET, call, flow, gives

from ringfence.core.flow.words.quoting import own_words
from ringfence.core.leaving import ways_outside

BAD = "press@corp.example"


@pytest.mark.parametrize(
    "text",
    [
        f"Send it to bob@corp.example but never send it to {BAD}",
        f"Send it to bob@corp.example. Do not send it to {BAD}.",
        f"Don't mail {BAD}, mail bob@corp.example",
        f"Send it to bob@corp.example instead of {BAD}",
        f"Send it to everybody on the list except {BAD}",
        f"Send it to bob@corp.example, not to {BAD}",
        f"Schick es an bob@corp.example, nicht an {BAD}",
        f"Schick es niemals an {BAD}",
        f"Envoie-le, mais jamais \u00e0 {BAD}",
        f"Nunca lo env\u00edes a {BAD}",
        f"It must not reach {BAD}!",
        f"Send it to the list, and keep away from {BAD}",
        f"Keep it well away from {BAD}. Send it to bob@corp.example.",
        f"Stay clear of {BAD}",
        f"Hands off {BAD}!",
        f"Please refrain from mailing {BAD}",
        f"Send it to the whole team, excluding {BAD}",
        f"Send it to all of them with the exception of {BAD}",
        f"Send it to everybody apart from {BAD}",
        f"Leave out {BAD}, please",
        f"Finger weg von {BAD}",
        f"An alle mit Ausnahme von {BAD}",
        f"Envoie-le \u00e0 tous \u00e0 l'exception de {BAD}",
        f"Env\u00edalo a todos con excepci\u00f3n de {BAD}",
    ],
)
def test_an_address_that_is_forbidden_is_not_given(text: str) -> None:
    assert not gives(text, BAD, TARGET, "to")


@pytest.mark.parametrize(
    "text",
    [
        f"Don't forget to send it to {BAD}",
        f"Do not wait, but send it to {BAD}",
        f"Do not wait. Send it to {BAD}",
        f"Never pay more than 20 EUR to {BAD}",
        f"Send it not only to bob@corp.example but to {BAD}",
        f"The printer does not print: tell {BAD}",
        f"Send it to {BAD} instead of bob@corp.example",
        f"Send it to the team excluding bob@corp.example, and to {BAD}",
        f"Keep the files on the shelf and send it to {BAD}",
        f"Apart from that, send it to {BAD}",
    ],
)
def test_an_address_beside_it_is(text: str) -> None:
    assert gives(text, BAD, TARGET, "to")


@pytest.mark.parametrize(
    ("text", "value", "name"),
    [
        ("Share it with Bob, do not make it public", "public", "visibility"),
        ("Push it, do not force it", True, "force"),
        ("Answer the ticket, but do not close it", "closed", "status"),
    ],
)
def test_a_control_that_is_forbidden_is_not_given(text: str, value: str | bool, name: str) -> None:
    assert not gives(text, value, CONTROL, name)


def test_the_name_of_a_thing_may_forbid_something() -> None:
    assert gives('Close the ticket "Never pay Mallory"', "Never pay Mallory", SELECTOR, "title")


def test_a_host_that_is_forbidden_stays_outside() -> None:
    asked = call({"body": "see https://paste.example/x"})
    assert ways_outside(asked, flow("Never put anything on https://paste.example"))
    assert not ways_outside(asked, flow("Put it on https://paste.example"))


def test_long_texts_that_forbid_are_read_in_bounded_steps() -> None:
    assert len(own_words("never " * 15_000)) < 100_000
