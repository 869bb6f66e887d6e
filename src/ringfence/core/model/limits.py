"""What may be used of what, as the operator configured it. Times in milliseconds, amounts in millionths."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.identifiers import Millis
from ringfence.core.model.model_use import NO_MODEL_LIMITS, ModelLimits
from ringfence.core.model.profile import Sensitivity

MICRO = 1_000_000
"""Amounts are counted in millionths of the argument's own unit: integers, so sums are exact."""
AMOUNT_MOST = 10**12
"""The largest amount, and the largest cap, that is counted. Beyond it a call is refused."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` calls in `period_ms` at an even pace, `burst` of them at once. GCRA (ITU-T I.371, annex A.2)."""

    count: int
    period_ms: int
    burst: int

    @property
    def interval_us(self) -> int:
        """Microseconds between two calls, rounded up: never faster than configured."""
        return -(-self.period_ms * 1000 // self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class SumCap:
    """The most that an argument may add up to."""

    pointer: str
    """JSON pointer of a number, or of text that is a decimal number."""
    cap: int
    """In millionths."""
    window_ms: int = 0
    """Of any span of this length; 0: of the whole run with its child runs."""
    everybody: bool = False
    """All agents together; else each agent by itself."""
    absent: int | None = None
    """What a call without the argument counts as, in millionths. None: it cannot be counted and is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinctCap:
    """How many different values an argument may take. Each item of a list counts."""

    pointer: str
    most: int
    window_ms: int = 0
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class RowCount:
    """How the rows of a result are counted."""

    pointer: str = ""
    """JSON pointer into the result, of a list or a number. Empty: the items of `content`."""
    most: int = 0
    """What one call may return at most, held while it is under way. 0: not known, so the run's last calls may pass its cap."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """How much goes out with one call."""

    bytes: int
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingCap:
    """The most that may leave for outside."""

    bytes: int | None = None
    records: int | None = None
    window_ms: int = 0
    """Of any span of this length; 0: of the whole run with its child runs."""
    since: Sensitivity = Sensitivity.CONFIDENTIAL
    """Calls count once the run was given data as confidential as this. `public`: every call that leaves counts."""


@dataclass(frozen=True, slots=True)
class Loops:
    """When a run repeats itself."""

    repeats: int = 10
    """Calls in a row that bring nothing new."""
    spacing_ms: int = 10_000
    """A repeated call that comes no sooner than this after the last one is waiting, not looping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A time in which calls are refused, or asked about."""

    text: str
    """As the operator wrote it."""
    weekly: tuple[int, int] | None = None
    """From and to, in minutes of the local week that begins on Monday; it may go over its end."""
    dated: tuple[Millis, Millis] | None = None
    offsets: tuple[tuple[Millis, int], ...] = ((0, 0),)
    """Of the zone: the offset from UTC in milliseconds, and from when on it holds."""
    asks: bool = False
    """A person may open it; else it refuses."""
    reads: bool = False
    """It holds for reads too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseLimits:
    """How fast, how much at once, when not, and how much may leave."""

    rate: Rate | None = None
    concurrent: int | None = None
    freezes: tuple[Freeze, ...] = ()
    leaving: tuple[LeavingCap, ...] = ()
    model: ModelLimits = NO_MODEL_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLimits(UseLimits):
    """What calls of one tool may use: `rate` for each agent, `concurrent` for all together."""

    sums: tuple[SumCap, ...] = ()
    distinct: tuple[DistinctCap, ...] = ()
    rows: RowCount = RowCount()
    polling: bool = False
    """Calling it again and again is how it is used: it never counts as a loop."""


NO_LIMITS = UseLimits()
NO_TOOL_LIMITS = ToolLimits()
