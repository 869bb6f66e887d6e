"""Many numbers of a call against many numbers of the words are looked up, not compared one by one. Counted, not timed."""

import sys
from decimal import Decimal
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow_kit import AT

from ringfence.core.flow.giving.quantities import gives_amount, gives_number
from ringfence.core.flow.words.spoken import Spoken

NAMES = [
    ("amount",),
    ("amount", "cents"),
    ("delay", "seconds"),
    ("delay", "ms"),
    ("timeout", "minutes"),
    ("discount",),
    ("ratio",),
    ("x",),
]
SAID = [
    "12",
    "12.50",
    "EUR 12.50",
    "12 euros",
    "2 hours",
    "half an hour",
    "90 seconds",
    "10%",
    "a third of it",
    "7 copies",
    "1,200.00 USD",
]
VALUES = [
    Decimal(one)
    for one in ("12", "12.5", "1250", "7200", "1800", "30", "90000", "10", "0.1", "7", "1200", "120000", "2", "0.5")
]


def calls_in(said: Spoken, count: int) -> int:
    """Calls of Python that asking for so many numbers makes."""
    found = 0

    def on_event(frame: FrameType, event: str, arg: object) -> None:
        nonlocal found
        found += event == "call"

    sys.setprofile(on_event)
    try:
        for number in range(count):
            gives_number(said, Decimal(10_000 + number), ("amount",))
            gives_amount(said, f"EUR {10_000 + number}", ("amount",))
    finally:
        sys.setprofile(None)
    return found


def spoken(count: int) -> Spoken:
    said = Spoken(" ".join(f"EUR {10_000 + number}, and" for number in range(count)), AT)
    said.read()
    return said


def test_four_times_the_numbers_said_make_the_same_work_for_each_that_is_asked_for() -> None:
    few, many = spoken(100), spoken(400)
    assert calls_in(many, 100) <= 1.5 * calls_in(few, 100)


@given(st.lists(st.sampled_from(SAID), min_size=1, max_size=4), st.sampled_from(VALUES), st.sampled_from(NAMES))
@pytest.mark.requirement("I10")
def test_what_is_looked_up_is_what_one_by_one_would_find(said: list[str], value: Decimal, name: tuple[str, ...]) -> None:
    spoken = Spoken(" and then ".join(said), AT)
    alone = [Spoken(one, AT) for one in said]
    if not any(one.has_money for one in alone):
        # Without a currency no number changes what another one gives.
        one_by_one = any(gives_number(one, value, name) is not None for one in alone)
        assert (gives_number(spoken, value, name) is not None) == one_by_one
