"""Names, versions and addresses as honest people spell them, and their neighbours that are something else."""

from __future__ import annotations

import pytest
from tests.core.flow_kit import SELECTOR, TARGET, gives

from ringfence.core.flow.asked import Scalar
from ringfence.core.model.profile import Role

GIVEN: list[tuple[str, Scalar, Role, str]] = [
    ("fork Kiosk / Front please", "kiosk/front", TARGET, "repository"),
    ("fork kiosk/front please", "Kiosk/Front", TARGET, "repo"),
    ("fork Kiosk/front please", "kiosk", TARGET, "owner"),
    ("book Room B2-East", "b2-east", SELECTOR, "room"),
    ("roll out 5 . 9 . 1 today", "5.9.1", SELECTOR, "version"),
    ("roll out v3 . 0", "3.0", SELECTOR, "version"),
    ("roll out four point two point zero", "4.2.0", SELECTOR, "version"),
    ("roll out four point two point zero", "v4.2.0", SELECTOR, "version"),
    ("nimm Version drei Punkt eins", "3.1", SELECTOR, "version"),
    ("the release of December 2026", "2026.12", SELECTOR, "version"),
    ("the release of December 2026", "2026-12", SELECTOR, "month"),
    ("the report of December twenty twenty-six", "12/2026", SELECTOR, "month"),
    ("the report for 12/2026", "2026-12", SELECTOR, "month"),
    ("le rapport de d\xe9cembre 2026", "2026-12", SELECTOR, "month"),
    ("block 203.0.113.9", "203.0.113.9/32", TARGET, "cidr"),
    ("block 203.0.113.9/32", "203.0.113.9", TARGET, "ip"),
    ("block 2001:db8::7", "2001:db8::7/128", TARGET, "network"),
    ("block 2001:DB8:0::7", "2001:db8::7", TARGET, "ip"),
]
NOT_GIVEN: list[tuple[str, Scalar, Role, str]] = [
    ("fork kiosk / front / old", "kiosk/front", TARGET, "repository"),
    ("fork evil/kiosk/front", "kiosk/front", TARGET, "repository"),
    ("fork kiosk/front-old", "kiosk/front", TARGET, "repository"),
    ("delete docs/Plan.txt", "docs/plan.txt", SELECTOR, "path"),
    ("delete /srv/Repo", "/srv/repo", TARGET, "repository"),
    ("roll out 5 . 9 . 1 . 4", "5.9.1", SELECTOR, "version"),
    ("roll out 5 . 9 . 12", "5.9.1", SELECTOR, "version"),
    ("four point two or zero", "4.2.0", SELECTOR, "version"),
    ("We have 5. 9 of them are new", "5.9", SELECTOR, "version"),
    ("the release of December 2026", "2027.12", SELECTOR, "version"),
    ("the report for 12/2026", "2026-12-01", SELECTOR, "date"),
    ("block 203.0.113.9", "203.0.113.0/24", TARGET, "cidr"),
    ("block 203.0.113.0/24", "203.0.113.0", TARGET, "ip"),
    ("block 203.0.113.0/24", "203.0.113.0/32", TARGET, "cidr"),
    ("block 203.0.113.9", "203.0.113.9/31", TARGET, "cidr"),
    ("block 203.0.113.9", "203.0.113.99/32", TARGET, "cidr"),
    ("block 2001:db8::7", "2001:db8::7/64", TARGET, "network"),
]


@pytest.mark.parametrize(("text", "value", "role", "name"), GIVEN)
def test_a_name_is_given_however_honest_people_write_it(text: str, value: Scalar, role: Role, name: str) -> None:
    assert gives(text, value, role, name)


@pytest.mark.parametrize(("text", "value", "role", "name"), NOT_GIVEN)
def test_a_neighbour_of_a_name_is_not_given(text: str, value: Scalar, role: Role, name: str) -> None:
    assert not gives(text, value, role, name)
