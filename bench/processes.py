"""Processes that are started, measured and always stopped."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

READY_S = 90.0
END_S = 15.0
_TICKS = os.sysconf("SC_CLK_TCK")


class NotStarted(Exception):
    """A process did not come up, with the end of what it said."""


@dataclass(slots=True)
class Running:
    """One process."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path
    """All that it prints."""

    @property
    def pid(self) -> int:
        return self.popen.pid

    def cpu_s(self) -> float:
        """User and system time of all its threads so far, in seconds; the kernel counts in hundredths."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def said(self, pattern: str) -> str:
        """The first group of the first line that matches, once it was printed. Raises: NotStarted."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            found = re.search(pattern, self.log.read_text("utf-8", "replace"), re.MULTILINE)
            if found is not None:
                return found[1]
            if self.popen.poll() is not None:
                raise NotStarted(f"{self.name} ended at its start: {self.last_words()}")
            time.sleep(0.02)
        raise NotStarted(f"{self.name} was not ready within {READY_S:.0f} s: {self.last_words()}")

    def accepts(self, port: int) -> None:
        """Return once it takes connections on a loopback port. Raises: NotStarted."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            if self.popen.poll() is not None:
                raise NotStarted(f"{self.name} ended at its start: {self.last_words()}")
            time.sleep(0.05)
        raise NotStarted(f"{self.name} did not listen within {READY_S:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        return " | ".join(self.log.read_text("utf-8", "replace").strip().splitlines()[-4:])[-500:]


@dataclass(slots=True)
class Processes:
    """What runs now."""

    logs: Path
    running: list[Running] = field(default_factory=list[Running])

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Running:
        """Start a process in a group of its own. Raises: NotStarted where there is no such program."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            try:
                popen = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            except OSError as error:
                raise NotStarted(f"{name}: {error}") from error
        running = Running(name, popen, log)
        self.running.append(running)
        return running

    def stop(self) -> None:
        """Everything, the last first."""
        while self.running:
            _end(self.running.pop().popen)


def _end(popen: "subprocess.Popen[bytes]") -> None:
    if popen.poll() is None:
        popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            popen.wait(END_S)
    # Whatever it started itself is in its group.
    with suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


@contextmanager
def processes(logs: Path) -> Generator[Processes]:
    """Processes that do not outlive the block, however it ends."""
    started = Processes(logs)
    try:
        yield started
    finally:
        started.stop()


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
