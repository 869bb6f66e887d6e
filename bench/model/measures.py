"""Three of the measurements: first byte, events per second, memory. The kill is in killing.py."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from bench.driver import BenchFault
from bench.model.figures import FirstByte, Memory, Rate
from bench.model.streams import PATIENCE_S, Place, Stream, Wish, for_a_while, whole
from bench.processes import Running

SHORT = 5
"""Events of an answer of which only the beginning counts."""
LONG = 1000
"""Events of an answer while events are counted."""
LARGE = 1 << 16
"""Bytes of an event of a large answer."""
SETTLED_S = 0.5
"""After the first requests, before events are counted."""
HELD_UP_S = 1.0
"""How long its client reads nothing at first, so that what it has not read has to lie somewhere."""


def first_byte(direct: Place, through: Place, times: int, prompt: int) -> FirstByte:
    """One request at a time on kept connections, directly and through the gateway in turn. Raises: BenchFault."""
    wish = Wish(SHORT, prompt=prompt)
    with closing(Stream(direct, wish)) as one, closing(Stream(through, wish)) as other:
        for _ in range(10):
            whole(one)
            whole(other)
        pairs = [(whole(one), whole(other)) for _ in range(times)]
    return FirstByte([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def rates(
    direct: Place, through: Sequence[Place], gateway: Running, rounds: int, seconds: float
) -> tuple[list[Rate], list[Rate]]:
    """Many streams at once, as fast as they are read, directly and through the gateway in turn. Raises: BenchFault."""
    wish = Wish(LONG)
    found: tuple[list[Rate], list[Rate]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            with ExitStack() as held:
                places = through if which else [direct] * len(through)
                streams = [held.enter_context(closing(Stream(place, wish))) for place in places]
                found[which].append(Rate(*for_a_while(streams, seconds, SETTLED_S, gateway.cpu_s)))
    return found


def paced(through: Sequence[Place], gateway: Running, seconds: float, gap_ms: int) -> Rate:
    """Many streams that give an event every so many ms, so that each event comes alone. Raises: BenchFault."""
    wish = Wish(int((seconds + 2 * SETTLED_S) * 1000 / gap_ms), gap_ms=gap_ms)
    with ExitStack() as held:
        streams = [held.enter_context(closing(Stream(place, wish))) for place in through]
        return Rate(*for_a_while(streams, seconds, SETTLED_S, gateway.cpu_s))


def memory(through: Place, gateway: Running, megabytes: int) -> Memory:
    """One answer of so many megabytes, whose client begins to read it late. Raises: BenchFault."""
    with closing(Stream(through, Wish(1))) as stream:
        whole(stream)
    with closing(Stream(through, Wish((megabytes << 20) // LARGE, LARGE))) as stream:
        before = gateway.rss_mib()
        peak = _Peak(gateway)
        stream.ask()
        until = time.monotonic() + HELD_UP_S
        while time.monotonic() < until:
            time.sleep(0.02)
            peak.look()
        began, looked = time.perf_counter(), 0
        stream.socket.settimeout(PATIENCE_S)
        while not stream.is_over:
            if not stream.take():
                raise BenchFault("the connection was closed")
            if stream.bytes - looked > 1 << 20:
                looked = stream.bytes
                peak.look()
        stream.check()
        took = time.perf_counter() - began
    time.sleep(0.5)
    return Memory(before, peak.highest(), gateway.rss_mib(), megabytes, took)


class _Peak:
    """The most memory that a process had since."""

    def __init__(self, process: Running) -> None:
        self._process = process
        self._highest = 0.0
        try:
            Path(f"/proc/{process.pid}/clear_refs").write_text("5", "ascii")
            self._is_kept = True
        except OSError:
            self._is_kept = False

    def look(self) -> None:
        self._highest = max(self._highest, self._process.rss_mib())

    def highest(self) -> float:
        self.look()
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        kept = int(status.partition("VmHWM:")[2].split()[0]) / 1024 if self._is_kept else 0.0
        return max(self._highest, kept)
