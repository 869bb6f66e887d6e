"""The arithmetic behind `make bench`: medians of each round's ratios, the costliest concurrency, goals."""

import math

import pytest
from bench.figures import GOALS, LEVELS, Figures, Goal, Sample, figures, percentile, ratios, result

STABLE = {
    "cores",
    "checks_on",
    "cpu_ms_per_read",
    "cpu_ms_per_write",
    "ratio_c1",
    "ratio_c8",
    "ratio_c64",
    "added_p50_ms_c1",
    "added_p99_ms_c1",
    "write_added_p50_ms_c1",
    "rss_mib",
}


def sample(per_s: float, *, p50_ms: float = 1.0, p99_ms: float = 2.0, cpu_ms: float = 0.5) -> Sample:
    calls = int(per_s * 2)
    return Sample(calls, 2.0, p50_ms, p99_ms, cpu_ms * calls / 1000)


def at(*, ratio: float = 1.0, cpu_ms: float = 0.3, added: float = 0.5) -> Figures:
    return Figures(per_s=1000, ratio=ratio, cpu_ms=cpu_ms, p50_ms=1, added_p50_ms=added, added_p99_ms=2 * added)


@pytest.mark.parametrize(
    "percent, expected",
    [(50, 3), (99, 5), (100, 5), (20, 1), (21, 2), (0, 1)],
)
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile([5, 1, 4, 2, 3], percent) == expected


def test_a_ratio_is_the_median_of_the_ratios_of_each_round_not_the_ratio_of_the_medians() -> None:
    own = [{8: sample(100)}, {8: sample(400)}, {8: sample(300)}]
    direct = [{8: sample(100)}, {8: sample(500)}, {8: sample(1000)}]
    found = figures(own, direct, 8)
    assert found.ratio == pytest.approx(0.8)
    assert found.per_s == 300


def test_what_is_added_is_the_median_of_the_differences_of_each_round() -> None:
    own = [{1: sample(100, p50_ms=p50, p99_ms=2 * p50)} for p50 in (2.0, 9.0, 3.0)]
    direct = [{1: sample(100, p50_ms=p50, p99_ms=2 * p50)} for p50 in (1.0, 1.0, 2.5)]
    found = figures(own, direct, 1)
    assert found.added_p50_ms == pytest.approx(1.0)
    assert found.added_p99_ms == pytest.approx(2.0)


def test_cpu_counts_for_each_call_that_was_answered() -> None:
    own = [{8: Sample(calls=2000, seconds=2, p50_ms=1, p99_ms=1, cpu_s=0.7)}]
    assert figures(own, own, 8).cpu_ms == pytest.approx(0.35)


def test_rounds_that_do_not_belong_together_are_not_compared() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        figures([{1: sample(1)}], [{1: sample(1)}, {1: sample(1)}], 1)


def test_the_result_has_the_stable_keys_and_the_cpu_of_the_costliest_concurrency() -> None:
    read = {1: at(cpu_ms=0.41, added=0.7), 8: at(ratio=0.8, cpu_ms=0.3), 64: at(ratio=0.97, cpu_ms=0.29)}
    write = {1: at(cpu_ms=0.5, added=3.0), 8: at(cpu_ms=0.6), 64: at(cpu_ms=0.4)}
    found = result(read, write, cores=2, checks_on=["standing", "pin"], rss_mib=99.44)
    assert set(found) >= STABLE
    assert found["cpu_ms_per_read"] == 0.41
    assert found["cpu_ms_per_write"] == 0.6
    assert (found["ratio_c1"], found["ratio_c8"], found["ratio_c64"]) == (1.0, 0.8, 0.97)
    assert (found["added_p50_ms_c1"], found["added_p99_ms_c1"], found["write_added_p50_ms_c1"]) == (0.7, 1.4, 3.0)
    assert (found["cores"], found["checks_on"], found["rss_mib"]) == (2, ["standing", "pin"], 99.4)


def test_a_peer_is_compared_by_its_ratios_its_costliest_cpu_and_what_it_adds() -> None:
    found = ratios({1: at(ratio=0.1, cpu_ms=4, added=5), 8: at(ratio=0.2, cpu_ms=6), 64: at(ratio=0.3, cpu_ms=5)})
    assert found == {"ratio_c1": 0.1, "ratio_c8": 0.2, "ratio_c64": 0.3, "cpu_ms_per_call": 6, "added_p50_ms_c1": 5}


@pytest.mark.parametrize(
    "at_least, value, reached",
    [
        (True, 0.75, True),
        (True, 0.7499, False),
        (False, 0.75, True),
        (False, 0.7501, False),
        (True, None, False),
        (False, None, False),
        (False, math.nan, False),
        (True, True, False),
        (False, "0.1", False),
    ],
)
def test_a_goal_is_reached_at_its_bound_and_never_by_a_figure_that_is_missing(
    at_least: bool, value: object, reached: bool
) -> None:
    assert Goal("key", 0.75, at_least, False, "what").reached({"key": value}) is reached


def test_each_goal_judges_a_figure_that_the_result_has() -> None:
    by_level = {level: at() for level in LEVELS}
    found = result(by_level, by_level, cores=1, checks_on=[], rss_mib=1)
    measured_apart = {"scan_ms_10kb", "scan_ms_1mb"}
    assert {goal.key for goal in GOALS} <= set(found) | measured_apart
    assert [goal.key for goal in GOALS if goal.binding] == ["cpu_ms_per_read"]
