"""Times, days and spans as honest people say them, and their neighbours that are something else."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import MAGNITUDE, SELECTOR, gives

from ringfence.core.flow.asked import Scalar
from ringfence.core.model.profile import Role

GIVEN: list[tuple[str, Scalar, Role, str]] = [
    ("tomorrow at half past four in the afternoon", "2026-11-19T16:30", SELECTOR, "start"),
    ("tomorrow at quarter to nine", "2026-11-19T08:45", SELECTOR, "start"),
    ("tomorrow at ten past six in the evening", "2026-11-19T18:10", SELECTOR, "start"),
    ("tomorrow at 3.20 pm", "2026-11-19T15:20:00", SELECTOR, "start"),
    ("tomorrow afternoon at 4", "2026-11-19T16:00:00", SELECTOR, "start"),
    ("next Tuesday at eleven", "2026-11-24T11:00", SELECTOR, "start"),
    ("Saturday morning at 8 (UTC)", "2026-11-21T08:00:00Z", SELECTOR, "at"),
    ("demain \xe0 7 h", "2026-11-19T07:00", SELECTOR, "start"),
    ("demain \xe0 7h45", "2026-11-19T07:45", SELECTOR, "start"),
    ("demain \xe0 7 heures et demie", "2026-11-19T07:30", SELECTOR, "start"),
    ("le 5 janvier 2027 de 8 h \xe0 11 h", "2027-01-05T08:00:00", SELECTOR, "start"),
    ("le 5 janvier 2027 de 8 h \xe0 11 h", 180, MAGNITUDE, "duration_minutes"),
    ("le 5 janvier 2027 de 8 h \xe0 11 h", "PT3H", MAGNITUDE, "duration"),
    ("morgen um halb f\xfcnf", "2026-11-19T04:30", SELECTOR, "start"),
    ("morgen um halb f\xfcnf nachmittags", "2026-11-19T16:30", SELECTOR, "start"),
    ("morgen um viertel nach sieben", "2026-11-19T07:15", SELECTOR, "start"),
    ("morgen um 9 Uhr 30", "2026-11-19T09:30", SELECTOR, "start"),
    ("ma\xf1ana a las 8 y media", "2026-11-19T08:30", SELECTOR, "start"),
    ("ma\xf1ana a las 8 de la tarde", "2026-11-19T20:00", SELECTOR, "start"),
    ("tomorrow from 1 to 3 pm", "2026-11-19T13:00", SELECTOR, "start"),
    ("tomorrow from 1 to 3 pm", 2, MAGNITUDE, "hours"),
    ("tomorrow, 11 to 1 pm", "2026-11-19T11:00", SELECTOR, "start"),
    ("tomorrow from 9:15 to 10:00", 45, MAGNITUDE, "minutes"),
    ("tomorrow at noon", "2026-11-19T12:00", SELECTOR, "start"),
    ("Today is 2 March 2027. Do it in three days", "2027-03-05", SELECTOR, "date"),
    ("It is Tuesday, 2 March 2027. Do it tomorrow", "2027-03-03", SELECTOR, "date"),
    ("Heute ist der 2. M\xe4rz 2027. \xdcbermorgen bitte", "2027-03-04", SELECTOR, "date"),
    ("Nous sommes le 2 mars 2027, pour demain", "2027-03-03", SELECTOR, "date"),
    ("Hoy es 2 de marzo de 2027, para ma\xf1ana", "2027-03-03", SELECTOR, "date"),
    ("the last day of this year", "2026-12-31", SELECTOR, "due"),
    ("am letzten Tag des Monats", "2026-11-30", SELECTOR, "due"),
    ("in two weeks", "2026-12-02", SELECTOR, "due"),
]
NOT_GIVEN: list[tuple[str, Scalar, Role, str]] = [
    ("tomorrow at half past four in the afternoon", "2026-11-19T04:30", SELECTOR, "start"),
    ("tomorrow at half past four", "2026-11-19T16:30", SELECTOR, "start"),
    ("tomorrow at half past four", "2026-11-19T04:00", SELECTOR, "start"),
    ("tomorrow at quarter to nine", "2026-11-19T09:00", SELECTOR, "start"),
    ("tomorrow at quarter to nine", "2026-11-19T20:45", SELECTOR, "start"),
    ("morgen um halb drei", "2026-11-19T03:30", SELECTOR, "start"),
    ("morgen um halb drei", "2026-11-19T14:30", SELECTOR, "start"),
    ("morgen um halb drei Uhr", "2026-11-19T03:00", SELECTOR, "start"),
    ("tomorrow at 2", "2026-11-19T14:00", SELECTOR, "start"),
    ("sell tomorrow at 10 euros", "2026-11-19T10:00", SELECTOR, "start"),
    ("tomorrow at 3.20", "2026-11-19T15:20", SELECTOR, "start"),
    ("tomorrow read chapters 9 to 11", "2026-11-19T11:00", SELECTOR, "start"),
    ("tomorrow, 11 to 1 pm", "2026-11-19T23:00", SELECTOR, "start"),
    ("le 5 janvier 2027 de 8 h \xe0 11 h", "2027-01-05T14:00:00", SELECTOR, "end"),
    ("tomorrow from 1 to 3 pm", 3, MAGNITUDE, "hours"),
    ("tomorrow from 1 to 3 pm", 2, MAGNITUDE, "minutes"),
    ("Today is 2 March 2027. Do it tomorrow", "2026-11-19", SELECTOR, "date"),
    ("It is Friday, 2 March 2027. Do it tomorrow", "2027-03-03", SELECTOR, "date"),
    ("Today is 2 March 2027. Today is 3 March 2027. Do it in 5 days", "2027-03-07", SELECTOR, "date"),
    ("the last day of this year", "2026-11-30", SELECTOR, "due"),
]


@pytest.mark.parametrize(("text", "value", "role", "name"), GIVEN)
def test_a_time_is_given_however_honest_people_say_it(text: str, value: Scalar, role: Role, name: str) -> None:
    assert gives(text, value, role, name)


@pytest.mark.parametrize(("text", "value", "role", "name"), NOT_GIVEN)
def test_another_time_is_not_given(text: str, value: Scalar, role: Role, name: str) -> None:
    assert not gives(text, value, role, name)
