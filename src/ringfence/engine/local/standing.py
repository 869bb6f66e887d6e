"""Whether a run may go on at all, for what a hook tells of that is no call of a tool."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ringfence.core.model.identifiers import RunId
from ringfence.core.model.local import LOCAL
from ringfence.core.model.run import Run, RunState
from ringfence.core.model.stop import Stop, StopMode
from ringfence.core.own_tools.local_calls import tool_id
from ringfence.engine.identity.reaching import reach_of
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

LOOK_S: Final = 0.25


class Standing(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    OVER = "over"
    """It was closed, or has expired."""
    KILLED = "killed"


async def standing_of(store: Store, clock: Clock, run_id: RunId, tool: str = "") -> Standing:
    """Of a run with all above it; with a tool, as far as that one is concerned. Raises UnavailableError."""
    run = await store.run(run_id)
    if run is None:
        raise UnavailableError(f"run {run_id} has a credential but no record")
    reach = await reach_of(store, run, LOCAL, tool_id(tool)) if tool else await reach_of(store, run, LOCAL)
    stops = store.stops_on(reach)
    if any(stop.mode is StopMode.KILL for stop in stops):
        return Standing.KILLED
    above = [await store.run(ancestor) for ancestor in run.ancestors]
    if any(link is None or _has_ended(link, clock) for link in (run, *above)):
        return Standing.OVER
    return Standing.PAUSED if _is_paused(stops) else Standing.OPEN


async def wait_for_pause(store: Store, clock: Clock, run: RunId, tool: str, until: float) -> None:
    """Return when nothing but a pause is in the way no longer, or at `until` (monotonic seconds)."""
    while clock.monotonic() < until and await standing_of(store, clock, run, tool) is Standing.PAUSED:
        await clock.sleep(LOOK_S)


def _is_paused(stops: tuple[Stop, ...]) -> bool:
    return bool(stops) and all(stop.mode is StopMode.PAUSE for stop in stops)


def _has_ended(run: Run, clock: Clock) -> bool:
    return run.state is not RunState.OPEN or (run.expires_at is not None and clock.now() >= run.expires_at)
