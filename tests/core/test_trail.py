"""Loops are found within the configured repeats; benign polling is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.guards.trail import MEMORY, is_looping, noted
from ringfence.core.model.identifiers import Digest
from ringfence.core.model.limits import Loops
from ringfence.core.model.trail import Trail

LOOPS = Loops(repeats=5, spacing_ms=10_000)
Step = tuple[str, str, int]
"""A call, its result, and the milliseconds since the one before."""


def denied_at(steps: Iterator[Step] | list[Step], loops: Loops = LOOPS) -> int | None:
    """The place of the first call that is denied."""
    trail, now = Trail(), 1_000_000
    for place, (call, result, wait) in enumerate(steps):
        now += wait
        if is_looping(trail, loops, Digest(call), now):
            return place
        trail = noted(trail, loops, Digest(call), result, now)
    return None


def steps(calls: str, wait: int = 100, many: int = 200) -> Iterator[Step]:
    return islice(((call, f"result of {call}", wait) for call in cycle(calls)), many)


@pytest.mark.requirement("I7")
@given(st.integers(1, MEMORY), st.integers(2, 30), st.integers(0, 300))
def test_a_round_of_calls_is_found_after_so_many_repeats(length: int, repeats: int, wait: int) -> None:
    loops = Loops(repeats=repeats, spacing_ms=10_000 * length)
    calls = "".join(chr(0x4E00 + place) for place in range(length))
    found = denied_at(steps(calls, wait, 500), loops)
    assert found is not None
    assert length + repeats <= found <= length + repeats + 1 + found * wait // loops.spacing_ms


@pytest.mark.parametrize("calls", ["A", "AB", "ABC"])
def test_an_identical_call_and_a_ping_pong_are_found(calls: str) -> None:
    assert denied_at(steps(calls)) == len(calls) + 5


BENIGN: dict[str, list[Step]] = {
    "a status that changes": [("status", f"{percent} %", 200) for percent in range(100)],
    "a status that stays, asked every ten seconds": [("status", "running", 10_000)] * 100,
    "a status that stays, with work between": [
        step for page in range(100) for step in (("status", "running", 50), (f"page {page}", f"text {page}", 50))
    ],
    "pages of a list": [(f"page {page}", f"rows {page}", 20) for page in range(100)],
    "a few repeats, then work": [
        step for page in range(20) for step in [("ls", "same", 50)] * 4 + [(f"read {page}", f"text {page}", 50)]
    ],
    "edit and test until green": [
        step for edit in range(30) for step in ((f"edit {edit}", "ok", 400), ("run tests", f"failed {30 - edit}", 900))
    ],
    "the same tool with other arguments": [(f"get order {order}", "not found", 10) for order in range(100)],
}


@pytest.mark.requirement("I19")
@pytest.mark.parametrize("name", BENIGN)
def test_benign_polling_is_not_denied(name: str) -> None:
    assert denied_at(BENIGN[name]) is None


def test_after_a_denial_something_else_may_be_called_and_frees_the_run() -> None:
    trail = Trail()
    for _ in range(10):
        trail = noted(trail, LOOPS, Digest("A"), "same", 1000)
    assert is_looping(trail, LOOPS, Digest("A"), 1000)
    assert not is_looping(trail, LOOPS, Digest("B"), 1000)
    trail = noted(trail, LOOPS, Digest("B"), "new", 1000)
    assert not is_looping(trail, LOOPS, Digest("A"), 1000)


def test_a_denied_call_may_be_tried_again_after_the_spacing_and_a_clock_that_goes_back_does_not_help() -> None:
    trail = Trail()
    for _ in range(6):
        trail = noted(trail, LOOPS, Digest("A"), "same", 100_000)
    assert is_looping(trail, LOOPS, Digest("A"), 100_000)
    assert is_looping(trail, LOOPS, Digest("A"), 0)
    assert not is_looping(trail, LOOPS, Digest("A"), 110_000)


def test_a_trail_is_bounded() -> None:
    trail = Trail()
    for place in range(1000):
        trail = noted(trail, LOOPS, Digest(str(place)), "r", place)
    assert len(trail.seen) == MEMORY
