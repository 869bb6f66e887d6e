"""From what was measured to what `make bench-model` claims. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.figures import Goal, percentile


@dataclass(frozen=True, slots=True)
class FirstByte:
    """Seconds from a request to its first event, one after the other, neighbours in time."""

    direct: Sequence[float]
    through: Sequence[float]

    def figures(self, name: str) -> dict[str, float]:
        """In ms."""
        both = list(zip(self.direct, self.through, strict=True))
        return {
            f"first_byte_direct_ms_{name}": _ms(median(self.direct)),
            f"first_byte_through_ms_{name}": _ms(median(self.through)),
            f"first_byte_added_ms_{name}": _ms(median(through - direct for direct, through in both)),
            f"first_byte_added_p99_ms_{name}": _ms(percentile(self.through, 99) - percentile(self.direct, 99)),
        }


@dataclass(frozen=True, slots=True)
class Rate:
    """Events of many streams at once, in one window each."""

    events: int
    seconds: float
    cpu_s: float
    """Of the gateway, meanwhile."""

    @property
    def per_s(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_s * 1e6 / max(self.events, 1)


def rates(direct: Sequence[Rate], through: Sequence[Rate]) -> dict[str, float]:
    """Medians over the rounds, the ratio's among them: a ratio compares neighbours in time."""
    return {
        "events_per_s_direct_c64": round(median(one.per_s for one in direct)),
        "events_per_s_through_c64": round(median(one.per_s for one in through)),
        "events_ratio_c64": round(median(own.per_s / one.per_s for own, one in zip(through, direct, strict=True)), 3),
        "cpu_us_per_event_c64": round(median(one.cpu_us for one in through), 2),
    }


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of the gateway around one long stream."""

    before: float
    peak: float
    after: float
    megabytes: int
    seconds: float

    def figures(self) -> dict[str, float]:
        return {
            "stream_mb": self.megabytes,
            "stream_mb_per_s": round(self.megabytes / self.seconds),
            "rss_before_mib": round(self.before, 1),
            "rss_peak_mib": round(self.peak, 1),
            "rss_after_mib": round(self.after, 1),
            "rss_grown_mib": round(self.peak - self.before, 1),
        }


@dataclass(frozen=True, slots=True)
class Killed:
    """Times in seconds since the kill was asked for."""

    streams: int
    acknowledged: float
    last_content: float
    last_end: float
    """When the last connection was seen to have its answer ended."""
    content_after: int
    """Bytes of answers that came after everything that lay in the client's own sockets at the acknowledgement was taken out."""

    def figures(self) -> dict[str, float]:
        return {
            "killed_streams": self.streams,
            "kill_acknowledged_ms": _ms(self.acknowledged),
            "kill_last_content_after_ms": _ms(self.last_content - self.acknowledged),
            "kill_last_end_after_ms": _ms(self.last_end - self.acknowledged),
            "kill_content_bytes_after": self.content_after,
        }


GOALS: Final = (
    Goal("first_byte_added_ms_c1", 2.0, False, True, "ms that the first byte comes later at the median, one request at a time"),
    Goal("events_ratio_c64", 0.6, True, True, "of the direct events per second, 64 streams at once"),
    Goal("rss_grown_mib", 16, False, True, "MiB that the gateway grows by over a stream of 200 MB"),
    Goal("kill_last_content_after_ms", 100, False, True, "ms from the acknowledgement of a kill to the last byte of an answer"),
    Goal("kill_content_bytes_after", 0, False, True, "bytes of answers after the acknowledgement of a kill"),
    Goal("kill_acknowledged_ms", 100, False, False, "ms from the wish to kill 500 open answers to its acknowledgement"),
)


def told(result: Mapping[str, Any]) -> list[str]:
    """Each goal, and whether it was reached here."""
    return [
        f"{'reached' if goal.reached(result) else 'NOT reached'}: {goal.key} = {result.get(goal.key)} "
        f"({'at least' if goal.at_least else 'at most'} {goal.bound:g}: {goal.what})"
        for goal in GOALS
    ]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
