"""The log for spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ringfence.app.cli.audit_files import LAST
from ringfence.app.cli.csv_cells import record
from ringfence.app.control.times import iso
from ringfence.core.audit.stem import entry_hash

COLUMNS = ("entry", "time", "kind", "decision", "agent", "run", "tool", "call", "by", "summary", "body", "hash")


def csv_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """RFC 4180 records of an export's lines, the head of the columns first; the signed head is left out."""
    yield _record(COLUMNS)
    for line in lines:
        if line.startswith(LAST):
            return
        entry: dict[str, Any] = json.loads(line)
        body = json.dumps(entry["body"], ensure_ascii=False, separators=(",", ":")) if "body" in entry else "(dropped)"
        named = [entry.get(name) for name in ("kind", "decision", "agent", "run", "tool", "call", "by", "summary")]
        yield _record((f"e{entry['seq']}", iso(entry["at"]), *named, body, entry_hash(line).hex()))


def _record(cells: Iterable[object]) -> bytes:
    return record(cells).encode("utf-8", "replace")
