"""What people say for the states and choices of arguments that control, in four languages."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import CONTROL, gives

from ringfence.core.flow.asked import Scalar

GIVEN: list[tuple[str, Scalar, str]] = [
    ("mark it as solved", "closed", "status"),
    ("Bitte mach das Ticket zu.", "closed", "status"),
    ("il faut cl\xf4turer ce dossier", "closed", "status"),
    ("turn the claim down", "declined", "response"),
    ("Sag das Treffen am Freitag ab", "declined", "response"),
    ("Sag dem Team f\xfcr Montag zu", "accepted", "response"),
    ("put the order on hold", "on_hold", "status"),
    ("put the order on hold", "paused", "state"),
    ("acepta la invitaci\xf3n", "accepted", "status"),
    ("reabre el caso", "open", "state"),
    ("turn the alarm rule off", "disabled", "state"),
    ("I want the commits squashed", "squash", "merge_method"),
    ("rechace la solicitud", "rejected", "decision"),
]
NOT_GIVEN: list[tuple[str, Scalar, str]] = [
    ("accept the invitation", "approved", "decision"),
    ("it is urgent", "critical", "severity"),
    ("Sag Bescheid. Gib dann die Akte ab", "declined", "response"),
    ("close the case", "rejected", "status"),
    ("close the case", "deleted", "status"),
    ("pause it", "cancelled", "status"),
    ("turn on the light in the office", "disabled", "state"),
    ("read access", "editor", "role"),
    ("change the bank account", "iban", "field"),
]


@pytest.mark.parametrize(("text", "value", "name"), GIVEN)
def test_a_choice_is_given_by_what_people_say_for_it(text: str, value: Scalar, name: str) -> None:
    assert gives(text, value, CONTROL, name)


@pytest.mark.parametrize(("text", "value", "name"), NOT_GIVEN)
def test_another_choice_is_not_given(text: str, value: Scalar, name: str) -> None:
    assert not gives(text, value, CONTROL, name)
