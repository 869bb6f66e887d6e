"""Everything that happens to the log besides writing it, as one part of the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.log.forwarding import LogForwarding
from ringfence.engine.log.heads import LogHeads
from ringfence.engine.log.retention import LogRetention
from ringfence.engine.log.witnessing import LogWitnessing
from ringfence.errors import Error
from ringfence.ports.anchor import Anchor
from ringfence.ports.audit import AuditLog
from ringfence.ports.bookmarks import Bookmarks
from ringfence.ports.clock import Clock
from ringfence.ports.forwarder import Forwarder
from ringfence.ports.store import Store
from ringfence.ports.witness import Witness

logger = logging.getLogger(__name__)

RETENTION_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutlets:
    """Where the log goes. Forwarders need bookmarks."""

    witnesses: Sequence[Witness] = ()
    quorum: int = 0
    anchors: Sequence[Anchor] = ()
    forwarders: Sequence[Forwarder] = ()
    bookmarks: Bookmarks | None = None
    keep_bodies_ms: int | None = None
    """None: for ever."""


class LogCare:
    """Runs until cancelled; `close` after the last head was signed."""

    def __init__(self, outlets: LogOutlets, *, log: AuditLog, store: Store, clock: Clock, alerts: Alerts) -> None:
        self._clock = clock
        witnessing = LogWitnessing(log, outlets.witnesses, alerts.log_disputed, outlets.quorum)
        self.heads = LogHeads(log, clock, witnessing, outlets.anchors)
        self.forwarding = (
            LogForwarding(log, clock, outlets.bookmarks, outlets.forwarders) if outlets.bookmarks is not None else None
        )
        self._broken: dict[str, str] = {}
        self.retention = LogRetention(log, store, clock, outlets.keep_bodies_ms)

    async def run(self) -> None:
        """A loop that ends by itself is a fault of this program: told to people, and nothing else ends with it."""
        loops = {**self.heads.loops(), **(self.forwarding.loops() if self.forwarding is not None else {})}
        if self.retention.keep_ms is not None:
            loops["retention"] = self._drop()
        running = {asyncio.ensure_future(loop): name for name, loop in loops.items()}
        try:
            while running:
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    self._ended(running.pop(task), task.exception())
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, name: str, why: BaseException | None) -> None:
        logger.critical("%s of the log has ended by itself", name, exc_info=why)
        self._broken[name] = f"ended by itself: {type(why).__name__}"

    async def close(self) -> None:
        await self.heads.close()
        if self.forwarding is not None:
            await self.forwarding.close()

    def status(self) -> dict[str, Any]:
        """For people: what has which part of the log, and what does not work."""
        witnessing = self.heads.witnessing
        status: dict[str, Any] = {"broken": dict(self._broken)} if self._broken else {}
        if witnessing.states:
            status["quorum"] = witnessing.quorum
            status["cosigned_size"] = witnessing.cosigned_size
            status["witnesses"] = {
                name: {"size": state.cosigned, "problem": state.problem} for name, state in witnessing.states.items()
            }
        if self.heads.anchors:
            status["anchors"] = {
                name: {"size": state.size, "problem": state.problem} for name, state in self.heads.anchors.items()
            }
        if self.forwarding is not None:
            status["forward"] = {
                name: {"position": state.position, "problem": state.problem} for name, state in self.forwarding.states.items()
            }
        return status

    async def _drop(self) -> None:
        while True:
            try:
                await self.retention.drop()
            except Error as error:
                logger.warning("bodies could not be dropped: %s", error)
            await self._clock.sleep(RETENTION_S)
