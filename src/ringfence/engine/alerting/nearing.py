"""Which meters of a call are told of, and what of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringfence.core.ledger.moves import freed_by, is_of_run
from ringfence.core.model.facts import Link
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.meter import Charge, Meter
from ringfence.core.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A meter that was used, before and after."""

    meter: str
    before: int
    after: int
    cap: int
    agent: AgentId
    run: RunId
    span: int = 0
    asked: int = 0
    """What the request held that this was settled for: the like of it may be next. 0: it is known what the next one takes."""
    freed: int = 0
    """What will have left the window by the time that the pace looks ahead to."""


def near_of(charge: Charge, before: int, after: int, meter: Meter, agent: AgentId, run: RunId, rules: Rules, now: Millis,
            asked: int = 0) -> Near:  # fmt: skip
    """A charge of a call that was allowed, or settled, with the meter as it is by then."""
    ahead = freed_by(meter, now, now + rules.burn_within_ms) if charge.span else 0
    return Near(meter=charge.meter, before=before, after=after, cap=charge.cap + meter.extra, agent=agent, run=run,
                span=charge.span, asked=asked, freed=ahead)  # fmt: skip


def tightest(charges: Sequence[Charge], meters: Sequence[Meter | None]) -> list[tuple[Charge, Meter | None]]:
    """The charges that are told of. Those of a run come before those of the runs above it.

    What a run uses counts for every run above it. Where one of those has the same cap, or a lower one, it says all that there
    is to say: a fan-out of hundreds is to be one alert.
    """
    found: list[tuple[Charge, Meter | None]] = []
    above: dict[tuple[str, str], int] = {}
    for charge, meter in zip(reversed(charges), reversed(meters), strict=True):
        if is_of_run(charge.meter):
            kind, _, what = charge.meter.split(":", 2)
            cap = charge.cap + (meter.extra if meter is not None else 0)
            if above.get((kind, what), cap + 1) <= cap:
                continue
            above[kind, what] = cap
        found.append((charge, meter))
    return found


def tightest_links(chain: Sequence[Link], cap_of: Callable[[Link], int | None]) -> list[Link]:
    """As `tightest`, of what no meter counts. A cap that was raised is taken for what it was."""
    found: list[Link] = []
    above: int | None = None
    for link in reversed(chain):
        cap = cap_of(link)
        if cap is not None and (above is None or cap < above):
            above = cap
            found.append(link)
    return found


def age_of(link: Link, now: Millis) -> int:
    """What a run has used of its wall clock, in seconds."""
    return max(0, now - link.run.opened_at - link.paused_ms) // 1000
