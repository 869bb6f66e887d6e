"""What happens on a timer: the lever, expiries, fresh listings, signed checkpoints."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.records.unit import Prune, Unit
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import RELIST_S, Catalogue
from ringfence.engine.catalogue.notices import Notices
from ringfence.engine.log.care import LogCare
from ringfence.engine.log.checkpointer import Checkpointer
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.runs.runs import Runs
from ringfence.engine.secrets.injection import Injection
from ringfence.engine.stopping.inflight import Inflight
from ringfence.engine.stopping.stops import Stops
from ringfence.engine.upkeep.recovery import recover
from ringfence.errors import Error, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.lever import Lever
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

LEVER_S = 0.2
EXPIRE_S = 1.0
CHECKPOINT_S = 60.0
PRUNE_S = 60.0
SWEEP_S = 60.0


class Housekeeping:
    """Small loops; a failure in one round is logged, and the next round tries again."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        stops: Stops,
        approvals: Approvals,
        runs: Runs,
        catalogue: Catalogue,
        checkpointer: Checkpointer,
        alerts: Alerts,
        lever: Lever,
        notices: Notices,
        inflight: Inflight,
        log_care: LogCare,
        injection: Injection,
    ) -> None:
        self._clock = clock
        self._store = store
        self._stops = stops
        self._approvals = approvals
        self._runs = runs
        self._catalogue = catalogue
        self._checkpointer = checkpointer
        self._alerts = alerts
        self._lever = lever
        self._notices = notices
        self._inflight = inflight
        self._log_care = log_care
        self._injection = injection
        self._degraded = ""

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(LEVER_S, self.look_at_lever))
            group.create_task(self._every(EXPIRE_S, self.look_at_time))
            group.create_task(self._every(RELIST_S, self.relist))
            group.create_task(self._every(CHECKPOINT_S, self.checkpoint))
            group.create_task(self._every(PRUNE_S, self.prune))
            group.create_task(self._notices.run())
            group.create_task(self._log_care.run())
            group.create_task(self._sweep())

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._clock.sleep(seconds)
            try:
                await work()
            except Error as error:
                logger.warning("%s: %s", getattr(work, "__name__", "housekeeping"), error)

    async def _sweep(self) -> None:
        """At the start, for what an earlier process has left; later for what could not be ended at once."""
        await self._injection.sweep()
        await self._every(SWEEP_S, self._injection.sweep)

    async def look_at_lever(self) -> None:
        """Kill everything while the lever is pulled. Letting go of it does not un-kill."""
        why = self._lever.pulled()
        if why is None:
            return
        killed = any(s.mode is StopMode.KILL and s.scope.kind is ScopeKind.EVERYTHING for s in await self._stops.in_force())
        if not killed:
            logger.critical("the kill lever is pulled: %s", why)
            await self._stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason=why, by="lever")

    async def look_at_time(self) -> None:
        """Close tickets and child runs whose time is over, and say when the store stops or starts to record."""
        degraded = self._store.is_degraded()
        if degraded and degraded != self._degraded:
            logger.critical("nothing can be recorded, so sends are denied: %s", degraded)
            self._alerts.store_degraded(degraded)
        if self._degraded and not degraded:
            logger.warning("recording works again")
            self._alerts.store_recovered()
            await self._stops.finish()
            # What such a call held, a place among those under way included, would else be held until the next start.
            await recover(self._store, self._clock, {flight.call for flight in self._inflight.all()})
        self._degraded = degraded
        if not degraded:
            await self._approvals.expire()
            await self._runs.sweep()

    async def relist(self) -> None:
        """Ask every server what it has; the catalogue compares it with its pins. A slow server delays no other."""
        await asyncio.gather(*(self._catalogue.refresh(server) for server in tuple(self._catalogue.upstreams)))

    async def prune(self) -> None:
        """Let the state forget what says nothing any more."""
        if not self._store.is_degraded():
            await self._store.record(Unit((), (Prune(self._clock.now()),)))

    async def checkpoint(self) -> None:
        try:
            await self._checkpointer.checkpoint()
        except UnavailableError as error:
            logger.warning("no checkpoint: %s", error)
