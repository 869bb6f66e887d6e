"""The kept connections to one model API: reused while they are fresh, bounded in number."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from ringfence.adapters.web.connection import Connection
from ringfence.adapters.web.kept import Kept
from ringfence.errors import UnavailableError


class Connections:
    """Used from one event loop. A connection is either idle here, or in the hands of one exchange."""

    def __init__(self, url: str, *, most: int, connect_s: float, keepalive_s: float, silence_s: float) -> None:
        """`url` has been checked."""
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        usual = 443 if is_tls else 80
        host = parts.hostname or ""
        self._host = host if host.isascii() else host.encode("idna").decode("ascii")
        self._port = parts.port or usual
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.authority = shown if self._port == usual else f"{shown}:{self._port}"
        """The value of `Host`."""
        self._is_tls = is_tls
        self._tls: ssl.SSLContext | None = None
        self._most = most
        self._connect_s = connect_s
        self._silence_s = silence_s
        self._kept = Kept(keepalive_s)
        self._all: set[Connection] = set()
        self._opening = 0
        self._is_closed = False

    async def take(self) -> Connection:
        """One that is open. Raises OSError (a TimeoutError is one), UnavailableError: nothing was sent."""
        if (connection := self._kept.take()) is not None:
            return connection
        if self._is_closed:
            raise UnavailableError("it is closed")
        if len(self._all) + self._opening >= self._most:
            raise UnavailableError(f"more than {self._most} requests are under way")
        return await self._open()

    def give_back(self, connection: Connection) -> None:
        """The exchange is over. What cannot carry another is dropped."""
        self._kept.give_back(connection)

    def close(self) -> None:
        """Nothing is opened any more; what is there is dropped, exchanges under way included."""
        self._is_closed = True
        self._kept.close()
        for connection in list(self._all):
            connection.close()

    async def _open(self) -> Connection:
        if self._is_tls and self._tls is None:
            self._tls = ssl.create_default_context()
        self._opening += 1
        try:
            async with asyncio.timeout(self._connect_s):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self._all.discard, self._silence_s),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls is not None else None,
                )
        finally:
            self._opening -= 1
        if not connection.is_open:
            raise ConnectionResetError("it was closed at once")
        self._all.add(connection)
        if self._is_closed:
            connection.close()
            raise UnavailableError("it is closed")
        return connection
