"""For how long a run was paused: each moment once, and only by what paused all of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.model.identifiers import RunId
from ringfence.core.model.pause import MOST_PAUSES, Pause, ended, forgotten, paused_ms
from ringfence.core.model.stop import Scope, ScopeKind, Stop, StopMode
from ringfence.testing.contracts.samples import AGENT, a_run, a_stop

ALL = Scope(ScopeKind.EVERYTHING)


def pause(since: int, until: int, scope: Scope = ALL) -> Pause:
    return Pause(id="p", scope=scope, since=since, until=until)


def a_pausing(since: int, scope: Scope = ALL) -> Stop:
    return replace(a_stop(), mode=StopMode.PAUSE, scope=scope, at=since)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), max_size=6),
    st.lists(st.integers(0, 40), max_size=3),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_each_moment_of_the_runs_life_counts_once(
    spans: list[tuple[int, int]], still: list[int], opened_at: int, life: int
) -> None:
    run, now = a_run(opened_at=opened_at), opened_at + life
    moments = {at for since, length in spans for at in range(since, since + length)}
    moments |= {at for since in still for at in range(since, now)}
    expected = len([at for at in moments if opened_at <= at < now])
    pauses = [pause(since, since + length) for since, length in spans]
    assert paused_ms([run], pauses, [a_pausing(since) for since in still], now) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (ALL, 10),
        (Scope(ScopeKind.AGENT, AGENT), 10),
        (Scope(ScopeKind.AGENT, "another"), 0),
        (Scope(ScopeKind.RUN, "child"), 10),
        (Scope(ScopeKind.RUN, "root"), 10),
        (Scope(ScopeKind.RUN, "another"), 0),
        (Scope(ScopeKind.SERVER, "orders"), 0),
        (Scope(ScopeKind.TOOL, "orders.refund"), 0),
    ],
)
def test_what_pauses_a_run_above_it_pauses_it_and_a_tool_or_server_does_not(scope: Scope, expected: int) -> None:
    chain = [a_run("child", ancestors=("root",), opened_at=0), a_run("root", opened_at=0)]
    assert paused_ms(chain, [pause(5, 15, scope)], [], 100) == expected
    assert paused_ms(chain, [], [a_pausing(90, scope)], 100) == expected


@pytest.mark.parametrize("mode", [StopMode.KILL, StopMode.DISABLE])
def test_a_kill_is_no_pause(mode: StopMode) -> None:
    stop = replace(a_pausing(0), mode=mode)
    assert ended(stop, 100) is None
    assert paused_ms([a_run(opened_at=0)], [], [stop], 100) == 0


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    pauses = {str(number): pause(0, 1) for number in range(MOST_PAUSES)}
    assert forgotten(pauses) == ("0",)
    del pauses["0"]
    assert forgotten(pauses) == ()


def test_a_run_that_was_opened_during_a_pause_was_paused_since_it_was_opened() -> None:
    run = replace(a_run(opened_at=50), id=RunId("late"))
    assert paused_ms([run], [pause(0, 60)], [], 100) == 10
