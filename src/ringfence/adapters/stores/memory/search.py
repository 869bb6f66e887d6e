"""Whether an entry answers a query. Pure."""

from __future__ import annotations

from ringfence.core.records.entry import Entry
from ringfence.ports.audit import AuditQuery, Record


def matches(query: AuditQuery, entry: Entry, record: Record) -> bool:
    """All filters given hold. Text is compared without regard to the case of ASCII letters."""
    if query.before is not None:
        inside = record.seq > query.before if query.oldest_first else record.seq < query.before
        if not inside:
            return False
    wanted = (
        (query.agent, entry.agent),
        (query.run, entry.run),
        (query.tool, entry.tool),
        (query.call, entry.call),
        (query.kind, entry.kind.value),
        (query.decision, entry.decision),
    )
    if any(filtered is not None and filtered != value for filtered, value in wanted):
        return False
    if query.since is not None and entry.at < query.since:
        return False
    if query.until is not None and entry.at >= query.until:
        return False
    # Lowering bytes touches ASCII letters only, and so does SQLite's `lower`: every store finds the same entries.
    return query.text is None or query.text.encode("utf-8", "replace").lower() in record.leaf.lower()
