"""Prompts and tools of agents, compared with those of their earlier runs; what changed is recorded, and people are told.

What is known of an agent is what the log has of it, so a restart forgets nothing and tells nothing again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from ringfence.core.explaining.plain_text import plain
from ringfence.core.metering.prompts import Part
from ringfence.core.metering.request import ModelRequest
from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.run import Run
from ringfence.core.observing.changes import PROMPT, TOOLS, News, Watch
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.engine.alerting.alerts import Alerts
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditLog, AuditQuery
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

_READ: Final = 1000
"""Entries of one agent that are read again: the newest."""
_NAMED: Final = 5
MOST_TOLD: Final = 3
"""Changes of one kind in one run that people are told of. A run can have another prompt in each request, and what it makes
people read takes the place of what they should read."""
_MOST_RUNS: Final = 10_000


class Prompts:
    """Of all agents of one gateway."""

    def __init__(self, *, store: Store, log: AuditLog, clock: Clock, alerts: Alerts) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._alerts = alerts
        self._watches: dict[AgentId, Watch] = {}
        self._told: dict[tuple[RunId, str], int] = {}

    async def note(self, run: Run, request: ModelRequest, digest: str) -> None:
        """Compare those of a request. Raises UnavailableError."""
        watch = self._watches.get(run.agent) or await self._load(run.agent)
        news = [
            replace(found, is_told=found.is_told and self._told.get((run.id, kind), 0) < MOST_TOLD)
            for kind, parts in ((PROMPT, request.prompt_parts), (TOOLS, request.tool_parts))
            if parts and (found := watch.look(run.id, kind, _shown(parts))) is not None
        ]
        if not news:
            return
        for one in news:
            watch.learn(one)
        try:
            receipt = await self._store.record(Unit(tuple(self._entry(run, one, digest) for one in news)))
            if isinstance(receipt, Conflict):
                raise UnavailableError(f"could not be recorded: {receipt.detail}")
        except UnavailableError:
            # What counts is what the log has: look there again.
            self._watches.pop(run.agent, None)
            raise
        for place, one in enumerate(news):
            if one.is_told:
                self._count(run.id, one.kind)
                self._alerts.prompt_changed(
                    _in_words(one), f"e{receipt.first_seq + place}", one.kind == TOOLS, run.agent, run.id
                )

    def _count(self, run: RunId, kind: str) -> None:
        self._told[run, kind] = self._told.pop((run, kind), 0) + 1
        if len(self._told) > _MOST_RUNS:
            del self._told[next(iter(self._told))]

    def _entry(self, run: Run, news: News, digest: str) -> Entry:
        return Entry(
            kind=EntryKind.OBSERVED,
            at=self._clock.now(),
            summary=_in_words(news)[:240],
            run=run.id,
            agent=run.agent,
            by=f"agent:{run.agent}",
            body={"request": digest, **news.body()},
        )

    async def _load(self, agent: AgentId) -> Watch:
        query = AuditQuery(agent=agent, kind=EntryKind.OBSERVED.value, text='"watched":', limit=_READ)
        watch = Watch()
        for record in reversed(await self._log.query(query)):
            leaf: dict[str, Any] = json.loads(record.leaf)
            body = leaf.get("body")
            watch.replay(str(leaf.get("run")), body if isinstance(body, dict) else {})
        return self._watches.setdefault(agent, watch)


def _shown(parts: tuple[Part, ...]) -> list[Part]:
    return [Part(plain(part.name), part.digest) for part in parts]


def _in_words(news: News) -> str:
    if news.kind == PROMPT:
        return f"its system prompt has {len(news.parts)} part{'s' if len(news.parts) > 1 else ''} that no run had before"
    added = [part.name for part in news.parts if part.name not in news.changed]
    told = [f"{verb} {_named(names)}" for verb, names in (("changed:", list(news.changed)), ("new:", added)) if names]
    return f"its tools are not those of earlier runs: {'; '.join(told)}"


def _named(names: list[str]) -> str:
    return f"{', '.join(names[:_NAMED])}{f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''}"
