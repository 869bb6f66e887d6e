"""Freeze windows, as the configuration writes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.config.limits_of import LimitFaultError, freeze_of
from ringfence.core.freezing import is_frozen

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "frozen"),
    [
        ("2026-11-20 17:59:59", False),
        ("2026-11-20 18:00", True),
        ("2026-11-22 12:00", True),
        ("2026-11-23 05:59:59", True),
        ("2026-11-23 06:00", False),
        ("2026-07-03 18:00", True),
        ("2026-07-03 17:59", False),
    ],
)
def test_a_weekly_window_is_in_local_time_also_in_summer(moment: str, frozen: bool) -> None:
    assert is_frozen(freeze_of("Fri 18:00 - Mon 06:00 Europe/Berlin"), at(moment)) is frozen


@given(st.integers(1_610_000_000, 2_830_000_000))
def test_a_weekly_window_agrees_with_the_calendar(seconds: int) -> None:
    freeze = freeze_of({"window": "Tue 02:15 - Thu 02:45", "zone": "Europe/Berlin"})
    now = seconds * 1000
    local = datetime.fromtimestamp(seconds, BERLIN)
    place = timedelta(days=local.weekday(), hours=local.hour, minutes=local.minute)
    assert is_frozen(freeze, now) is (timedelta(days=1, hours=2, minutes=15) <= place < timedelta(days=3, hours=2, minutes=45))


def test_a_dated_window_holds_once() -> None:
    freeze = freeze_of({"window": "2026-12-24 12:00 - 2027-01-02 06:00", "zone": "+01:00", "action": "ask", "reads": True})
    assert (freeze.asks, freeze.reads) == (True, True)
    assert not is_frozen(freeze, at("2026-12-24 11:59", "Europe/Berlin"))
    assert is_frozen(freeze, at("2026-12-31 23:00", "Europe/Berlin"))
    assert not is_frozen(freeze, at("2027-01-02 06:00", "Europe/Berlin"))
    assert not is_frozen(freeze, at("2027-12-31 23:00", "Europe/Berlin"))


@pytest.mark.parametrize(
    ("window", "why"),
    [
        ("Fri 18:00 - Fri 18:00", "ends when it begins"),
        ("2026-12-24 12:00 - 2026-12-24 12:00", "ends before it begins"),
        ("2026-02-30 12:00 - 2026-12-24 12:00", "no date"),
        ("Fri 18:00 - Mon 06:00 Europe/Berln", "knows no time zone"),
    ],
)
def test_a_window_that_cannot_be_is_refused(window: str, why: str) -> None:
    with pytest.raises(LimitFaultError, match=why):
        freeze_of(window)
