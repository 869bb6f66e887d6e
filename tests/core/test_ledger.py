"""The ledger conserves: nothing is held or spent that was not reserved, and no cap is ever passed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.effort import examples

from ringfence.core.ledger.moves import PARTS, frees_at, held_of, is_idle, refusal, release, reserve, settle, used_of
from ringfence.core.model.limits import Rate
from ringfence.core.model.meter import AT_ONCE, Charge, Meter, MeterKind

HOUR = 3_600_000


@dataclass(frozen=True)
class Open:
    """A reserved charge and when it was."""

    charge: Charge
    at: int


class OneMeter(RuleBasedStateMachine):
    """One meter through reserve, settle and release, with a clock that also goes back, beside a list of what happened."""

    @initialize(
        kind=st.sampled_from(
            [MeterKind.OPEN, MeterKind.SUM, MeterKind.LEAVING, MeterKind.DISTINCT, MeterKind.SPEND, MeterKind.STREAMS]
        ),
        cap=st.integers(0, 12),
        span=st.sampled_from([0, 24, 1000, HOUR]),
    )
    def begin(self, kind: MeterKind, cap: int, span: int) -> None:
        self.kind, self.cap, self.span = kind, cap, 0 if kind in AT_ONCE else span
        self.meter: Meter | None = None
        self.now = self.latest = 1_000 * HOUR  # no clock goes back before 1970
        self.open: list[Open] = []
        self.spent: list[tuple[int, Charge]] = []
        self.refused = 0

    @rule(by=st.integers(-5 * HOUR, 30 * 60_000))
    def clock_moves(self, by: int) -> None:
        self.now += by

    @rule(amount=st.integers(0, 6), values=st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3))
    def ask(self, amount: int, values: set[str]) -> None:
        charge = Charge("m", self.kind, self.cap, amount, self.span, tuple(sorted(values)))
        if self.meter is None:
            self.latest = self.now
        would = self.with_charge(charge)
        short = refusal(self.meter, charge, self.now)
        if short is None:
            self.meter, kept = reserve(self.meter, charge, self.now)
            self.latest = max(self.latest, self.now)
            self.open.append(Open(kept, self.now))
        else:
            self.refused += 1
            # A whole part counts until all of it has left: what is refused would pass the cap in a window so much longer.
            assert would > self.cap

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 100), less=st.none() | st.integers(0, 6))
    def it_was_sent(self, place: int, less: int | None) -> None:
        gone = self.open.pop(place % len(self.open))
        assert self.meter is not None
        self.latest = max(self.latest, self.now)
        # A request to a model turns out to cost less than the most that it held; of one that nobody heard of that is spent.
        of_model = self.kind is MeterKind.SPEND and less is not None
        actual = max(0, gone.charge.amount - less) if of_model and less is not None else None
        self.meter = settle(self.meter, gone.charge, self.now, actual)
        if self.kind not in AT_ONCE:
            cost = gone.charge.amount if actual is None else actual
            self.spent.append((self.latest, replace(gone.charge, amount=cost)))

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 100))
    def it_was_not_sent(self, place: int) -> None:
        gone = self.open.pop(place % len(self.open))
        assert self.meter is not None
        self.latest = max(self.latest, self.now)
        self.meter = release(self.meter, gone.charge, self.now)

    def counted(self, span: int, *, until: int, also: Charge | None = None) -> int:
        """What the list says is used of a window that ends at a moment."""
        live = [charge for at, charge in self.spent if not self.span or at > until - span]
        charges = [*live, *(known.charge for known in self.open), *([also] if also else [])]
        if self.kind is MeterKind.DISTINCT:
            return len({value for charge in charges for value in charge.values})
        return sum(charge.amount for charge in charges)

    def with_charge(self, charge: Charge) -> int:
        longer = self.span + -(-self.span // PARTS)
        return self.counted(longer, until=max(self.latest, self.now), also=charge)

    @precondition(lambda self: hasattr(self, "cap"))
    @invariant()
    def no_cap_is_passed(self) -> None:
        until = max(self.latest, self.now)
        assert self.counted(self.span, until=until) <= self.cap or self.cap == 0
        if self.meter is not None:
            assert used_of(self.meter, self.now) >= self.counted(self.span, until=until)
            assert used_of(self.meter, self.now) <= self.cap

    @precondition(lambda self: hasattr(self, "cap"))
    @invariant()
    def what_is_held_is_what_is_open(self) -> None:
        if self.meter is not None:
            many = self.kind is MeterKind.DISTINCT
            assert held_of(self.meter) == sum(len(o.charge.values) if many else o.charge.amount for o in self.open)
            assert len(self.meter.parts) <= PARTS + 2
            if is_idle(self.meter, self.now):
                assert not [known for known in self.open if known.charge.amount or many]
                if not self.open:
                    self.meter, self.spent = None, []


TestOneMeter = pytest.mark.requirement("I7")(OneMeter.TestCase)
TestOneMeter.settings = settings(max_examples=examples(40), stateful_step_count=30, deadline=None)

charges = st.builds(
    lambda kind, amount, span, values: Charge("m", kind, 10**9, amount, 1 if kind is MeterKind.RATE else span, tuple(values)),
    st.sampled_from(MeterKind),
    st.integers(0, 9),
    st.sampled_from([0, 1000, HOUR]),
    st.sets(st.sampled_from("abcd"), min_size=1),
)


@pytest.mark.requirement("I7")
@given(charges, st.integers(0, 10**13), st.lists(st.tuples(charges, st.integers(0, 2 * HOUR)), max_size=6))
def test_release_gives_back_exactly_what_was_reserved(charge: Charge, now: int, before: list[tuple[Charge, int]]) -> None:
    meter: Meter | None = Meter(charge.kind, charge.span)
    for known, by in before:
        same = replace(known, kind=charge.kind, span=charge.span)
        meter, kept = reserve(meter, same, now + by)
        meter = settle(meter, kept, now + by)
    assert meter is not None
    at = now + 2 * HOUR
    held, kept = reserve(meter, charge, at)
    after = release(held, kept, at)
    assert used_of(after, at) == used_of(meter, at)
    assert held_of(after) == held_of(meter)
    for later in (at, at + 500, at + HOUR, at + 2 * HOUR):
        assert used_of(after, later) == used_of(meter, later)


rates = st.builds(Rate, st.integers(1, 100), st.sampled_from([1000, 60_000, HOUR]), st.integers(1, 8))


@pytest.mark.requirement("I7")
@settings(max_examples=examples(60))
@given(rates, st.lists(st.integers(-20_000, 60_000), max_size=60))
def test_a_rate_agrees_with_a_bucket_that_is_written_down_plainly(rate: Rate, steps: list[int]) -> None:
    charge = Charge("m", MeterKind.RATE, rate.burst, span=rate.interval_us)
    meter: Meter | None = None
    now, latest = 10**9, 10**9
    tokens, filled_at = Fraction(rate.burst), now
    accepted: list[int] = []
    for step in steps:
        now += step
        if meter is None:
            latest = filled_at = now
        latest = max(latest, now)
        tokens = min(Fraction(rate.burst), tokens + Fraction(max(0, latest - filled_at) * 1000, rate.interval_us))
        filled_at = max(filled_at, latest)
        assert (refusal(meter, charge, now) is None) == (tokens >= 1)
        if tokens >= 1:
            tokens -= 1
            meter, _ = reserve(meter, charge, now)
            accepted.append(latest)
    for first in range(len(accepted)):
        for last in range(first, len(accepted)):
            allowed = rate.burst + Fraction((accepted[last] - accepted[first]) * rate.count, rate.period_ms)
            assert last - first + 1 <= allowed


@pytest.mark.requirement("I7")
@given(rates, st.lists(st.tuples(st.integers(0, 9000), st.booleans()), max_size=40), st.integers(0, 20_000))
def test_a_call_that_was_not_sent_never_leaves_more_of_a_rate_than_if_it_had_not_been(
    rate: Rate, others: list[tuple[int, bool]], wait: int
) -> None:
    charge = Charge("m", MeterKind.RATE, 10**6, span=rate.interval_us)
    now = 10**9
    without: Meter | None = None
    meter, mine = reserve(None, charge, now)
    for step, is_call in others:
        now += step
        if is_call:
            meter, _ = reserve(meter, charge, now)
            without, _ = reserve(without, charge, now)
    after = release(meter, mine, now + wait)
    assert after.passed >= min(without.passed if without else 0, meter.passed)
    assert used_of(after, now + wait) >= (used_of(without, now + wait) if without else 0)


@pytest.mark.requirement("I7")
def test_a_clock_that_goes_back_frees_nothing() -> None:
    charge = Charge("m", MeterKind.SUM, 10, 10, HOUR)
    meter, kept = reserve(None, charge, 10 * HOUR)
    meter = settle(meter, kept, 10 * HOUR)
    for now in (0, 5 * HOUR, 10 * HOUR, 11 * HOUR - 1):
        assert refusal(meter, charge, now) is not None
    free = frees_at(meter, 10 * HOUR)
    assert free is not None
    assert refusal(meter, charge, free - 1) is not None
    assert refusal(meter, charge, free) is None
    assert free <= 10 * HOUR + HOUR + HOUR // PARTS + 1


def test_rows_are_priced_afterwards_and_the_next_call_over_the_cap_is_refused() -> None:
    charge = Charge("rows:run/r:all", MeterKind.ROWS, 100, 0)
    meter, kept = reserve(None, charge, 1)
    meter = settle(meter, kept, 2, actual=130)
    short = refusal(meter, charge, 3)
    assert short is not None
    assert (short.used, short.cap, short.frees_at) == (130, 100, None)


def test_rows_that_a_tool_declares_are_held_so_that_parallel_calls_cannot_pass_the_cap() -> None:
    charge = Charge("rows:run/r:all", MeterKind.ROWS, 100, 40)
    meter: Meter | None = None
    taken = 0
    while refusal(meter, charge, 1) is None:
        meter, _ = reserve(meter, charge, 1)
        taken += 1
    assert taken == 2


def test_what_an_operator_adds_counts() -> None:
    charge = Charge("sum:run/r:x", MeterKind.SUM, 10, 11)
    assert refusal(Meter(MeterKind.SUM), charge, 1) is not None
    assert refusal(Meter(MeterKind.SUM, extra=1), charge, 1) is None


def test_moving_what_is_held_changes_nothing_else_of_a_meter() -> None:
    meter = Meter(MeterKind.SPEND, 1000, 5, 7, 11, 13, ((0, 2),), {"a": (1, 2)})
    charge = Charge("spend:run/r:x", MeterKind.SPEND, 100, 3, 1000)
    held, kept = reserve(meter, charge, 6)
    assert held == replace(meter, at=6, held=10)
    assert settle(held, kept, 7, 1) == replace(meter, at=7, parts=((0, 3),))
