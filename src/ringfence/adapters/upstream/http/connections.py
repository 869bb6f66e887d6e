"""The kept connections to one server: reused while they are fresh, bounded in number, waited for in order."""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping

from ringfence.adapters.upstream.http.url import Place
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.web.connection import Connection
from ringfence.adapters.web.kept import Kept
from ringfence.errors import RequestError, UnavailableError


class NoConnectionError(OSError):
    """A connection could not be opened."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(type(reason).__name__)
        self.reason = reason


class Connections:
    """Used from one event loop. A connection is either idle here, or in the hands of one exchange."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._place = Place.of(options.url)
        self._tls: ssl.SSLContext | None = None
        own = "".join(f"{name}: {value}\r\n" for name, value in options.headers.items())
        self._start = f"POST {self._place.target} HTTP/1.1\r\nhost: {self._place.authority}\r\n{own}"
        self._kept = Kept(options.keepalive_s)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._count = 0
        """Those that are open or being opened."""
        self._all: set[Connection] = set()
        self._closed = False

    def head(self, headers: Mapping[str, str], length: int, secret: str = "") -> bytes:
        """The head of one POST; `secret` is whole lines. Raises RequestError where a header cannot be written on one line."""
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
            raise RequestError("a header cannot be written")
        return f"{self._start}{secret}{lines}content-length: {length}\r\n\r\n".encode()

    def idle(self) -> Connection | None:
        """A kept connection that is still fresh, if there is one and nobody waits for it already."""
        return None if self._waiting else self._kept.take()

    async def take(self) -> Connection:
        """A connection, opened where none is idle. Raises NoConnectionError, UnavailableError."""
        is_next = not self._waiting
        while not self._closed:
            if is_next:
                if (connection := self._kept.take()) is not None:
                    return connection
                if self._count < self._options.max_connections:
                    return await self._open()
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
                is_next = True
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
        raise UnavailableError("the upstream is closed")

    async def _open(self) -> Connection:
        self._count += 1
        place, loop = self._place, asyncio.get_running_loop()
        opened = False
        if place.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            async with asyncio.timeout(self._options.connect_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._lost),
                    place.host,
                    place.port,
                    ssl=self._tls,
                    server_hostname=place.host if self._tls is not None else None,
                )
            opened = True
            self._all.add(connection)
            return connection
        except OSError as error:
            # A TimeoutError is one too.
            raise NoConnectionError(error) from error
        finally:
            if not opened:
                self._count -= 1
                self._wake_one()

    def give_back(self, connection: Connection) -> None:
        """The exchange is over. What cannot carry another is dropped."""
        if self._kept.give_back(connection) and self._waiting:
            self._wake_one()

    def _lost(self, connection: Connection) -> None:
        if connection in self._all:
            self._all.remove(connection)
            self._count -= 1
            self._wake_one()

    def _wake_one(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def close(self) -> None:
        """Nothing is opened any more; what is idle is closed, what is in use when it comes back."""
        self._closed = True
        self._kept.close()
        while self._waiting:
            self._wake_one()
