"""One connection of a box, from its first byte to its last."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ringfence.adapters.pep.egress.authority import Authority
from ringfence.adapters.pep.egress.denial import ALERT, denial
from ringfence.adapters.pep.egress.dialling import addresses_for, dialled
from ringfence.adapters.pep.egress.gate import Dialler, Gate, Resolver
from ringfence.adapters.pep.egress.settings import Settings
from ringfence.adapters.pep.egress.splice import Splice
from ringfence.adapters.pep.egress.terminate import Terminated
from ringfence.adapters.pep.egress.tls import TlsWire
from ringfence.adapters.pep.egress.tunnel import first_flight, opened, spliced
from ringfence.adapters.pep.egress.upstream import Upstream
from ringfence.adapters.pep.egress.wire import Wire
from ringfence.core.egress.connect import connect_of
from ringfence.core.egress.head import MOST_CONNECT, length_of_head
from ringfence.core.egress.opening import Admitted, Asked, NotAdmitted, Opening, Refusal
from ringfence.core.model.egress import EgressMode
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.identity.identify import Presented

logger = logging.getLogger("ringfence.egress")
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_SLOW: Final = Refusal("timeout", 408, "the head did not come in time")
_SLOW_FLIGHT: Final = Refusal("timeout", 408, "the first flight did not come in time")
_UNREACHABLE: Final = Refusal("unreachable", 502, "no connection in time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all connections of a box have in common."""

    presented: Presented
    gate: Gate
    resolver: Resolver
    dialler: Dialler
    authority: Authority
    redactor: Redactor
    trusted: ssl.SSLContext
    settings: Settings
    scratch: bytearray


