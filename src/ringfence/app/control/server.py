"""Serving the control plane: a unix socket that tells who its peer is, and TCP where it was asked for."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ringfence.errors import UnavailableError

HEADERS_S = 10.0
"""How long a connection may take to say what it wants."""
HEADERS_BYTES = 128 * 1024
"""Of everything that is no body, in a row: the parser keeps a line until it ends, whoever sends it."""
MOST_CONNECTIONS = 1000
_BACKLOG = 1024
_UCRED = struct.Struct("iII")
"""`struct ucred` of Linux: pid, uid, gid (unix(7), SO_PEERCRED)."""
_NOBODY_KNOWN = 2**32 - 1


def peer_uid(sock: Any) -> int | None:
    """The user at the other end of a connected unix socket, as the kernel recorded it; None for any other socket."""
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    try:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    except OSError:
        return None
    uid = int(_UCRED.unpack(credentials)[1])
    return uid if uid != _NOBODY_KNOWN else None


class ControlProtocol(HttpToolsProtocol):
    """HTTP that puts the listener's kind and the peer's user into each scope, and bounds how long and how large headers are."""

    _told: dict[str, Any]
    _deadline: asyncio.TimerHandle | None = None
    _around = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        unix = sock is not None and sock.family == socket.AF_UNIX
        self._told = {"unix": unix, "peer_uid": peer_uid(sock)}
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        self._around += len(data)
        super().data_received(data)
        if self._around > HEADERS_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()
        self.scope["extensions"] = {"ringfence": self._told}  # pyright: ignore[reportGeneralTypeIssues]

    def on_headers_complete(self) -> None:
        self._forget_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._around = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._around = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        """Also of the second request of a connection and of every later one."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_S, self.transport.close)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """A server that leaves signals to the application: several run in one loop."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class ControlServer:
    """One listener of the control plane.

    server = ControlServer(app, listen_unix(path)); await server.start(); ...; await server.stop()
    """

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        self._socket = listening
        self._server = _Server(
            uvicorn.Config(
                app,
                http=ControlProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                # uvicorn trusts X-Forwarded-For from loopback otherwise, and everybody here is on loopback.
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=5,
            )
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Of a TCP listener."""
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Return when connections are accepted. They queue in the socket from its `listen` on, so nothing is lost before."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise UnavailableError("the control plane's listener ended at its start")
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Let open requests end, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def listen_unix(path: Path, mode: int = 0o600) -> socket.socket:
    """A listening unix socket at `path`, reachable for `mode` only from its first moment on.

    A socket left behind by a dead process is removed; whoever calls this holds the lock of the state directory.
    Raises: UnavailableError.
    """
    try:
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    except FileNotFoundError:
        pass
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~mode)
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise UnavailableError(f"cannot listen on {path}: {error}") from error
    finally:
        os.umask(before)
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening


def listen_tcp(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises: UnavailableError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UnavailableError(f"cannot listen on {host}:{port}: {error}", remedy="choose another --control-port") from error
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening
