"""The driver: some connections, each sending its next call when the last one was answered. Every answer is looked at."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from bench.requests import FIRST, LAST, Template, echo_of, initialize, initialized
from bench.targets import Client
from ringfence.adapters.wire.mcp import SESSION_HEADER, Era

PATIENCE_S = 30.0
"""An answer that takes longer is a fault."""


class BenchFault(Exception):
    """The measurement means nothing, and why."""


@dataclass(slots=True)
class Window:
    """What was measured while some connections called as fast as they were answered."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    """Of whatever was watched meanwhile."""
    latencies_s: list[float] = field(default_factory=list[float])

    @property
    def calls(self) -> int:
        return len(self.latencies_s)


class _Connection(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._end = -1
        self._answered: asyncio.Future[bytes] | None = None
        self._template: Template | None = None
        self._number = 0
        self._sent_at = 0.0
        self._until = 0.0
        self._latencies: list[float] = []
        self._done: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the connection was closed")

    async def ask(self, request: bytes) -> bytes:
        """Send one request; the whole response."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise BenchFault("the connection was closed")
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def repeat(self, template: Template, first: int, until: float) -> "asyncio.Future[None]":
        """Send numbered requests one after the other until a time; done when the last is answered."""
        self._template, self._number, self._until, self._latencies = template, first, until, []
        self._done = asyncio.get_running_loop().create_future()
        self._next()
        return self._done

    @property
    def latencies_s(self) -> list[float]:
        return self._latencies

    @property
    def number(self) -> int:
        return self._number

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _next(self) -> None:
        assert self._transport is not None
        assert self._template is not None
        if self._transport.is_closing():
            self._fail("the connection was closed")
            return
        request = self._template.numbered(self._number)
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        if self._end < 0:
            self._end = whole_length(buffer)
        if self._end < 0 or len(buffer) < self._end:
            return
        self._buffer, self._end = b"", -1
        if self._answered is not None:
            waiting, self._answered = self._answered, None
            waiting.set_result(buffer)
        elif self._done is not None:
            self._take(buffer)

    def _take(self, response: bytes) -> None:
        now = time.perf_counter()
        if not is_right(response, self._number):
            self._fail(f"a wrong answer: {response[:1500]!r}")
            return
        self._latencies.append(now - self._sent_at)
        self._number += 1
        if now < self._until:
            self._next()
        elif self._done is not None:
            done, self._done = self._done, None
            done.set_result(None)

    def _fail(self, why: str) -> None:
        for waiting in (self._answered, self._done):
            if waiting is not None and not waiting.done():
                waiting.set_exception(BenchFault(why))


def whole_length(buffer: bytes) -> int:
    """Length of the HTTP response at the start of a buffer; negative where its end is not known yet."""
    at = buffer.find(b"\r\n\r\n")
    if at < 0:
        return -1
    names = buffer[:at].lower()
    start = names.find(b"\r\ncontent-length:")
    if start >= 0:
        end = names.find(b"\r\n", start + 2)
        return at + 4 + int(names[start + 17 : end if end >= 0 else None])
    if names.find(b"\r\ntransfer-encoding: chunked") >= 0:
        return len(buffer) if buffer.endswith(b"\r\n0\r\n\r\n") else -1
    return at + 4


def is_right(response: bytes, number: int) -> bool:
    """Whether a response is the tool's result of this very request."""
    return (
        response.startswith(b"HTTP/1.1 200 ")
        and echo_of(number) in response
        and b'"isError":true' not in response
        and b'"isError": true' not in response
    )


@dataclass(slots=True)
class _Numbers:
    """No run ever sends the same number twice: it would be told that it repeats itself."""

    first: int = FIRST

    def used(self, numbers: Iterable[int]) -> None:
        """These are the next ones of each connection. Raises: BenchFault where there are none left of this width."""
        self.first = max(self.first, *numbers)
        if self.first > LAST:
            raise BenchFault("more calls than there are numbers")


_numbers = _Numbers()


def _nothing() -> float:
    return 0.0


async def measure(
    clients: Sequence[Client], seconds: float, warm_s: float = 0.0, watch: Callable[[], float] = _nothing
) -> Window:
    """One window over a fresh connection for each client, after `warm_s` that do not count. Raises: BenchFault.

    `watch` tells the CPU seconds that something has used so far.
    """
    connections: list[_Connection] = []
    try:
        async with asyncio.timeout(PATIENCE_S + seconds + warm_s):
            ready = [await _opened(client, connections) for client in clients]
            if warm_s:
                await _all(ready, _numbers.first, warm_s)
                _numbers.used(connection.number for connection, _ in ready)
            used, began = watch(), time.perf_counter()
            await _all(ready, _numbers.first, seconds)
            window = Window(time.perf_counter() - began, watch() - used)
            for connection, _ in ready:
                window.latencies_s += connection.latencies_s
            _numbers.used(connection.number for connection, _ in ready)
            return window
    except TimeoutError:
        raise BenchFault("an answer did not come") from None
    except OSError as error:
        raise BenchFault(f"no connection: {error}") from error
    finally:
        for connection in connections:
            connection.close()


async def _opened(client: Client, connections: list[_Connection]) -> tuple[_Connection, Template]:
    host, port = client.host.rsplit(":", 1)
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, int(port))
    connections.append(connection)
    session = None
    if client.era is Era.LEGACY and client.opens_session:
        greeting = await connection.ask(initialize(client.host, client.path, client.headers))
        session = _session_in(greeting)
        await connection.ask(initialized(client.host, client.path, client.headers, session))
    return connection, client.template(session)


def _session_in(response: bytes) -> str | None:
    for line in response.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower().decode() == SESSION_HEADER:
            return value.strip().decode()
    return None


async def _all(ready: Sequence[tuple[_Connection, Template]], first: int, seconds: float) -> None:
    until = time.perf_counter() + seconds
    await asyncio.gather(*(connection.repeat(template, first, until) for connection, template in ready))
