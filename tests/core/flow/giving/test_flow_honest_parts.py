"""Numbers of two parts and shares of a whole, and what they are not."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import MAGNITUDE, gives

from ringfence.core.flow.asked import Scalar

GIVEN: list[tuple[str, Scalar, str]] = [
    ("refund half of it", 50, "percent"),
    ("give half the price back", "50%", "discount"),
    ("shift a quarter of the traffic", 25, "traffic_percent"),
    ("erstatte drei Viertel", 75, "percentage"),
    ("rembourse la moiti\xe9", 50, "percent"),
    ("two thirds of the load", 66.67, "percentage"),
    ("two thirds of the load", 67, "percent"),
    ("half of the load", 0.5, "ratio"),
    ("wait half an hour", 1800, "delay_seconds"),
    ("wait one and a half hours", 90, "minutes"),
    ("wait an hour and a half", 90, "minutes"),
    ("wait two hours and a half", 150, "minutes"),
    ("warte anderthalb Stunden", 5400, "delay_seconds"),
    ("warte zweieinhalb Stunden", "PT2H30M", "delay"),
    ("warte eine halbe Stunde", 30, "minutes"),
    ("attends une demi-heure", 30, "minutes"),
    ("attends une heure et demie", 90, "minutes"),
    ("espera media hora", 30, "minutes"),
    ("espera tres horas y media", 210, "minutes"),
    ("wait three quarters of an hour", 45, "minutes"),
    ("warte eine Viertelstunde", 15, "minutes"),
    ("half a day", 12, "hours"),
    ("pay twelve euros and fifty cents", 12.5, "amount"),
    ("zahle drei Euro f\xfcnfzig", 3.5, "amount"),
    ("zahle drei Euro f\xfcnfzig an die Kasse", 350, "amount_cents"),
    ("paie 5 \u20ac 20", 5.2, "amount"),
    ("paie 5 \u20ac 20", "5.20", "amount"),
    ("pay 7 pounds and 5 pence", 7.05, "amount"),
]
NOT_GIVEN: list[tuple[str, Scalar, str]] = [
    ("refund half of it", 50, "amount"),
    ("refund half of it", 50, "count"),
    ("refund half of it", 5, "percent"),
    ("at half past two", 50, "percent"),
    ("the third quarter of 2026", 25, "percent"),
    ("a quarter of an hour", 25, "percent"),
    ("two thirds of the load", 66, "percent"),
    ("wait one and a half hours", 60, "minutes"),
    ("wait one and a half hours", 30, "minutes"),
    ("wait one and a half hours", 90, "delay_seconds"),
    ("warte anderthalb Stunden", 60, "minutes"),
    ("pay twelve euros and fifty cents", 12, "amount"),
    ("pay twelve euros and fifty cents", 50, "amount"),
    ("pay twelve euros and fifty cents", 1250, "amount"),
    ("pay twelve euros and fifty cents", 62, "amount"),
    ("pay 5 euros and 20 dollars", 5.2, "amount"),
    ("pay 5 euros, 20 pieces of it", 5.2, "amount"),
    ("pay 5 euros 2", 5.2, "amount"),
    ("pay 5 euros 20 times", 5.2, "amount"),
]


@pytest.mark.parametrize(("text", "value", "name"), GIVEN)
def test_a_part_is_given_however_honest_people_say_it(text: str, value: Scalar, name: str) -> None:
    assert gives(text, value, MAGNITUDE, name)


@pytest.mark.parametrize(("text", "value", "name"), NOT_GIVEN)
def test_another_part_is_not_given(text: str, value: Scalar, name: str) -> None:
    assert not gives(text, value, MAGNITUDE, name)
