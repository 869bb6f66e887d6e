"""A model API over HTTP: the client's bytes out, with the upstream's credential in the place of the client's; bytes back.

Nothing is decompressed, so that what is metered is what the client reads; nothing is followed, so that the credential goes
where the operator said; nothing is sent twice, since nobody can know whether the first one was billed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from ringfence.adapters.models.connections import Connections
from ringfence.adapters.web.connection import Connection
from ringfence.errors import ConfigError, RequestError, UnavailableError
from ringfence.ports.model_upstream import Lost, ModelAnswer, ModelPost, Unsent
from ringfence.ports.secrets import LateValues

REFUSED: Final = 401
_GONE: Final = (OSError, TimeoutError, RequestError)
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How one model API is reached."""

    url: str
    """The base URL, as SDKs take it: without `/v1`."""
    headers: LateValues | None = field(default=None, repr=False)
    """Those of the operator's, the credential among them: looked up with each request."""
    connect_s: float = 10.0
    silence_s: float = 300.0
    """How long nothing may come, before an answer begins and within one. Models that think send pings."""
    connections: int = 4096
    keepalive_s: float = 4.0
    """Less than what common servers keep (5 s), so that a kept connection is rarely closed under a request."""


def check_model_options(options: ModelOptions) -> None:
    """Raises ConfigError."""
    try:
        url = urlsplit(options.url)
        _ = url.port
    except ValueError as error:
        raise ConfigError("the URL cannot be read") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ConfigError("the URL is not http or https with a host")
    if url.username is not None or url.password is not None or url.fragment or url.query:
        raise ConfigError("the URL must not carry a login, a query or a fragment")


class HttpModel:
    """Use inside one running loop, and close it. Implements `ports.model_upstream.ModelUpstream`."""

    def __init__(self, options: ModelOptions) -> None:
        check_model_options(options)
        self._options = options
        self._base = quote(urlsplit(options.url).path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
        self._connections = Connections(
            options.url,
            most=options.connections,
            connect_s=options.connect_s,
            keepalive_s=options.keepalive_s,
            silence_s=options.silence_s,
        )

    async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> ModelAnswer | Unsent | Lost:
        try:
            own = await self._own()
            head = self._head(post, own)
        except UnavailableError as error:
            return Unsent(f"the upstream's credential cannot be had: {error}")
        except RequestError as error:
            return Unsent(str(error))
        try:
            connection = await self._connections.take()
        except UnavailableError as error:
            return Unsent(str(error))
        except OSError as error:
            return Unsent(f"it cannot be reached: {type(error).__name__}")
        # From here to the first byte nothing is waited for: no stop comes in between (I6).
        if not may_send():
            self._connections.give_back(connection)
            return Unsent("it was stopped before anything left")
        try:
            _write(connection, head, post.body)
            await connection.head()
        except _GONE as error:
            connection.close()
            return Lost(f"no answer came: {type(error).__name__}")
        except asyncio.CancelledError:
            connection.close()
            raise
        if connection.status == REFUSED and self._options.headers is not None:
            self._options.headers.doubt()
        return _Answer(connection, self._connections)

    async def close(self) -> None:
        self._connections.close()

    async def _own(self) -> dict[str, str]:
        values = self._options.headers
        if values is None:
            return {}
        found = values.fresh()
        return {name.lower(): value for name, value in (found if found is not None else await values.read()).items()}

    def _head(self, post: ModelPost, own: Mapping[str, str]) -> bytes:
        """Raises RequestError where a header or the target cannot be written on one line."""
        lines = {"host": self._connections.authority}
        lines |= {name: value for name, value in post.headers if name not in own and name not in _OURS}
        lines |= {**own, "accept-encoding": "identity"}
        if post.body or post.method != "GET":
            lines["content-length"] = str(len(post.body))
        head = "".join([f"{name}: {value}\r\n" for name, value in lines.items()])
        target = f"{self._base}{post.target}"
        is_line = target.isascii() and target.isprintable() and " " not in target
        if not is_line or head.count("\n") != len(lines) or head.count("\r") != len(lines) or "\0" in head:
            raise RequestError("a header or the target cannot be written")
        try:
            return f"{post.method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
        except UnicodeEncodeError:
            raise RequestError("a header or the target cannot be written") from None


class _Answer:
    """Implements `ports.model_upstream.ModelAnswer`."""

    def __init__(self, connection: Connection, connections: Connections) -> None:
        self._connection: Connection | None = connection
        self._connections = connections
        self._read = connection.read
        self.status = connection.status
        self.headers: Mapping[str, str] = _joined(connection.lines)

    async def read(self) -> bytes:
        try:
            return await self._read()
        except _GONE as error:
            raise UnavailableError(f"the answer broke off: {type(error).__name__}") from None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._connections.give_back(connection)


def _write(connection: Connection, head: bytes, body: bytes) -> None:
    transport = connection.begin()
    if transport is None:
        raise ConnectionResetError("the connection is lost")
    transport.writelines([head, body])


def _joined(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; lines of one name joined by a comma (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for name, value in lines:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
