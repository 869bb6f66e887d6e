"""Wires the boxes of servers: the sandbox of the gateway's machine, the engine's book, the proxy of each box."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ringfence.adapters.pep.egress.authority import trusting
from ringfence.adapters.sandbox.bubblewrap.sandbox import BubblewrapSandbox
from ringfence.app.boxes.keeping import WayOut
from ringfence.app.boxes.servers import BoxedServer, NoBook, Supervising
from ringfence.app.boxes.showing import Showing
from ringfence.app.config.settings import ServerBox, ServerConnection
from ringfence.app.gateway import Gateway
from ringfence.app.wiring.boxes import ProxiedWayOut
from ringfence.app.wiring.sandbox import runtime_folder
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.boxes.boxes import Adopted
from ringfence.engine.boxes.server_boxes import ServerProcess
from ringfence.errors import UnavailableError


class ServerBoxing:
    """Makes the boxes of all servers of one process. Nothing of it is there before the first."""

    def __init__(self, state: Path | None = None) -> None:
        """`state` is hidden from every box; None: no gateway runs here, and no box has a way out."""
        self._hidden = (str(state.absolute()),) if state is not None else ()
        self._folder = runtime_folder()
        self._sandbox: BubblewrapSandbox | None = None
        self._supervising: Supervising | None = None
        self._way_out: Callable[[ServerProcess], WayOut] = _nowhere
        self._gateway: Gateway | None = None

    def use(self, gateway: Gateway, redactor: Redactor) -> None:
        """The engine that its boxes are recorded by, and whose rules they reach others by."""
        trusted = trusting()

        def way_out(process: ServerProcess) -> WayOut:
            if process.presented is None or process.run is None:
                return _nowhere(process)
            adopted = Adopted(
                run=process.run, agent=process.agent, profile=None, presented=process.presented, reach=process.reach
            )
            return ProxiedWayOut(adopted, gateway.connections, redactor, trusted)

        self._gateway, self._way_out = gateway, way_out

    def of(self, connection: ServerConnection, box: ServerBox) -> BoxedServer:
        """The boxes of one server."""
        asked = Showing(
            command=connection.command,
            folder=os.path.normpath(connection.cwd or "/"),
            starts_there=box.shows_cwd,
            shows=box.profile.shows,
            writable=box.writable,
            hidden=(*self._hidden, str(self._folder), *box.hidden),
            by_others=os.geteuid() == 0 and not box.writable,
        )
        way_out = box.way_out and bool(self._hidden)
        return BoxedServer(connection.id, box.profile, asked, self._ready, way_out=way_out)

    async def sweep(self) -> None:
        """Remove what boxes of a gateway left over that was killed."""
        await self._made().sweep()

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()

    def _ready(self) -> Supervising:
        if self._supervising is None:
            book = self._gateway.server_boxes if self._gateway is not None else NoBook()
            if self._gateway is None and self._hidden:
                raise UnavailableError("the gateway is not ready yet")
            self._supervising = Supervising(sandbox=self._made(), book=book, way_out=self._way_out)
        return self._supervising

    def _made(self) -> BubblewrapSandbox:
        if self._sandbox is None:
            self._sandbox = BubblewrapSandbox(folder=self._folder, hidden=[Path(path) for path in self._hidden])
        return self._sandbox


def _nowhere(process: ServerProcess) -> WayOut:
    raise UnavailableError(f"the box of server {process.server} has no way out here")
