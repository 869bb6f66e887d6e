"""Raw clients of a streamed answer: they count what comes and look at nothing else, so that they are not what is measured."""

import json
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.driver import BenchFault

ASKED: Final = "bench"
"""The beta that tells the server what to answer: how many events, of how many bytes of text, at which distance in ms."""
AROUND: Final = 6
"""Events of each answer besides those that are asked for."""
PATIENCE_S: Final = 60.0
_READ: Final = 1 << 18
_END: Final = b"\r\n0\r\n\r\n"
_CONTENT: Final = b"content_block_delta"
_NUMBER: Final = "7654321"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is asked: itself, or the gateway with a run's credential."""

    host: str
    port: int
    path: str
    credential: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What one request asks for."""

    events: int
    text: int = 60
    """Bytes of each."""
    gap_ms: int = 0
    prompt: int = 4000
    """Bytes of the request, about."""


class Request:
    """One request encoded beforehand, with a place for a number: no two are the same."""

    def __init__(self, place: Place, wish: Wish) -> None:
        said = "The customer asks when the parcel arrives; the last scan was in the sorting centre. "
        turns = [
            {"role": role, "content": [{"type": "text", "text": said * 6}]}
            for role in ("user", "assistant") * (wish.prompt // 1000)
        ]
        body = json.dumps(
            {
                "model": "claude-haiku-4-5",
                "max_tokens": max(wish.events, 1),
                "stream": True,
                "system": [{"type": "text", "text": said, "cache_control": {"type": "ephemeral"}}],
                "tools": [{"name": "look", "description": said, "input_schema": {"type": "object", "properties": {}}}],
                "messages": [*turns, {"role": "user", "content": f"{_NUMBER} please"}],
            }
        )
        head = (
            f"POST {place.path}/v1/messages HTTP/1.1\r\nhost: {place.host}:{place.port}\r\nx-api-key: {place.credential}\r\n"
            f"content-type: application/json\r\naccept: text/event-stream\r\nanthropic-version: 2023-06-01\r\n"
            f"user-agent: bench/1\r\nanthropic-beta: {ASKED}-{wish.events}-{wish.text}-{wish.gap_ms}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        before, after = body.split(_NUMBER)
        self._before, self._after = (head + before).encode(), after.encode()
        self.size = len(body)
        self.events = wish.events + AROUND

    def numbered(self, number: int) -> bytes:
        return b"%b%07d%b" % (self._before, number, self._after)


class _Numbers:
    """Numbers of one width that are never used twice."""

    def __init__(self) -> None:
        self._last = 1_000_000

    def __call__(self) -> int:
        self._last += 1
        return self._last


numbers: Final = _Numbers()


class Stream:
    """One kept connection, with one answer at a time on it."""

    def __init__(self, place: Place, wish: Wish) -> None:
        self.request = Request(place, wish)
        self.socket = socket.create_connection((place.host, place.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.events = 0
        """Of the answer under way."""
        self.bytes = self.content = 0
        """Of all answers so far, and of their pieces with content."""
        self.is_over = True
        self.content_at = 0.0
        """When the last piece with content was taken from the socket."""
        self._last = b""

    def ask(self) -> None:
        self.events, self.is_over, self._last = 0, False, b""
        self.socket.setblocking(True)
        self.socket.sendall(self.request.numbered(numbers()))

    def take(self) -> bool:
        """What has come by now. False: the connection has ended. Raises: BenchFault, where it is not what was asked for."""
        try:
            data = self.socket.recv(_READ)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        if not data:
            return False
        if not self._last and not data.startswith(b"HTTP/1.1 200 "):
            raise BenchFault(f"no stream: {data[:600]!r}")
        self.bytes += len(data)
        if _CONTENT in data:
            self.content += len(data)
            self.content_at = time.perf_counter()
        split = self._last.endswith(b"\n") and data[:1] == b"\n"
        self.events += data.count(b"\n\n") + split
        self._last = (self._last + data)[-200:] if len(data) < 200 else data[-200:]
        self.is_over = self._last.endswith(_END)
        return True

    def check(self) -> None:
        """Raises: BenchFault where the whole answer is not what was asked for."""
        if self.events != self.request.events or b"message_stop" not in self._last:
            raise BenchFault(f"{self.events} events instead of {self.request.events}: {self._last!r}")

    def close(self) -> None:
        self.socket.close()


def whole(stream: Stream, meanwhile: Callable[[], None] = lambda: None) -> float:
    """One answer to its end; how many seconds its first event took. Raises: BenchFault."""
    stream.socket.settimeout(PATIENCE_S)
    began, first = time.perf_counter(), 0.0
    stream.ask()
    stream.socket.settimeout(PATIENCE_S)
    while not stream.is_over:
        if not stream.take():
            raise BenchFault("the connection was closed")
        if not first and stream.events:
            first = time.perf_counter() - began
        meanwhile()
    stream.check()
    return first


def for_a_while(
    streams: Sequence[Stream], seconds: float, settled_s: float, watch: Callable[[], float]
) -> tuple[int, float, float]:
    """Answer after answer on every connection: events that came, in how many seconds, and what `watch` rose by meanwhile.

    Counted from `settled_s` after the first requests. What is under way at the end is left to its end uncounted.
    Raises: BenchFault.
    """
    poll = select.epoll()
    known = {stream.socket.fileno(): stream for stream in streams}
    try:
        for number, stream in known.items():
            stream.ask()
            stream.socket.setblocking(False)
            poll.register(number, select.EPOLLIN)
        counted, under_way = 0, len(known)
        start = end = time.perf_counter() + settled_s
        used = watch()
        is_counting = is_over = False
        while under_way:
            ready = poll.poll(PATIENCE_S)
            if not ready:
                raise BenchFault("nothing came any more")
            now = time.perf_counter()
            if not is_counting and not is_over and now >= start:
                start, used, is_counting = now, watch(), True
            for number, _ in ready:
                stream = known[number]
                before = stream.events
                if not stream.take():
                    raise BenchFault("a connection was closed")
                counted += (stream.events - before) * is_counting
                if stream.is_over:
                    stream.check()
                    if is_over:
                        under_way -= 1
                    else:
                        stream.ask()
                        stream.socket.setblocking(False)
            if is_counting and time.perf_counter() - start >= seconds:
                is_counting, is_over, end, used = False, True, time.perf_counter(), watch() - used
        return counted, end - start, used
    finally:
        poll.close()
