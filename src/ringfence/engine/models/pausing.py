"""A request that nothing but a pause is in the way of is held for a moment: most clients would only come back."""

from __future__ import annotations

from typing import Final

from ringfence.core.model.model_use import MODEL
from ringfence.core.model.stop import StopMode
from ringfence.core.own_tools.modelling import MESSAGES
from ringfence.engine.identity.identify import Presented, Principal, identify
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.models.asking import Client
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

HOLD_S: Final = 20.0
"""How long a request waits for a pause to end."""
LOOK_S: Final = 0.25


async def wait_for_pause(store: Store, clock: Clock, presented: Presented, client: Client) -> None:
    """Return when the pause has ended, something else stands in the way too, the client has gone, or it was long enough."""
    until = clock.monotonic() + HOLD_S
    while clock.monotonic() < until and not client.is_gone:
        if not await _is_only_paused(store, clock, presented):
            return
        await clock.sleep(LOOK_S)


async def _is_only_paused(store: Store, clock: Clock, presented: Presented) -> bool:
    if not await store.stops():
        return False  # as nearly always
    principal = await identify(store, clock, presented)
    run = await store.run(principal.run) if isinstance(principal, Principal) else None
    if run is None:
        return False
    stops = store.stops_on(await reach_of(store, run, MODEL, MESSAGES))
    return bool(stops) and all(stop.mode is StopMode.PAUSE for stop in stops)
