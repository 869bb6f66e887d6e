"""When the gateway pauses a run by itself, as the operator configured it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.limits import MICRO


class Guard(StrEnum):
    """What is looked for."""

    IDENTICAL = "identical"
    """The same calls bring the same results."""
    ALIKE = "alike"
    """Calls that differ in a counter, a time or a version alone bring the same results."""
    PING_PONG = "ping_pong"
    """Runs of one tree hand work to and fro, and nothing new comes of it."""
    NO_PROGRESS = "no_progress"
    """A model is given what it was given before, and answers what it answered before."""
    FAILING = "failing"
    """Calls of one tool fail or are refused, one after the other."""
    BURN = "burn"
    """Models cost far more in a minute than they did in the tree's own past."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many in a row, with nothing new between them."""

    warn: int
    pause: int
    spacing_ms: int = 5_000
    """Those that come no faster than this are waiting, and a rest of this length ends a row. Time in which a model answers does
    not count."""


@dataclass(frozen=True, slots=True)
class Burning:
    """How many times the median of the past minutes that cost anything."""

    warn: int = 5
    pause: int = 25
    floor_micro: int = MICRO
    """A minute that cost less is never far too much."""
    minutes: int = 5
    """Minutes that cost anything before there is a past to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """All guards. None: that one is off."""

    identical: Repeats | None = Repeats(10, 20)
    alike: Repeats | None = Repeats(20, 40)
    ping_pong: Repeats | None = Repeats(12, 24)
    no_progress: Repeats | None = Repeats(6, 12)
    failing: Repeats | None = Repeats(10, 20)
    burn: Burning | None = Burning()

    @property
    def is_off(self) -> bool:
        return not (self.identical or self.alike or self.ping_pong or self.no_progress or self.failing or self.burn)


NO_GUARDS = GuardRules(identical=None, alike=None, ping_pong=None, no_progress=None, failing=None, burn=None)


class SignStep(StrEnum):
    WARN = "warn"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Sign:
    """What a guard has seen."""

    guard: Guard
    step: SignStep
    count: int
    why: str
    """For people, without anything that an agent or a server said."""
