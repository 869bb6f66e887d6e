"""The fourth measurement: many open answers, and one kill."""

import http.client
import json
import select
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from bench.driver import BenchFault
from bench.model.figures import Killed
from bench.model.gateway import Gateway
from bench.model.streams import PATIENCE_S, Place, Stream, Wish

DRIP_MS = 50
"""Between two events of one answer."""
BEGUN = 10
"""Events that each answer has given before the kill."""


class _OverUnix(http.client.HTTPConnection):
    """To the control plane, without a loop: what is looked at is the moment at which it answers."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


class _Crowd:
    """All clients, read as fast as they are given anything, and one more socket that is only watched."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._poll = select.epoll()
        self._watched = -1
        self.open: dict[int, Stream] = {}
        for stream in streams:
            stream.ask()
            stream.socket.setblocking(False)
            self.open[stream.socket.fileno()] = stream
            self._poll.register(stream.socket.fileno(), select.EPOLLIN)

    def watch(self, number: int) -> None:
        """Look at one more socket, of this number."""
        self._watched = number
        self._poll.register(number, select.EPOLLIN)

    def turn(self, seconds: float) -> bool:
        """Wait for anything, and take it. True: what is watched has something."""
        ready = [number for number, _ in self._poll.poll(seconds)]
        for number in ready:
            if number in self.open:
                self._take(number)
        return self._watched in ready

    def sweep(self) -> None:
        """Take what lies in every socket by now."""
        self._poll.unregister(self._watched)
        for number in list(self.open):
            self._take(number)

    def close(self) -> None:
        self._poll.close()

    def _take(self, number: int) -> None:
        stream = self.open[number]
        if not stream.take() or stream.is_over:
            self._poll.unregister(number)
            del self.open[number]


def kill(through: Place, run: str, gateway: Gateway, count: int) -> Killed:
    """So many answers of one run that drip, ended by one kill. Raises: BenchFault."""
    wish = Wish(1_000_000, gap_ms=DRIP_MS)
    with ExitStack() as held:
        control = held.enter_context(closing(_OverUnix(gateway.control)))
        streams = [held.enter_context(closing(Stream(through, wish))) for _ in range(count)]
        crowd = held.enter_context(closing(_Crowd(streams)))
        until = time.perf_counter() + PATIENCE_S
        while min(stream.events for stream in streams) < BEGUN:
            crowd.turn(1.0)
            if time.perf_counter() > until or len(crowd.open) < count:
                raise BenchFault(f"{count - len(crowd.open)} answers ended before the kill, or not every one began")
        headers = {"Authorization": f"Bearer {gateway.operator}", "Content-Type": "application/json"}
        control.connect()
        crowd.watch(control.sock.fileno())
        began = time.perf_counter()
        control.request("POST", "/api/v1/kill", json.dumps({"scope": {"run": run}, "reason": "measured"}), headers)
        while not crowd.turn(PATIENCE_S):
            pass
        acknowledged = time.perf_counter()
        crowd.sweep()
        content = sum(stream.content for stream in streams)
        while crowd.open:
            crowd.turn(1.0)
            if time.perf_counter() > acknowledged + PATIENCE_S:
                raise BenchFault(f"{len(crowd.open)} answers were not ended")
        ended = time.perf_counter()
        _check(control.getresponse(), count)
        return Killed(
            streams=count,
            acknowledged=acknowledged - began,
            last_content=max(stream.content_at for stream in streams) - began,
            last_end=ended - began,
            content_after=sum(stream.content for stream in streams) - content,
        )


def _check(answer: http.client.HTTPResponse, count: int) -> None:
    """Raises: BenchFault, where it is not acknowledged that every answer came to its recorded end."""
    said = answer.read()
    found = json.loads(said) if answer.status == 200 else {}
    if not found.get("durable") or sum(call["ended"] for call in found.get("inflight", ())) != count:
        raise BenchFault(f"the kill was not acknowledged as it should: {answer.status} {said[:600]!r}")
