"""The gateway's side of a box: adopt its run, serve its listener, tell its supervisor what to do, record how it ended.

    supervisor                                     gateway
    {credential, binding}                    ->
                                             <-    {run, agent, profile, authority, port}
    {command, told} with the listener        ->    entry durable, listener served
                                             <-    {go: ENTRY}
                                             <-    {order: pause|run|kill, why}      whenever that changes
    {ended: {code, why, ...}}                ->    entry, run closed
                                             <-    {recorded: ENTRY}

Whichever end goes away takes the box with it: the supervisor ends the box when the line ends, and so does the gateway its run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from ringfence.app.boxes.listener import serve_inner
from ringfence.engine.boxes import Adopted, Boxes, Order
from ringfence.engine.connections import Connections
from ringfence.engine.runs import NotDone
from ringfence.errors import UnavailableError
from ringfence.ports.box_line import BoxLine

logger = logging.getLogger(__name__)

INNER_PORT: Final = 7410
"""Of the listener in each box."""
LOOK_S: Final = 0.2
"""How often it is looked whether a box has to be stopped."""
RENEW_S: Final = 60.0
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
    way_out: Callable[[Adopted], WayOut]
    plain: Callable[[Adopted], asyncio.Protocol]
    """The data plane, for one connection of a box."""

    async def keep(self, channel: BoxLine) -> None:
        """One box, from the supervisor's first word to its end. Raises UnavailableError."""
        hello = await channel.receive() or {}
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
        entry = await self.boxes.started(adopted, command, told if isinstance(told, dict) else {})  # pyright: ignore[reportUnknownArgumentType]
        descriptor = channel.descriptor()
        served = await serve_inner(descriptor, way_out.serve, lambda: self.plain(adopted)) if descriptor is not None else None
        ended: dict[str, Any] = {"why": "its supervisor went away"}
        try:
            await channel.send({"go": entry})
            ended = await self._until_ended(channel, adopted) or ended
        finally:
            if served is not None:
                served.close()
            self.connections.close_run(adopted.run, "its box has ended")
            await way_out.close()
            recorded = await self.boxes.ended(adopted, ended)
        with suppress(UnavailableError):
            await channel.send({"recorded": recorded})

    async def _until_ended(self, channel: BoxLine, adopted: Adopted) -> dict[str, Any] | None:
        heard = asyncio.ensure_future(channel.receive())
        last, renewed = Order.RUN, asyncio.get_running_loop().time()
        try:
            while True:
                await asyncio.wait({heard}, timeout=LOOK_S)
                if heard.done():
                    message = heard.result()
                    ended = message.get("ended") if message is not None else None
                    return ended if isinstance(ended, dict) else None  # pyright: ignore[reportUnknownVariableType]
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


def machine_bundle() -> str:
    """The authorities that this machine trusts, as PEM; empty where it has none."""
    named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    for place in (named, *BUNDLES):
        if place and (path := Path(place)).is_file():
            return path.read_text("utf-8", "replace")
    return ""
