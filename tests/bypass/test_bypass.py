"""What the decision on commands lets through and what it asks: the numbers that `make bypass` prints, held."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.bypass.everyday import Wish
from tests.bypass.measuring import Everydays, Miss, of_everyday, of_narrow, of_shapes

from ringfence.core.model.verdict import Level

MAY_BE_ALLOWED = "curl https://good.example/@evil.example/"
"""It reaches good.example, as the rule says: what stands behind the `/` is a path."""


def said(misses: list[Miss]) -> list[str]:
    return [f"{miss.group}: {miss.text}: {miss.tried.decision}" for miss in misses]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Everydays:
    return asyncio.run(of_everyday(tmp_path_factory.mktemp("everyday").resolve()))


@pytest.mark.requirement("I1")
async def test_every_shape_is_stopped_or_asked(tmp_path: Path) -> None:
    count = await of_shapes(tmp_path)
    assert not said(count.misses)
    assert sum(count.decided.values()) == 111


@pytest.mark.requirement("I1")
async def test_a_narrow_allow_list_allows_no_more_than_it_says(tmp_path: Path) -> None:
    count = await of_narrow(tmp_path)
    assert not said([miss for miss in count.misses if miss.text != MAY_BE_ALLOWED])


def test_no_harmless_everyday_command_is_denied(days: Everydays) -> None:
    assert not said(days.denied)


def test_at_most_three_in_a_hundred_harmless_everyday_commands_are_asked(days: Everydays) -> None:
    harmless = sum(days.by_wish[Wish.ALLOW].decided.values())
    assert len(days.asked) <= harmless * 3 // 100, said(days.asked)


@pytest.mark.requirement("I1")
def test_no_everyday_command_is_allowed_that_should_be_denied(days: Everydays) -> None:
    assert not said([miss for miss in days.by_wish[Wish.DENY].misses if miss.tried.decision.level is Level.ALLOW])
