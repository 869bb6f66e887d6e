"""Everything that one `make bench` found out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import Figures
from bench.targets import Absent


@dataclass(frozen=True, slots=True)
class Row:
    """One target with its figures by concurrency."""

    name: str
    what: str
    era: str
    by_level: Mapping[int, Figures]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The rows in the order of the table, and what was on."""

    rows: Sequence[Row]
    absent: Sequence[Absent]
    result: Mapping[str, Any]
    versions: Mapping[str, str]
    date: str
    machine: str
    rounds: int
    seconds: float
    request_bytes: int
    shares: Sequence[tuple[str, float]] = ()
    """Of the gateway's Python time, by part; empty where no flame graph was drawn."""
