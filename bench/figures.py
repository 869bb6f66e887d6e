"""From samples to figures. Pure: what `make bench` claims is computed here and nowhere else.

A round measures every target once at every concurrency, so a ratio or a difference compares neighbours in time; medians are
taken over rounds, of the ratios themselves.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

LEVELS: Final = (1, 8, 64)
"""Connections at once."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One target in one round at one concurrency."""

    calls: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    """Of the target's process, while it served these calls."""

    @property
    def per_s(self) -> float:
        return self.calls / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s * 1000 / self.calls


Rounds = Sequence[Mapping[int, Sample]]
"""Of one target: for each round its samples by concurrency."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


@dataclass(frozen=True, slots=True)
class Figures:
    """One target against the direct connection, at one concurrency."""

    per_s: float
    ratio: float
    """Of the direct throughput."""
    cpu_ms: float
    """Per call."""
    p50_ms: float
    added_p50_ms: float
    added_p99_ms: float


def figures(own: Rounds, direct: Rounds, level: int) -> Figures:
    """Medians over the rounds that both were measured in."""
    pairs = [(one[level], other[level]) for one, other in zip(own, direct, strict=True)]
    return Figures(
        per_s=median(one.per_s for one, _ in pairs),
        ratio=median(one.per_s / other.per_s for one, other in pairs),
        cpu_ms=median(one.cpu_ms for one, _ in pairs),
        p50_ms=median(one.p50_ms for one, _ in pairs),
        added_p50_ms=median(one.p50_ms - other.p50_ms for one, other in pairs),
        added_p99_ms=median(one.p99_ms - other.p99_ms for one, other in pairs),
    )


def result(
    read: Mapping[int, Figures], write: Mapping[int, Figures], *, cores: int, checks_on: Sequence[str], rss_mib: float
) -> dict[str, Any]:
    """The keys that every `make bench` prints. CPU is that of the costliest concurrency, so that no choice flatters it."""
    return {
        "cores": cores,
        "checks_on": list(checks_on),
        "cpu_ms_per_read": _worst_cpu(read),
        "cpu_ms_per_write": _worst_cpu(write),
        **{f"ratio_c{level}": round(read[level].ratio, 3) for level in LEVELS},
        "added_p50_ms_c1": round(read[1].added_p50_ms, 3),
        "added_p99_ms_c1": round(read[1].added_p99_ms, 3),
        "write_added_p50_ms_c1": round(write[1].added_p50_ms, 3),
        "rss_mib": round(rss_mib, 1),
        **{f"cpu_ms_per_read_c{level}": round(read[level].cpu_ms, 3) for level in LEVELS},
        **{f"cpu_ms_per_write_c{level}": round(write[level].cpu_ms, 3) for level in LEVELS},
    }


def ratios(by_level: Mapping[int, Figures]) -> dict[str, float]:
    """What a peer is compared by."""
    return {
        **{f"ratio_c{level}": round(by_level[level].ratio, 3) for level in LEVELS},
        "cpu_ms_per_call": _worst_cpu(by_level),
        "added_p50_ms_c1": round(by_level[1].added_p50_ms, 3),
    }


def _worst_cpu(by_level: Mapping[int, Figures]) -> float:
    return round(max(one.cpu_ms for one in by_level.values()), 3)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure of the result should be at most, or at least."""

    key: str
    bound: float
    at_least: bool
    binding: bool
    what: str

    def reached(self, result: Mapping[str, Any]) -> bool:
        """A figure that is missing reaches nothing."""
        value = result.get(self.key)
        if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
            return False
        return value >= self.bound if self.at_least else value <= self.bound


GOALS: Final = (
    Goal("cpu_ms_per_read", 0.35, False, True, "ms CPU per public read"),
    Goal("ratio_c8", 0.75, True, False, "of the direct throughput at concurrency 8"),
    Goal("ratio_c64", 0.95, True, False, "of the direct throughput at concurrency 64"),
    Goal("added_p50_ms_c1", 0.8, False, False, "ms added at the median at concurrency 1"),
    Goal("scan_ms_10kb", 0.2, False, False, "ms CPU to scan the dearest ordinary answer of 10 kB"),
    Goal("scan_ms_1mb", 30, False, False, "ms CPU to scan the dearest ordinary answer of 1 MB"),
)
