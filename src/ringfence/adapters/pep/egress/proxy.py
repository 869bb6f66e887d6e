"""The way out of one box: every connection of its processes to the world begins here.

    proxy = Proxy(presented, gate, resolver=..., dialler=..., authority=..., redactor=..., trusted=...)
    proxy.serve(transport, first_bytes)      at once; the connection is the proxy's from then on
    await proxy.close()                      cuts everything

The caller accepts connections on a listener that only this box can reach; that is what says whose they are.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Final

from ringfence.adapters.pep.egress.authority import Authority
from ringfence.adapters.pep.egress.connection import Connection, Shared
from ringfence.adapters.pep.egress.denial import denial
from ringfence.adapters.pep.egress.gate import Dialler, Gate, Resolver
from ringfence.adapters.pep.egress.settings import Settings
from ringfence.adapters.pep.egress.splice import PIECE
from ringfence.adapters.pep.egress.wire import Wire
from ringfence.core.egress.opening import Opening, Refusal
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.identity.identify import Presented

logger = logging.getLogger("ringfence.egress")
_TOO_MANY: Final = Refusal("connections", 429, "too many connections of this run at once")
_MOST_REFUSING: Final = 32
"""Connections over the limit that are told so; further ones are only closed."""


class Proxy:
    """All connections of one box."""

    def __init__(
        self,
        presented: Presented,
        gate: Gate,
        *,
        resolver: Resolver,
        dialler: Dialler,
        authority: Authority,
        redactor: Redactor,
        trusted: ssl.SSLContext,
        settings: Settings | None = None,
    ) -> None:
        """`trusted`: with which servers behind terminated hosts are verified (`authority.trusting`)."""
        self._shared = Shared(
            presented=presented,
            gate=gate,
            resolver=resolver,
            dialler=dialler,
            authority=authority,
            redactor=redactor,
            trusted=trusted,
            settings=settings or Settings(),
            scratch=bytearray(PIECE),
        )
        self._open: dict[asyncio.Task[None], Connection] = {}
        self._refusing: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._looking: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Connections that are open."""
        return len(self._open)

    def serve(self, transport: asyncio.Transport, first: bytes = b"") -> None:
        """Take over a connection with the bytes that were already read of it."""
        if self._is_closed:
            transport.abort()
            return
        wire = Wire.over(transport, first)
        if len(self._open) >= self._shared.settings.connections:
            self._turn_away(wire)
            return
        connection = Connection(self._shared, wire)
        task = asyncio.get_running_loop().create_task(connection.run())
        connection.use(task)
        self._open[task] = connection
        task.add_done_callback(self._ended)
        self._look_later()

    async def drained(self) -> None:
        """Wait until no connection is open."""
        while self._open:
            await asyncio.gather(*self._open, return_exceptions=True)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Cut every connection, and each that still comes."""
        self._is_closed = True
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        tasks = [*self._open, *self._refusing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _turn_away(self, wire: Wire) -> None:
        if len(self._refusing) >= _MOST_REFUSING:
            wire.abort()
            return
        task = asyncio.get_running_loop().create_task(self._refuse(wire))
        self._refusing.add(task)
        task.add_done_callback(self._refusing.discard)

    async def _refuse(self, wire: Wire) -> None:
        try:
            entry = await self._shared.gate.refused(self._shared.presented, Opening("", 0), _TOO_MANY)
            wire.write(denial(_TOO_MANY.status, _TOO_MANY.code, entry))
        except Exception:
            logger.exception("a connection over the limit was cut")
        finally:
            wire.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._open[task]
        if not task.cancelled():
            task.result()

    def _look(self) -> None:
        self._looking = None
        now = asyncio.get_running_loop().time()
        for connection in list(self._open.values()):
            try:
                connection.look(now)
            except Exception:
                logger.exception("a connection of a box was cut")
                connection.cut("failed")
        self._look_later()

    def _look_later(self) -> None:
        if self._open and self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(self._shared.settings.look_s, self._look)
