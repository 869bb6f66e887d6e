"""Ordinals, languages and countries as people name them, and their neighbours."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import CONTROL, MAGNITUDE, SELECTOR, gives

from ringfence.core.flow.asked import Scalar
from ringfence.core.model.profile import Role

GIVEN: list[tuple[str, Scalar, Role, str]] = [
    ("print the second page", 2, SELECTOR, "page"),
    ("l\xf6sche die dritte Zeile", 3, SELECTOR, "line_number"),
    ("imprime la premi\xe8re page", 1, SELECTOR, "page"),
    ("borra la cuarta fila", 4, SELECTOR, "row"),
    ("send the first reminder", 1, MAGNITUDE, "reminder_level"),
    ("translate it into German", "de", CONTROL, "language"),
    ("translate it into Portuguese", "pt", SELECTOR, "target_lang"),
    ("auf Deutsch bitte", "de", CONTROL, "language"),
    ("en fran\xe7ais", "fr", CONTROL, "locale"),
    ("ship it to Switzerland", "CH", SELECTOR, "country"),
    ("nach \xd6sterreich", "AT", SELECTOR, "country_code"),
]
NOT_GIVEN: list[tuple[str, Scalar, Role, str]] = [
    ("close the first ticket", 1, SELECTOR, "ticket_id"),
    ("print the second page", 3, SELECTOR, "page"),
    ("print the twenty-second page", 2, SELECTOR, "page"),
    ("wait a second, then print the page", 2, SELECTOR, "page"),
    ("on the first of March", 1, MAGNITUDE, "copies"),
    ("translate it into German", "fr", CONTROL, "language"),
    ("translate it into German", "DE", SELECTOR, "country"),
    ("ship it to Switzerland", "SE", SELECTOR, "country"),
    ("send it to us", "US", SELECTOR, "language"),
    ("ship it to Switzerland", "CH", SELECTOR, "channel"),
]


@pytest.mark.parametrize(("text", "value", "role", "name"), GIVEN)
def test_a_place_or_code_is_given_by_its_name(text: str, value: Scalar, role: Role, name: str) -> None:
    assert gives(text, value, role, name)


@pytest.mark.parametrize(("text", "value", "role", "name"), NOT_GIVEN)
def test_another_place_or_code_is_not_given(text: str, value: Scalar, role: Role, name: str) -> None:
    assert not gives(text, value, role, name)
