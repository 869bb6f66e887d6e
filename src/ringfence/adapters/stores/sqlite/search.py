"""An audit query as SQL. Pure."""

from __future__ import annotations

from ringfence.ports.audit import AuditQuery

_FACETS = ("agent", "run", "tool", "call", "kind", "decision")


def page(where: str, *, folded: bool, ascending: bool) -> str:
    """One page as one JSON text: `[[seq, leaf], ...]`. The last binding is the limit."""
    source = "facets f join entries e on e.seq = f.seq" if folded else "entries e"
    order = "asc" if ascending else "desc"
    return f"""select json_group_array(json_array(seq, leaf)) from (
        select e.seq as seq, cast(e.leaf as text) as leaf from {source} where {where} order by e.seq {order} limit ?)"""


def conditions(query: AuditQuery, *, folded: bool, lowest: int | None, below: int | None) -> tuple[str, tuple[object, ...]]:
    """Where an entry answers a query, with its bindings; `lowest` and `below` bound the part of the log that is looked at.

    Text is compared as SQLite's `lower` does: without regard to the case of ASCII letters.
    """
    seq = "f.seq" if folded else "e.seq"
    terms = ["true"]
    bindings: list[object] = []

    def term(text: str, value: object) -> None:
        terms.append(text)
        bindings.append(value)

    def column(name: str) -> str:
        return f"f.{name}" if folded else f"cast(e.leaf as text) ->> '$.{name}'"

    if lowest is not None:
        term(f"{seq} >= ?", lowest)
    if below is not None:
        term(f"{seq} < ?", below)
    if query.before is not None:
        term(f"{seq} > ?" if query.oldest_first else f"{seq} < ?", max(-1, min(query.before, 1 << 62)))
    for name in _FACETS:
        value: str | None = getattr(query, name)
        if value is not None:
            term(f"{column(name)} = ?", value)
    if query.since is not None:
        term(f"{column('at')} >= ?", query.since)
    if query.until is not None:
        term(f"{column('at')} < ?", query.until)
    if query.text is not None:
        # INVARIANT: SQLite is built without ICU, so `lower` folds ASCII only, as bytes.lower does here.
        term("instr(lower(cast(e.leaf as text)), ?) > 0", query.text.encode("utf-8", "replace").lower().decode())
    return " and ".join(terms), tuple(bindings)
