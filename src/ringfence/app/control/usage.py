"""What models and tools were used for. Entries are read page by page and added up as they come, with room for calls between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from ringfence.app.control.answer import Answer, Asked, Lines, Reply
from ringfence.app.control.history import family_of
from ringfence.app.control.leaves import every
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import Field
from ringfence.app.control.times import read_time
from ringfence.app.control.usage_rows import By, ModelUsage, Roots
from ringfence.app.control.usage_tools import ToolUsage
from ringfence.core.own_tools.modelling import MESSAGES
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.catalogue.catalogue import wire_name
from ringfence.ports.audit import AuditQuery

MOST_ENTRIES: Final = 200_000
"""Entries that one answer is made from; beyond that it says so. As lines there may be any number."""
MOST_STREAMED: Final = 1 << 53
TOLD_EACH: Final = 5_000
"""Entries between two lines that say how far it has come."""
SLICE: Final = 50
"""Entries that are read in a row before others have their turn."""


@dataclass(slots=True)
class _Work:
    """One question while it is answered."""

    by: By
    usage: ModelUsage | ToolUsage
    roots: Roots
    queries: list[AuditQuery]
    until: int | None
    most: int
    seen: int = 0
    at: int = 0
    """The place in the log that was seen last."""
    is_complete: bool = True

    def answer(self) -> dict[str, Any]:
        return {
            "by": self.by.value,
            "rows": self.usage.rows(),
            "total": self.usage.total(),
            "entries": self.seen,
            "complete": self.is_complete,
        }


async def usage(asked: Asked) -> Answer:
    """Rows and their sum."""
    work = await _begun(asked, MOST_ENTRIES)
    async for _ in _worked(asked, work):
        pass
    return Reply(work.answer())


async def usage_lines(asked: Asked) -> Answer:
    """The same from a log of any length: lines that say how far it has come, then one with the answer."""
    return Lines(_lines(asked, await _begun(asked, MOST_STREAMED)))


async def _lines(asked: Asked, work: _Work) -> AsyncIterator[bytes]:
    size = (await asked.services.log.head()).size
    async for _ in _worked(asked, work):
        yield canonical_bytes({"entries": work.seen, "at": work.at, "of": size})
    yield canonical_bytes(work.answer())


async def _begun(asked: Asked, most: int) -> _Work:
    given, rules = asked.query, asked.services.catalogue.rules
    since = read_time(given["from"], "from") if "from" in given else None
    until = read_time(given["to"], "to") if "to" in given else None
    by, roots = By(given.get("by", By.AGENT)), Roots()
    tool = None if by is By.TOOL else MESSAGES
    family: list[Any] = await family_of(asked.services.log, given["run"]) if "run" in given else [None]
    # An outcome may be later than the decisions that are asked for.
    queries = [AuditQuery(agent=given.get("agent"), run=run, tool=tool, since=since) for run in family]
    counted: ModelUsage | ToolUsage
    if by is By.TOOL:
        counted = ToolUsage({wire_name(each): each for each in rules.tools}, until)
    else:
        counted = ModelUsage(by, roots, {str(agent.id): agent.team for agent in rules.agents.values()}, until)
    return _Work(by, counted, roots, queries, until, most)


async def _worked(asked: Asked, work: _Work) -> AsyncIterator[None]:
    """Do it; comes up for air every so many entries."""
    # Who opened whom first: by then every tree has its root.
    steps: list[tuple[AuditQuery, Callable[[dict[str, Any]], None]]] = []
    if work.by is not By.TOOL:
        steps.append((AuditQuery(kind="run"), work.roots.add))
    steps += [(query, work.usage.add) for query in work.queries]
    for query, add in steps:
        async for entry in every(asked.services.log, query, work.most - work.seen):
            add(entry)
            work.seen, work.at = work.seen + 1, entry["seq"]
            if work.seen % SLICE == 0:
                await asyncio.sleep(0)
            if work.seen % TOLD_EACH == 0:
                yield
            if query in work.queries and work.until is not None and entry["at"] >= work.until and work.usage.is_settled:
                break
    work.is_complete = work.seen < work.most


_QUERY: Final = (
    Field("by", "What the rows are; `agent` where absent.", choices=tuple(By)),
    Field("agent", "Of one agent.", most=200),
    Field("run", "Of a run with its child runs.", most=80),
    Field("from", "Decided from then on.", most=40),
    Field("to", "Decided before.", most=40),
)
ROUTES = (
    Route(
        method="GET",
        path="/usage",
        handler=usage,
        summary="What models and tools were used for: requests, tokens, money, and money for each task. From the log.",
        query=_QUERY,
        answer="`rows`, the dearest first, and their `total`. `complete`: false where the log holds more than is looked at.",
    ),
    Route(
        method="GET",
        path="/usage/lines",
        handler=usage_lines,
        summary="The same from a log of any length: lines with `entries`, `at` and `of`, then one as above.",
        query=_QUERY,
        answer="application/x-ndjson",
    ),
)
