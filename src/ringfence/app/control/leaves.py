"""Entries as answers: the parsed leaf beside its place, its id and its hash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from ringfence.app.control.times import iso
from ringfence.core.audit.stem import entry_hash
from ringfence.core.strict_json.canonical import JsonLimits, parse_strict
from ringfence.errors import IntegrityError, RequestError
from ringfence.ports.audit import AuditLog, AuditQuery, Record

_LIMITS = JsonLimits(depth=256, keys=100_000, nul=True)
"""An entry wraps values that were themselves at the limit."""
PAGE = 1000


def entry_of(record: Record) -> dict[str, Any]:
    """The leaf's object. Raises: IntegrityError where it is none."""
    try:
        value: Any = parse_strict(record.leaf, _LIMITS)
    except RequestError as error:
        raise IntegrityError(f"entry {record.id} is not an entry: {error}") from error
    if not isinstance(value, dict):
        raise IntegrityError(f"entry {record.id} is not an entry")
    # A dropped body reads as an empty one; `body_sha256` says that there was more.
    return value if "body" in value else {**value, "body": {}}


def entry_view(record: Record) -> dict[str, Any]:
    entry = entry_of(record)
    return {"id": record.id, "time": iso(entry.get("at")), **entry}


def full_view(record: Record) -> dict[str, Any]:
    """With what a verifier needs: the leaf's exact text and its hash."""
    return {"entry": entry_view(record), "leaf": record.leaf.decode(), "leaf_hash": entry_hash(record.leaf).hex()}


async def every(log: AuditLog, query: AuditQuery, most: int) -> AsyncIterator[dict[str, Any]]:
    """All entries that answer a query, page by page, oldest first, at most so many."""
    page, left = replace(query, oldest_first=True, limit=PAGE), most
    while left > 0:
        records = await log.query(replace(page, limit=min(PAGE, left)))
        for record in records:
            yield entry_view(record)
        left -= len(records)
        if len(records) < PAGE:
            return
        page = replace(page, before=records[-1].seq)
