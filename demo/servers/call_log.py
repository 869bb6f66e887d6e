"""The server's own record of what it executed: the judge that owes nothing to a gateway in front of it."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


class CallLog:
    """An append-only file of JSON lines, one for each executed call: `time` (UTC, ISO 8601), `tool`, `arguments`.

    Several processes may append to one file: each line is one `write` on a descriptor opened with O_APPEND.
    Without a path nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._descriptor = None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def executed(self, tool: str, **arguments: str | int) -> None:
        """Record one call.

        A server calls this before the call takes effect, so that a process killed half-way is judged as having
        executed: the log may claim an effect too many, never one too few.

        Raises:
            OSError: The line could not be written in full; the call must then not take effect.
        """
        if self._descriptor is None:
            return
        line = encode_line(tool, arguments)
        if os.write(self._descriptor, line) != len(line):
            raise OSError("short write to the call log")
        os.fsync(self._descriptor)


def encode_line(tool: str, arguments: Mapping[str, str | int]) -> bytes:
    """One line of the log, with its newline."""
    record = {"time": datetime.now(UTC).isoformat(), "tool": tool, "arguments": dict(arguments)}
    return json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
