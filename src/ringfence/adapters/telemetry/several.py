"""Everything that is told of one gateway: its counters always, and traces where a collector is configured."""

from __future__ import annotations

import asyncio

from ringfence.core.telemetry.events import Event
from ringfence.ports.telemetry import Telemetry


class SeveralTelemetry:
    """Implements `ports.telemetry.Telemetry`. Traces can be switched while the gateway runs."""

    def __init__(self, counters: Telemetry, traces: Telemetry | None) -> None:
        self._counters = counters
        self._traces = traces
        self._closing: set[asyncio.Task[None]] = set()

    def switch(self, fresh: Telemetry | None) -> None:
        """Traces go there from now on; what the one before holds it gives a last try."""
        before, self._traces = self._traces, fresh
        if before is not None:
            task = asyncio.ensure_future(before.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def tell(self, event: Event) -> None:
        self._counters.tell(event)
        if self._traces is not None:
            self._traces.tell(event)

    async def close(self) -> None:
        last = () if self._traces is None else (self._traces.close(),)
        await asyncio.gather(*last, *self._closing, return_exceptions=True)
