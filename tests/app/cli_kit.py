"""A control plane on a real unix socket in a thread, and the command line against it."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.app.control_kit import Desk, add
from typer.testing import CliRunner

from ringfence.app.cli.root import app
from ringfence.app.control.server import ControlServer, listen_unix
from ringfence.core.model.operator import Role
from ringfence.testing.world import World

T = TypeVar("T")


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def ringfence(*arguments: str, home: Path, given: str = "", **environment: str) -> Said:
    """Run one command in this process."""
    clean = {
        "HOME": str(home),
        "RINGFENCE_STATE": "",
        "RINGFENCE_OPERATOR_CREDENTIAL": "",
        "XDG_CONFIG_HOME": "",
        **environment,
    }
    result = CliRunner().invoke(app, list(arguments), input=given, env=clean)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


class Office:
    """A running control plane whose peer is admin `ada`, the local user; `bo` is an approver with a credential."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.credentials: dict[str, str] = {}
        self.world, self._server = self.run(self._open())

    async def _open(self) -> tuple[World, ControlServer]:
        desk = await Desk.open(people=False)
        self.credentials["ada"] = (await add(desk.world, "ada", Role.ADMIN, uid=os.getuid()))[1]
        self.credentials["bo"] = (await add(desk.world, "bo", Role.APPROVER))[1]
        self.credentials["vi"] = (await add(desk.world, "vi", Role.VIEWER))[1]
        server = ControlServer(desk.app, listen_unix(self.folder / "control.sock"))
        await server.start()
        return desk.world, server

    def run(self, coming: Coroutine[Any, Any, T]) -> T:
        """Await something on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coming, self.loop).result(30)

    def __call__(self, *arguments: str, by: str | None = None, given: str = "") -> Said:
        """One command against this control plane, as the local user or with an operator's credential."""
        environment = {"RINGFENCE_OPERATOR_CREDENTIAL": self.credentials[by]} if by else {}
        return ringfence(*arguments, "--state", str(self.folder), home=self.folder, given=given, **environment)

    def close(self) -> None:
        self.run(self._server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@contextmanager
def short_folder() -> Generator[Path]:
    """A folder with a short name: the path of a unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rf") as name:
        yield Path(name)


@contextmanager
def office() -> Generator[Office]:
    with short_folder() as folder:
        opened = Office(folder)
        try:
            yield opened
        finally:
            opened.close()
