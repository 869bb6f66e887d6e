"""A run from source to effect: what it read, what that tainted, what was tried after it, and what stopped it."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply, not_found
from ringfence.app.control.history import MOST_ENTRIES, family_of
from ringfence.app.control.leaves import every
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import Field, Kind
from ringfence.core.lineage.document import document
from ringfence.core.lineage.tracer import Tracer
from ringfence.ports.audit import AuditLog, AuditQuery

_AFTER_MS = 60_000
"""A stop may be recorded a moment after the last entry that it cut off."""


async def show_lineage(asked: Asked) -> Answer:
    """From the log alone, so that closed runs have one too."""
    run = asked.path["id"]
    found = await lineage(asked.services.log, run, subtree=asked.query.get("subtree", 1) != 0)
    return Reply(found) if found is not None else not_found(f"the log knows no run `{run[:60]}`")


async def lineage(log: AuditLog, run: str, *, subtree: bool = True) -> dict[str, Any] | None:
    """The document of `core.lineage`, and whether it is of everything (`complete`); None where the log knows no such run."""
    family = await family_of(log, run) if subtree else [run]
    found: dict[int, dict[str, Any]] = {}
    complete = True
    for member in family:
        before, room = len(found), max(1, MOST_ENTRIES - len(found))
        found |= {entry["seq"]: entry async for entry in every(log, AuditQuery(run=member), room)}
        complete = complete and len(found) - before < room
    if not found:
        return None
    times = [entry["at"] for entry in found.values() if type(entry["at"]) is int] or [0]
    stops = AuditQuery(kind="control", since=min(times), until=max(times) + _AFTER_MS)
    found |= {entry["seq"]: entry async for entry in every(log, stops, MOST_ENTRIES)}
    for above in await _opened_above(log, run):
        found.setdefault(above["seq"], above)
    tracer = Tracer(run, subtree=subtree)
    for _, entry in sorted(found.items()):
        tracer.add(entry)
    return {**document(tracer.timeline()), "complete": complete}


async def _opened_above(log: AuditLog, run: str) -> list[dict[str, Any]]:
    """The openings of the runs above: a stop of one of them reaches this one."""
    openings: list[dict[str, Any]] = []
    while len(openings) < 50:
        mine = [e async for e in every(log, AuditQuery(run=run, kind="run"), 10) if "task" in e["body"]]
        parent = mine[0]["body"].get("parent") if mine else None
        openings += mine
        if not isinstance(parent, str) or not parent:
            break
        run = parent
    return openings


ROUTES = (
    Route(
        method="GET",
        path="/runs/{id}/lineage",
        handler=show_lineage,
        summary="A run from source to effect: what it read, what that tainted, what was tried after it, what stopped it.",
        query=(Field("subtree", "0: without the runs below it.", Kind.INTEGER, most=1),),
        answer="`summary` in sentences, `events`, `edges` from source to effect, `acts` after the first untrusted read.",
    ),
)
