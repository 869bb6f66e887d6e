"""The gateway's side of a box: adopt its run, serve its listener, tell its supervisor what to do, record how it ended.

    supervisor                                     gateway
    {credential, binding}                    ->
                                             <-    {run, agent, profile, authority, port}
    {command, told} with the listener        ->    entry durable, listener served
                                             <-    {go: ENTRY}
                                             <-    {order: pause|run|kill, why}      whenever that changes
    (what it has committed: handing.py)
    {ended: {code, why, ...}}                ->    entry, run closed, unless its result waits for a person
                                             <-    {recorded: ENTRY}

    {again: RUN}                             ->    what waited is handed over after all

Whichever end goes away takes the box with it: the supervisor ends the box when the line ends, and so does the gateway its run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

import msgspec

from ringfence.app.boxes.exporting import Exporting
from ringfence.app.boxes.listener import serve_inner
from ringfence.core.model.identifiers import RunId, TicketId
from ringfence.engine.boxes.boxes import Adopted, Boxes, Order
from ringfence.engine.boxes.connections import Connections
from ringfence.engine.boxes.exports import Exports
from ringfence.engine.runs.runs import NotDone
from ringfence.errors import UnavailableError
from ringfence.ports.box_line import BoxLine

logger = logging.getLogger(__name__)

INNER_PORT: Final = 7410
"""Of the listener in each box."""
LOOK_S: Final = 0.2
"""How often it is looked whether a box has to be stopped."""
RENEW_S: Final = 60.0
LINGER_S: Final = 5.0
"""How often it is looked whether a result still waits when nobody does."""
BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class WayOut(Protocol):
    """The egress proxy of one box."""

    @property
    def pem(self) -> str:
        """The certificate of the run's own authority."""
        ...

    def serve(self, transport: asyncio.Transport, first: bytes) -> None:
        """Take over a connection with the bytes that were already read of it."""
        ...

    async def close(self) -> None:
        """Cut every connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxKeeper:
    """Serves the lines of all supervisors."""

    boxes: Boxes
    connections: Connections
    exports: Exports
    way_out: Callable[[Adopted], WayOut]
    plain: Callable[[Adopted], asyncio.Protocol]
    """The data plane, for one connection of a box."""
    lingering: dict[RunId, _Lingering] = field(default_factory=dict[RunId, "_Lingering"])
    """Runs whose boxes have ended and whose results wait. Forgotten with the process: the run then expires."""

    async def keep(self, channel: BoxLine) -> None:
        """One box, from the supervisor's first word to its end. Raises UnavailableError."""
        hello = await channel.receive() or {}
        if "again" in hello:
            await self._again(channel, RunId(str(hello["again"])))
            return
        adopted = await self.boxes.adopt(str(hello.get("credential", "")), str(hello.get("binding", "")))
        if isinstance(adopted, NotDone):
            await channel.send({"refused": adopted.why, "remedy": adopted.remedy})
            return
        way_out = self.way_out(adopted)
        await channel.send(
            {
                "run": adopted.run,
                "agent": adopted.agent,
                "profile": msgspec.to_builtins(adopted.profile) if adopted.profile is not None else None,
                "authority": way_out.pem,
                "bundle": machine_bundle(),
                "port": INNER_PORT,
            }
        )
        made = await channel.receive()
        if made is None:
            await self.boxes.ended(adopted, {"why": "its supervisor went away before it was made"})
            return
        command = [str(part) for part in made.get("command", [])]
        told = made.get("told")
        entry = await self.boxes.started(adopted, command, cast("dict[str, Any]", told) if isinstance(told, dict) else {})
        descriptor = channel.descriptor()
        served = await serve_inner(descriptor, way_out.serve, lambda: self.plain(adopted)) if descriptor is not None else None
        ended: dict[str, Any] = {"why": "its supervisor went away"}
        exporting = Exporting(self.exports, channel, adopted)
        try:
            await channel.send({"go": entry})
            ended = await self._until_ended(channel, adopted, exporting) or ended
        finally:
            await exporting.close()
            if served is not None:
                served.close()
            self.connections.close_run(adopted.run, "its box has ended")
            await way_out.close()
            recorded = await self.boxes.ended(adopted, ended, stays=exporting.left_behind is not None)
        with suppress(UnavailableError):
            await channel.send({"recorded": recorded})
        if exporting.left_behind is not None:
            await self._linger(adopted, exporting.left_behind.id)

    async def _linger(self, adopted: Adopted, ticket: TicketId) -> None:
        """Keep a run open for its result, until somebody has fetched it or nobody can any more."""
        waiting = self.lingering[adopted.run] = _Lingering(adopted)
        renewed = asyncio.get_running_loop().time()
        why = "the gateway is stopping"
        try:
            while not waiting.done.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LINGER_S):
                        await waiting.done.wait()
                if waiting.is_taken or waiting.done.is_set():
                    continue
                if not await self.boxes.waits(ticket) or (await self.boxes.order(adopted))[0] is Order.KILL:
                    why = "its result waits no more"
                    break
                if (now := asyncio.get_running_loop().time()) - renewed >= RENEW_S:
                    renewed = now
                    await self.boxes.renew(adopted)
            else:
                why = "its result has left"
        finally:
            del self.lingering[adopted.run]
            await self.boxes.close(adopted, why)

    async def _again(self, channel: BoxLine, run: RunId) -> None:
        """A supervisor comes back for what waits."""
        waiting = self.lingering.get(run)
        if waiting is None or waiting.is_taken:
            why = f"no result of run {run} waits" if waiting is None else f"the result of run {run} is on its way already"
            await channel.send({"refused": why, "remedy": "run the command again"})
            return
        waiting.is_taken = True
        exporting = Exporting(self.exports, channel, waiting.adopted)
        try:
            await channel.send({"run": run, "agent": waiting.adopted.agent})
            await self._until_ended(channel, waiting.adopted, exporting)
        finally:
            await exporting.close()
            waiting.is_taken = False
            if exporting.left_behind is None and exporting.has_ended:
                waiting.done.set()

    async def _until_ended(self, channel: BoxLine, adopted: Adopted, exporting: Exporting) -> dict[str, Any] | None:
        heard = asyncio.ensure_future(channel.receive())
        last, renewed = Order.RUN, asyncio.get_running_loop().time()
        try:
            while True:
                await asyncio.wait({heard}, timeout=LOOK_S)
                if heard.done():
                    message = heard.result()
                    if message is not None and await exporting.heard(message):
                        heard = asyncio.ensure_future(channel.receive())
                        continue
                    ended = message.get("ended") if message is not None else None
                    return cast("dict[str, Any]", ended) if isinstance(ended, dict) else None
                order, why = await self.boxes.order(adopted)
                if order is not last:
                    last = order
                    await channel.send({"order": order.value, "why": why})
                if (now := asyncio.get_running_loop().time()) - renewed >= RENEW_S:
                    renewed = now
                    await self.boxes.renew(adopted)
        finally:
            heard.cancel()
            await asyncio.gather(heard, return_exceptions=True)


@dataclass(slots=True, eq=False)
class _Lingering:
    """A run that is open for its result alone."""

    adopted: Adopted
    done: asyncio.Event = field(default_factory=asyncio.Event)
    is_taken: bool = False


def machine_bundle() -> str:
    """The authorities that this machine trusts, as PEM; empty where it has none."""
    named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    for place in (named, *BUNDLES):
        if place and (path := Path(place)).is_file():
            return path.read_text("utf-8", "replace")
    return ""
