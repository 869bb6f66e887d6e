"""Everything one gateway process is made of, as one value, and how it is put to rest."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.engine.assembly import Engine
from ringfence.errors import UnavailableError

logger = logging.getLogger(__name__)

DRAIN_S = 10.0
"""How long calls that are under way may take to end when the gateway is asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway(Engine):
    """The engine of one process, which says what it does and ends cleanly."""

    async def note(self, summary: str, body: dict[str, object]) -> None:
        """Record something about the gateway itself."""
        entry = Entry(kind=EntryKind.GATEWAY, at=self.clock.now(), summary=summary, by="gateway", body=body)
        receipt = await self.store.record(Unit((entry,)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(receipt.detail)
        await receipt.durable()

    async def drain(self) -> int:
        """Wait for calls under way, then cancel the rest; each ends with a recorded outcome. Answers how many it cancelled."""
        flights = self.inflight.all()
        if flights:
            logger.info("waiting for %d calls under way", len(flights))
            await asyncio.wait([asyncio.ensure_future(flight.landed.wait()) for flight in flights], timeout=DRAIN_S)
        late = self.inflight.all()
        for flight in late:
            flight.stop()
        if late:
            await asyncio.wait([asyncio.ensure_future(flight.landed.wait()) for flight in late], timeout=DRAIN_S)
        return len(late)

    async def close(self) -> None:
        """Say goodbye in the log, sign its head, let go of servers and store. What cannot be written is logged, not raised."""
        try:
            await self.note("gateway stopped", {})
            await self.checkpointer.checkpoint()
        except UnavailableError as error:
            logger.error("the last entries could not be signed: %s", error)
        await self.injection.close()
        await self.log_care.close()
        await asyncio.gather(*(upstream.close() for upstream in self.catalogue.upstreams.values()), return_exceptions=True)
        await self.notifier.close()
        try:
            await self.store.close()
        except UnavailableError as error:
            logger.error("the store could not be closed cleanly: %s", error)
