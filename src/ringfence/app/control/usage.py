"""What models were used for: requests, tokens and money."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply
from ringfence.app.control.history import family_of
from ringfence.app.control.leaves import every
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import Field
from ringfence.app.control.times import read_time
from ringfence.app.control.usage_rows import By, Row, roots_of, usage_rows
from ringfence.core.modelling import MESSAGES
from ringfence.ports.audit import AuditQuery

MOST_ENTRIES = 200_000
"""Entries that one answer is made from; beyond that it says so."""


async def usage(asked: Asked) -> Answer:
    """Rows by agent, tree, model or day, and their sum."""
    given, log = asked.query, asked.services.log
    since = read_time(given["from"], "from") if "from" in given else None
    until = read_time(given["to"], "to") if "to" in given else None
    by = By(given.get("by", By.AGENT))
    family: list[Any] = await family_of(log, given["run"]) if "run" in given else [None]
    found: list[dict[str, Any]] = []
    for run in family:
        # An outcome may be later than the decisions that are asked for.
        query = AuditQuery(agent=given.get("agent"), run=run, tool=MESSAGES, since=since)
        found += [entry async for entry in every(log, query, MOST_ENTRIES - len(found))]
    opened = [entry async for entry in every(log, AuditQuery(kind="run"), MOST_ENTRIES)]
    teams = {str(agent.id): agent.team for agent in asked.services.catalogue.rules.agents.values()}
    roots = roots_of(opened)
    rows = usage_rows(found, by, roots, teams, until)
    return Reply(
        {
            "by": by.value,
            "rows": [row.view() for row in rows],
            "total": _total(rows).view(),
            "complete": len(found) < MOST_ENTRIES and len(opened) < MOST_ENTRIES,
        }
    )


def _total(rows: list[Row]) -> Row:
    total = Row("total")
    for row in rows:
        total.requests += row.requests
        total.under_way += row.under_way
        total.at_most += row.at_most
        total.tokens_in += row.tokens_in
        total.tokens_out += row.tokens_out
        total.micro += row.micro
        total.trees |= row.trees
    return total


ROUTES = (
    Route(
        method="GET",
        path="/usage",
        handler=usage,
        summary="What models were used for: requests, tokens, money, and money for each task. From the log.",
        query=(
            Field("by", "What the rows are; `agent` where absent.", choices=tuple(By)),
            Field("agent", "Of one agent.", most=200),
            Field("run", "Of a run with its child runs.", most=80),
            Field("from", "Decided from then on.", most=40),
            Field("to", "Decided before.", most=40),
        ),
        answer="`rows`, the dearest first, and their `total`. `complete`: false where the log holds more than is looked at.",
    ),
)
