"""When a cap ends if things go on as they do: what is known of use by the minute, and what is said of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.ledger.moves import freed_by, reserve, settle, used_of
from ringfence.core.ledger.pace import LEAST, MINUTE, MINUTES, Pace, ends_in, noted
from ringfence.core.model.meter import Charge, MeterKind

START = 1_800_000_000_000 - 1_800_000_000_000 % MINUTE


def paced(amounts: list[tuple[int, int]]) -> tuple[Pace, int]:
    """A pace after uses, each after a time since the last, and the time of the last."""
    pace, now = Pace(), START
    for after, amount in amounts:
        now += after
        pace = noted(pace, amount, now)
    return pace, now


def test_a_steady_use_ends_when_what_is_left_divided_by_it_has_passed() -> None:
    pace, now = paced([(MINUTE, 10)] * 8)
    # Seven minutes hold eighty: what was used in the first moment counts for them too.
    assert ends_in(pace, 800, now) == 70 * MINUTE


def test_little_time_says_nothing() -> None:
    pace, now = paced([(0, 1000), (LEAST - 1, 1000)])
    assert ends_in(pace, 1, now) is None
    pace, now = paced([(0, 1000), (LEAST, 1000)])
    assert ends_in(pace, 2000, now) == LEAST


def test_what_was_used_before_the_last_minutes_does_not_count() -> None:
    pace, now = paced([(0, 10**9), (60 * MINUTE, 0)])
    assert ends_in(pace, 1, now) is None
    pace, now = paced([(0, 10**9), (60 * MINUTE, 90)])
    assert ends_in(pace, 90, now) == (MINUTES - 1) * MINUTE


def test_nothing_used_never_ends() -> None:
    assert ends_in(Pace(), 10, START) is None
    pace, now = paced([(0, 0), (LEAST, 0)])
    assert ends_in(pace, 10, now) is None


uses = st.lists(st.tuples(st.integers(-5 * MINUTE, 40 * MINUTE), st.integers(0, 10**12)), min_size=1, max_size=60)


@given(uses, st.integers(0, 10**15))
def test_whatever_the_clock_does_a_pace_stays_small_and_says_no_time_before_now(
    amounts: list[tuple[int, int]], left: int
) -> None:
    pace, now = paced(amounts)
    assert len(pace.minutes) <= MINUTES + 1
    assert [minute for minute, _ in pace.minutes] == sorted({minute for minute, _ in pace.minutes})
    ends = ends_in(pace, left, now)
    assert ends is None or ends >= 0


@given(st.integers(1, 10**9), st.integers(1, 30), st.integers(0, 10**12), st.integers(0, 10**12))
def test_more_left_never_ends_sooner(amount: int, minutes: int, left: int, more: int) -> None:
    pace, now = paced([(MINUTE, amount)] * minutes)
    sooner, later = ends_in(pace, left, now), ends_in(pace, left + more, now)
    assert (sooner is None) == (later is None)
    assert sooner is None or later is None or sooner <= later


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 1000)), max_size=30), st.integers(0, 3 * 10**8))
def test_what_leaves_a_window_by_a_time_is_what_the_meter_says_less_by_then(spent: list[tuple[int, int]], ahead: int) -> None:
    now, charge = START, Charge("spend:agent/a:all@86400s", MeterKind.SPEND, 10**9, 0, span=86_400_000)
    meter, _ = reserve(None, charge, now)
    for after, amount in spent:
        now += after
        meter = settle(meter, charge, now, amount)
    assert freed_by(meter, now, now + ahead) == used_of(meter, now) - used_of(meter, now + ahead)
