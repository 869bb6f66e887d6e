"""The log of a server under test: a JSON object a line, read while the server may be writing the next one."""

import json
from pathlib import Path
from typing import Any


def records(log: Path) -> list[dict[str, Any]]:
    """All that is written in full. What stands behind the last line end is still being written."""
    if not log.exists():
        return []
    whole, _, _ = log.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def events(log: Path, mark: str) -> list[str]:
    """What became of the calls with a mark among their arguments."""
    return [record["event"] for record in records(log) if record.get("arguments", {}).get("mark") == mark]
