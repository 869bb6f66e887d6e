"""Pauses that are over, and for how long a run was paused.

Only what paused all of a run counts: everything, an agent, a run. A paused tool or server leaves it the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from ringfence.core.model.identifiers import Millis
from ringfence.core.model.run import Run
from ringfence.core.model.stop import Scope, ScopeKind, Stop, StopMode

MOST_PAUSES: Final = 1000
"""Of those that are over. An older one is forgotten, and its time counts as any other."""
_OF_RUNS: Final = frozenset({ScopeKind.EVERYTHING, ScopeKind.AGENT, ScopeKind.RUN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One that was lifted."""

    id: str
    """Of the stop that it was."""
    scope: Scope
    since: Millis
    until: Millis


def ended(stop: Stop, at: Millis) -> Pause | None:
    """What is kept of a stop that is lifted; None: it paused no run."""
    if stop.mode is not StopMode.PAUSE or stop.scope.kind not in _OF_RUNS or at <= stop.at:
        return None
    return Pause(id=stop.id, scope=stop.scope, since=stop.at, until=at)


def forgotten(pauses: Mapping[str, Pause]) -> tuple[str, ...]:
    """Which of them make room for one more. They stand in the order in which they ended."""
    return tuple(islice(pauses, max(0, len(pauses) - MOST_PAUSES + 1)))


def paused_ms(chain: Sequence[Run], pauses: Iterable[Pause], stops: Iterable[Stop], now: Millis) -> int:
    """For how long a run was paused since it was opened, by one pause or several at once, over (`pauses`) or not (`stops`).

    `chain`: the run, then those above it. A pause of those, or of their agents, pauses it as well.
    """
    runs, agents = {run.id for run in chain}, {run.agent for run in chain}
    so_far = [pause for stop in stops if (pause := ended(stop, now)) is not None]
    until, total = chain[0].opened_at, 0
    for pause in sorted([*pauses, *so_far], key=lambda pause: pause.since):
        match pause.scope.kind:
            case ScopeKind.EVERYTHING:
                reaches = True
            case ScopeKind.AGENT:
                reaches = pause.scope.target in agents
            case ScopeKind.RUN:
                reaches = pause.scope.target in runs
            case _:
                reaches = False
        if reaches:
            since, end = max(pause.since, until), min(pause.until, now)
            total += max(end - since, 0)
            until = max(until, end)
    return total