class Connection:
    """Deny by default: whatever is not explicitly let through ends here."""

    def __init__(self, shared: Shared, wire: Wire) -> None:
        self._shared, self._gate, self._settings = shared, shared.gate, shared.settings
        self._wire = wire
        self._task: asyncio.Task[None] | None = None
        self._using: set[Admitted] = set()
        """What this connection was admitted for and still uses."""
        self._splice: Splice | None = None
        self._is_idle = False
        """Unset by every byte, set by every look."""
        self._touched = 0.0
        self._ends_with_box = True
        """A box that sends no more has gone; in a tunnel it may still listen."""

    def use(self, task: asyncio.Task[None]) -> None:
        """The task that runs it."""
        self._task = task
        self._wire.gone.add_done_callback(self._on_gone)

    def look(self, now: float) -> None:
        """Now and then: cut what was stopped, and what nobody uses."""
        if not all(self._gate.lives(admitted) for admitted in self._using):
            self.cut("stopped")
            return
        if self._splice is not None and not self._splice.is_idle:
            self._splice.is_idle, self._is_idle = True, False
        if not self._is_idle:
            self._is_idle, self._touched = True, now
        elif now - self._touched > self._settings.idle_s:
            self.cut("idle")

    async def run(self) -> None:
        """Everything. Never raises but for its own cancellation."""
        try:
            await self._serve()
            if self._splice is None:
                await self._wire.finish(self._settings.grace_s)
        except (OSError, TimeoutError):
            self._wire.abort()
        except asyncio.CancelledError:
            self._wire.abort()
            if not self._wire.gone.done():
                raise
        except Exception:
            logger.exception("a connection of a box was cut")
            self._wire.abort()
        finally:
            self._wire.close()

    def _on_gone(self, _: asyncio.Future[None]) -> None:
        """Whoever sends no more may still be listening for a moment, to hear why not."""
        asyncio.get_running_loop().call_later(self._settings.grace_s, self._hang_up)

    def _hang_up(self) -> None:
        if self._ends_with_box and self._task is not None:
            self._task.cancel()

    def cut(self, why: str) -> None:
        """End it now."""
        if self._splice is not None:
            self._splice.cut(why)
        elif self._task is not None:
            self._task.cancel()

    async def _serve(self) -> None:
        asked = await self._asked()
        if isinstance(asked, Refusal):
            await self._refuse(Opening("", 0), asked)
            return
        opening = Opening(asked.host, asked.port)
        admitted = await self._gate.admit(self._shared.presented, opening)
        if isinstance(admitted, NotAdmitted):
            self._wire.write(denial(admitted.status, admitted.code, admitted.entry or "", admitted.why_public))
            return
        self._using.add(admitted)
        try:
            await self._admitted(opening, admitted)
        finally:
            self._using.discard(admitted)
            await self._gate.ended(admitted)

    async def _asked(self) -> Asked | Refusal:
        data = b""
        try:
            async with asyncio.timeout(self._settings.head_s):
                while True:
                    piece = await self._wire.read()
                    data += piece
                    length = length_of_head(data, MOST_CONNECT, len(data) - len(piece))
                    if isinstance(length, Refusal):
                        return length
                    if length is not None:
                        break
                    if not piece:
                        return Refusal("malformed_head", 400, "the connection ended within the head")
        except TimeoutError:
            return _SLOW
        self._wire.unread(data[length:])
        return connect_of(data[:length])

    async def _admitted(self, opening: Opening, admitted: Admitted) -> None:
        if admitted.rule.mode is EgressMode.TERMINATE:
            await self._terminate(opening, admitted)
        else:
            await self._tunnel(opening, admitted)

    async def _terminate(self, opening: Opening, admitted: Admitted) -> None:
        shared, settings = self._shared, self._settings
        self._wire.write(_ESTABLISHED)
        box = TlsWire(self._wire, shared.authority.context(opening.host))
        try:
            async with asyncio.timeout(settings.head_s):
                flight = await first_flight(self._wire, opening.host, sees_inside=True)
                if not isinstance(flight, Refusal):
                    await box.handshake(flight)
        except TimeoutError:
            flight = _SLOW_FLIGHT
        except ssl.SSLError as error:
            flight = Refusal("handshake", 403, f"the handshake with the box failed: {error.reason}")
        if isinstance(flight, Refusal):
            await self._refuse(opening, flight, inside=True)
            return
        upstream = Upstream(admitted.rule, shared.resolver, shared.dialler, shared.trusted, settings.connect_s)
        try:
            await Terminated(
                box,
                opening,
                upstream,
                presented=shared.presented,
                gate=self._gate,
                redactor=shared.redactor,
                settings=settings,
                using=self._using,
                touched=self._touch,
            ).run()
        finally:
            box.close()

    def _touch(self) -> None:
        self._is_idle = False

    async def _tunnel(self, opening: Opening, admitted: Admitted) -> None:
        outside = await self._dialled(opening, admitted)
        if isinstance(outside, Refusal):
            await self._refuse(opening, outside)
            return

        def moved(up: int, down: int) -> bool:
            try:
                return self._gate.moved(admitted, up, down)
            except Exception:  # the loop calls this: no frame of ours is further out
                logger.exception("a connection of a box was cut")
                return False

        with outside:
            self._wire.write(_ESTABLISHED)
            try:
                async with asyncio.timeout(self._settings.head_s):
                    refusal = await opened(self._wire, outside, opening.host, moved)
            except TimeoutError:
                refusal = _SLOW_FLIGHT
            if refusal is not None:
                await self._refuse(opening, refusal, inside=True)
                return
            self._ends_with_box = False
            self._splice = await spliced(self._wire, outside, moved, self._shared.scratch)
            await self._splice.run()

    async def _dialled(self, opening: Opening, admitted: Admitted) -> socket.socket | Refusal:
        try:
            async with asyncio.timeout(self._settings.connect_s):
                addresses = await addresses_for(self._shared.resolver, admitted.rule)
                if isinstance(addresses, Refusal):
                    return addresses
                if not self._gate.lives(admitted):
                    return Refusal("stopped", 403, "stopped before anything left")
                return await dialled(self._shared.dialler, addresses, opening.port)
        except TimeoutError:
            return _UNREACHABLE

    async def _refuse(self, opening: Opening, refusal: Refusal, *, inside: bool = False) -> None:
        """Record our own no and say it. `inside`: the tunnel is open, so only an alert can be said."""
        entry = await self._gate.refused(self._shared.presented, opening, refusal)
        self._wire.write(ALERT if inside else denial(refusal.status, refusal.code, entry))
        with suppress(OSError):
            await self._wire.drain()
