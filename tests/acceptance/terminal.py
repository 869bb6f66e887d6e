"""A person at a terminal: a command with a pseudo-terminal, answered by typing."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

LONGEST_S = 60.0
INTERRUPT = "\x03"


class Terminal:
    """One command in a terminal of its own, for the length of a `with` block."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [*command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=folder, start_new_session=True
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        os.close(self._ours)

    def until(self, text: str) -> None:
        """Read on until the text appears. Raises AssertionError with all that was shown where it does not."""
        seen, end = len(self.shown), time.monotonic() + LONGEST_S
        while text not in self.shown[seen:]:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} did not appear:\n{self.shown}"
            self.shown += self._read()

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._ours, text.encode())

    def _read(self) -> str:
        try:
            return os.read(self._ours, 65536).decode("utf-8", "replace")
        except OSError as error:  # how Linux says that the other end is closed
            raise AssertionError(f"the command has ended:\n{self.shown}") from error
