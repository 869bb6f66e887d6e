"""The attempts of `make escapes` that share one box: as root, and as an ordinary user, each with a control without a box."""

from __future__ import annotations

import pytest
from tests.escapes.campaign import Part, part, users

pytestmark = [pytest.mark.requirement("I18"), pytest.mark.requirement("I21")]
FEWEST_CONTROLS = 0.7


@pytest.fixture(scope="module", params=users())
def tried(request: pytest.FixtureRequest) -> Part:
    """All of them, once for a user."""
    found = part(request.param, ["--short"])
    assert found.code == 0, found.errors
    assert found.outcomes
    return found


def test_nothing_gets_out(tried: Part) -> None:
    assert [f"{each['id']}: {each['escaped']}\n{each['said']}" for each in tried.escapes()] == []


def test_every_attempt_was_made(tried: Part) -> None:
    assert [f"{each['id']}: {each['said']}" for each in tried.not_run()] == []


def test_without_a_box_they_succeed_or_it_is_said_why_not(tried: Part) -> None:
    assert [f"{each['id']}: {each['control_said']}" for each in tried.contained_controls()] == []
    assert sum(bool(each["control"]) for each in tried.outcomes) >= FEWEST_CONTROLS * len(tried.outcomes)
