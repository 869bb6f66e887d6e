"""Whatever honest spellings are read: what is said gives its own value and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow_kit import MAGNITUDE, SELECTOR, TARGET, gives

from ringfence.core.flow.times.clock import clock_of
from ringfence.core.flow.web.networks import single_of
from ringfence.core.flow.words.spoken import Spoken

HOURS = st.integers(1, 12)
HALVES = st.sampled_from(["", " in the morning", " in the afternoon", " pm", " am"])
OTHERS = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@given(HOURS, HALVES, OTHERS)
def test_one_time_of_day_gives_one_time(hour: int, half: str, other: tuple[int, int]) -> None:
    late = half in (" in the afternoon", " pm")
    said = hour % 12 + 12 if late else hour % 12 if half else hour
    start = f"2026-11-19T{other[0]:02}:{other[1]:02}"
    for text, minute in ((f"tomorrow at half past {hour}{half}", 30), (f"tomorrow at {hour}:15{half}", 15)):
        assert gives(text, start, SELECTOR, "start") == (other == (said, minute) or other == (0, 0))


@given(st.integers(0, 23), st.integers(0, 23), st.integers(1, 1440))
def test_a_span_is_as_long_as_it_is(begin: int, end: int, minutes: int) -> None:
    text = f"tomorrow from {begin}:00 to {end}:00"
    assert gives(text, minutes, MAGNITUDE, "duration_minutes") == (end > begin and minutes == (end - begin) * 60)


@given(st.integers(1, 400), st.integers(1, 99), st.integers(1, 50_000))
def test_two_parts_of_an_amount_are_one_amount(major: int, minor: int, other: int) -> None:
    whole = major * 100 + minor
    text = f"pay {major} euros and {minor} cents"
    assert gives(text, whole, MAGNITUDE, "amount_cents")
    assert gives(text, float(Decimal(other) / 100), MAGNITUDE, "amount") == (other == whole)


@given(st.ip_addresses(v=4).map(str), st.integers(0, 32))
def test_an_address_stands_for_its_own_network_and_for_no_wider_one(address: str, length: int) -> None:
    assert gives(f"block {address} now", f"{address}/{length}", TARGET, "cidr") == (length == 32)
    assert single_of(f"{address}/{length}") == (address if length == 32 else None)


@given(st.lists(st.integers(0, 99), min_size=2, max_size=5), st.lists(st.integers(0, 99), min_size=2, max_size=5))
def test_a_version_in_words_is_that_version(one: list[int], other: list[int]) -> None:
    text = f"roll out {' point '.join(map(str, one))} today"
    assert gives(text, ".".join(map(str, other)), SELECTOR, "version") == (one == other)


@given(st.text("0123456789:. hpastohalfquruvi-", max_size=200))
def test_any_text_has_a_clock(text: str) -> None:
    assert all(0 < span < 86_400 for span in clock_of(text).spans)


def test_parsing_long_words_takes_steps_by_their_length() -> None:
    at = int(datetime(2026, 11, 18, tzinfo=UTC).timestamp() * 1000)
    for piece in ("at 9 to 10 ", "half past ", "1 euro 2 ", "4 point ", "one and a half ", "sag ", "\u201ca ", "9 h "):
        said = Spoken("\n\n".join([piece * 300] * 25), at)
        assert len(said.calendar.times) < 100
        assert len(said.numbers) < 10_000
        assert len(said.versions) <= 200
        assert len(said.quoted) < 30_000
