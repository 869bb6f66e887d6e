"""One run from beginning to end, and what it or its agent touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ringfence.app.control.answer import Answer, Asked, Problem, ProblemCode, Reply, not_found
from ringfence.app.control.leaves import every
from ringfence.app.control.routes import Route
from ringfence.app.control.runs import bindings_of
from ringfence.app.control.shape import Field, Kind
from ringfence.app.control.touched import touched
from ringfence.core.model.identifiers import AgentId, RunId, ServerId, ToolId
from ringfence.core.model.stop import Reach, Scope, ScopeKind, covers
from ringfence.ports.audit import AuditLog, AuditQuery

MOST_ENTRIES = 20_000
"""Entries that one answer is made from; beyond that it says so."""
MOST_RUNS = 200
_LANES = {"decision": "agent", "approval": "human", "control": "human", "outcome": "tool", "run": "run", "gateway": "gateway"}


async def timeline(asked: Asked) -> Answer:
    """The entries of a run, of its child runs, and of the stops that reached it, oldest first."""
    services, root = asked.services, asked.path["id"]
    run = await services.store.run(RunId(root))
    family = await family_of(asked.services.log, root)
    after, limit = asked.query.get("cursor"), max(1, asked.query.get("limit", 500))
    found: list[dict[str, Any]] = []
    for member in family:
        found += [entry async for entry in every(services.log, AuditQuery(run=member), MOST_ENTRIES)]
    if not found:
        return not_found(f"the log knows no run `{root[:60]}`")
    found.sort(key=lambda entry: entry["seq"])
    chain = (RunId(root), *(run.ancestors if run else ()))
    agent = AgentId(str(found[0].get("agent") or ""))
    found += [stop async for stop in _stops(asked, found[0]["at"], found[-1]["at"], chain, agent)]
    found.sort(key=lambda entry: entry["seq"])
    rest = [entry for entry in found if after is None or entry["seq"] > after]
    page = rest[:limit]
    return Reply(
        {
            "run": root,
            "runs": family,
            "bound_to": await bindings_of(services.store, RunId(root), services.clock.now()),
            "entries": [{"lane": _LANES.get(entry["kind"], "gateway"), **entry} for entry in page],
            "markers": _markers(found),
            "next": page[-1]["seq"] if len(rest) > limit else None,
        }
    )


async def family_of(log: AuditLog, root: str) -> list[str]:
    """The run and the child runs below it, from the log, so that closed ones count too."""
    family, place = [root], 0
    while place < len(family) and len(family) < MOST_RUNS:
        parent = family[place]
        async for entry in every(log, AuditQuery(kind="run", text=parent), MOST_ENTRIES):
            if entry["body"].get("parent") == parent and entry["run"] not in family:
                family.append(entry["run"])
        place += 1
    return family


async def _stops(
    asked: Asked, since: int, until: int, chain: tuple[RunId, ...], agent: AgentId
) -> AsyncIterator[dict[str, Any]]:
    """Control entries of that time whose scope reached the run."""
    query = AuditQuery(kind="control", since=since, until=until + 60_000)
    async for entry in every(asked.services.log, query, MOST_ENTRIES):
        scope = entry["body"].get("scope")
        if isinstance(scope, dict) and _reached(scope, chain, agent):
            yield entry


def _reached(given: dict[str, Any], chain: tuple[RunId, ...], agent: AgentId) -> bool:
    scope = Scope(ScopeKind(given["kind"]), given["target"], given.get("agent"))
    if scope.kind in (ScopeKind.SERVER, ScopeKind.TOOL):
        return scope.agent in (None, agent)
    return covers(scope, Reach(agent, chain, ServerId(""), ToolId("")))


def _markers(entries: list[dict[str, Any]]) -> dict[str, str | None]:
    """Where to look first."""

    def first(kind: str, *decisions: str) -> str | None:
        return next((e["id"] for e in entries if e["kind"] == kind and e["decision"] in decisions), None)

    return {
        "first_asked": first("decision", "ask"),
        "first_refused": first("decision", "deny", "halt"),
        "first_stop": first("control", "kill", "pause", "disable"),
        "first_ambiguous": first("outcome", "ambiguous"),
        "last_effect": next(
            (e["id"] for e in reversed(entries) if e["kind"] == "outcome" and e["decision"] == "returned"), None
        ),
    }


async def what_was_touched(asked: Asked) -> Answer:
    """Which objects an agent or a run touched, how often, and whether it was undone."""
    agent, run = asked.query.get("agent"), asked.query.get("run")
    if (agent is None) == (run is None):
        return Problem(ProblemCode.MALFORMED, "either `agent` or `run`", "such as /api/v1/touched?run=r_...")
    entries: list[dict[str, Any]] = []
    runs = await family_of(asked.services.log, run) if run is not None else [None]
    for member in runs:
        for kind in ("decision", "outcome"):
            query = AuditQuery(agent=agent, run=member, kind=kind)
            entries += [entry async for entry in every(asked.services.log, query, MOST_ENTRIES)]
    inverses = {row.inverse for row in touched(entries) if row.inverse is not None}
    undoing: list[dict[str, Any]] = []
    for inverse in sorted(inverses):
        for kind in ("decision", "outcome"):
            undoing += [e async for e in every(asked.services.log, AuditQuery(tool=inverse, kind=kind), MOST_ENTRIES)]
    rows = touched(entries, undoing)
    return Reply(
        {
            "agent": agent,
            "run": run,
            "touched": [row.view() for row in rows],
            "from_entries": len(entries),
            "complete": len(entries) < MOST_ENTRIES,
        }
    )


ROUTES = (
    Route(
        method="GET",
        path="/runs/{id}/timeline",
        handler=timeline,
        summary="The entries of a run from beginning to end, with its child runs and the stops that reached it.",
        query=(
            Field("cursor", "`next` of the page before.", Kind.INTEGER, most=2**53 - 1),
            Field("limit", "Entries on a page, 1 to 2000; 500 where absent.", Kind.INTEGER, most=2000),
        ),
        answer="`entries` with a `lane` each, `markers`, `next` or null; `bound_to`: who may use its credentials.",
    ),
    Route(
        method="GET",
        path="/touched",
        handler=what_was_touched,
        summary="Which objects an agent or a run touched, and what was undone.",
        query=(Field("agent", "This agent.", most=200), Field("run", "This run with its child runs.", most=80)),
        answer="`touched`: one row per tool and object.",
    ),
)
