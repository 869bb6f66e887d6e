"""Servers in boxes: the gateway is their supervisor.

start    adopt the run ▸ box made, its way out served ▸ entry durable ▸ (the adapter lets it go)
meanwhile  a kill of the server, or of the run that it serves, ends the box
end      way out closed, box removed, entry
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final, Protocol, cast

from ringfence.app.boxes.keeping import INNER_PORT, WayOut, machine_bundle
from ringfence.app.boxes.listener import serve_inner
from ringfence.app.boxes.showing import Showing, Shown, showing
from ringfence.core.model.box import BoxProfile, Layer
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.stop import Reach
from ringfence.core.rules import server_agent
from ringfence.engine.boxes.server_boxes import ServerProcess
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import Box, BoxEnd, BoxPlan, Left, Sandbox

logger = logging.getLogger(__name__)

LOOK_S: Final = 0.2
"""How often it is looked whether a process has to end."""
COMMAND_MOST: Final = 4000
_numbers = count(1)


class NoDataPlane(asyncio.Protocol):
    """The box of a server is nobody's way to the gateway's tools."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        del data
        self._transport.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self._transport.close()


class Book(Protocol):
    """In whose name a process reaches others, and what the log has of it."""

    async def adopt(self, server: ServerId, principal: str, *, way_out: bool) -> ServerProcess: ...

    async def started(self, process: ServerProcess, told: Mapping[str, Any]) -> None: ...

    async def ended(self, process: ServerProcess, told: Mapping[str, Any]) -> None: ...

    def killed(self, process: ServerProcess) -> str: ...


class NoBook:
    """Where no gateway runs: a server is asked what it has, by whoever reads the answer. It has no way out."""

    async def adopt(self, server: ServerId, principal: str, *, way_out: bool) -> ServerProcess:
        del principal, way_out
        name = server_agent(server)
        return ServerProcess(server=server, agent=name, run=None, presented=None, reach=Reach(name, (), server, ToolId("")))

    async def started(self, process: ServerProcess, told: Mapping[str, Any]) -> None:
        del process, told

    async def ended(self, process: ServerProcess, told: Mapping[str, Any]) -> None:
        del process, told

    def killed(self, process: ServerProcess) -> str:
        del process
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervising:
    """What the boxes of all servers stand on."""

    sandbox: Sandbox
    book: Book
    way_out: Callable[[ServerProcess], WayOut]


class BoxedServer:
    """Implements `ringfence.ports.server_box.ServerBoxes` for one server."""

    def __init__(
        self, server: ServerId, profile: BoxProfile, asked: Showing, supervising: Callable[[], Supervising], *, way_out: bool
    ) -> None:
        self._server = server
        self._profile = profile
        self._asked = asked
        self._supervising = supervising
        self._way_out = way_out
        self._layers: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        return self._layers

    async def start(self, principal: str, environment: Mapping[str, str], stdio: tuple[int, int, int]) -> Box:
        on = self._supervising()
        shown = showing(self._asked, environment)
        process = await on.book.adopt(self._server, principal, way_out=self._way_out)
        if why := on.book.killed(process):
            raise UnavailableError(why)
        way_out = on.way_out(process) if process.presented is not None else None
        try:
            box = await on.sandbox.start(self._plan(shown, environment, stdio, way_out))
        except UnavailableError as error:
            raise UnavailableError(f"{error}: {error.remedy}" if error.remedy else str(error)) from error
        served = ServedBox(box, process, on.book, way_out)
        try:
            self._layers = tuple(sorted(layer.value for layer in box.layers))
            told = {"command": " ".join(self._asked.command)[:COMMAND_MOST], "profile": self._profile.name}
            told |= {"layers": list(self._layers), "shows": [*shown.shows], "writable": [*self._asked.writable]}
            await served.begin(told)
        except BaseException:
            await served.close()
            raise
        return served

    def _plan(
        self, shown: Shown, environment: Mapping[str, str], stdio: tuple[int, int, int], way_out: WayOut | None
    ) -> BoxPlan:
        name = re.sub(r"[^a-z0-9-]", "-", f"mcp-{self._server}-{os.getpid()}-{next(_numbers)}")
        return BoxPlan(
            name=name,
            command=shown.command,
            profile=replace(self._profile, shows=shown.shows),
            environment=environment,
            listener_port=INNER_PORT if way_out is not None else None,
            files={"ca.pem": f"{machine_bundle()}\n{way_out.pem}".encode()} if way_out is not None else {},
            stdio=stdio,
            writable=self._asked.writable,
        )


class ServedBox:
    """A box with its way out, its record and its watch: `ringfence.ports.sandbox.Box` for whoever talks to what is in it."""

    def __init__(self, box: Box, process: ServerProcess, book: Book, way_out: WayOut | None) -> None:
        self._box = box
        self._process = process
        self._book = book
        self._way_out = way_out
        self._inner: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._begun = False
        self._closed = False

    @property
    def pid(self) -> int:
        return self._box.pid

    @property
    def listener(self) -> int | None:
        """It is served already."""
        return None

    @property
    def layers(self) -> frozenset[Layer]:
        return self._box.layers

    @property
    def left(self) -> Left | None:
        return self._box.left

    async def begin(self, told: Mapping[str, Any]) -> None:
        """Record it and serve its way out. Raises UnavailableError."""
        await self._book.started(self._process, told)
        self._begun = True
        descriptor = self._box.listener
        if descriptor is not None and self._way_out is not None:
            self._inner = await serve_inner(descriptor, self._way_out.serve, NoDataPlane)
        self._watch = asyncio.ensure_future(self._kill_when_told())

    def release(self) -> None:
        self._box.release()

    async def wait(self) -> BoxEnd:
        return await self._box.wait()

    async def kill(self, why: str = "killed") -> None:
        await self._box.kill(why)

    async def pause(self) -> None:
        await self._box.pause()

    async def resume(self) -> None:
        await self._box.resume()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        if self._inner is not None:
            self._inner.close()
        if self._way_out is not None:
            await self._way_out.close()
        await self._box.kill("stopped")
        end = await self._box.wait()
        await self._box.close()
        if self._begun:
            with suppress(UnavailableError):  # what was sent to it has entries of its own
                await self._book.ended(self._process, {"code": end.code, **({"why": end.why} if end.why else {})})

    async def _kill_when_told(self) -> None:
        while True:
            if why := self._book.killed(self._process):
                break
            await asyncio.sleep(LOOK_S)
        logger.warning("a process of server %s is ended: %s", self._process.server, why)
        await self._box.kill(why)
