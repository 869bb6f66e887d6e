"""What people answer for: endorsing what a run was given, and declassifying it.

A label rises by itself and falls by nothing but this. Whoever lowers one says that they have looked at what was read, or at
what will be done with it, so each act is bound to one run or place, has a reason, and is in the log with what it answers for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ringfence.core.labelling import trusted_words
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.label import CLEAN, Label, agent_place, at_least, join_all, memory_place
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.model.run import Run, RunState
from ringfence.core.model.words import Words
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import WORDS_MOST, WORDS_ROOM, Change, Conflict, LowerLabel, LowerPlace, Unit
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.runs.runs import Continued, NotDone
from ringfence.ports.audit import AuditLog, AuditQuery, Record
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

MOST_SOURCES: Final = 10
"""Entries that are named for a label, the newest."""
LOOKED_AT: Final = 500
"""Outcomes of a run that are looked through for them."""
WORST: Final = Label(Trust.UNTRUSTED, Sensitivity.REGULATED)
"""Of a run that only the log knows any more: a label that is lost is not a clean one."""


class Kept(StrEnum):
    """What has a label."""

    RUN = "run"
    AGENT = "agent"
    """What runs of the agent were given: a new one that no operator opens begins with it."""
    MEMORY = "memory"
    """What tools of a server were given to keep."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose label it is."""

    kind: Kept
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


@dataclass(frozen=True, slots=True)
class Source:
    """A call whose answer brought some of a label."""

    entry: str
    """Public id of its outcome."""
    tool: str
    at: Millis
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabel:
    """A run's label as people see it."""

    own: Label
    effective: Label
    """With those of the runs above it: what counts at its calls."""
    above: tuple[tuple[RunId, Label], ...]
    """Runs above it whose label adds to its own."""
    place: Label
    """What the next run of its agent begins with; clean where an operator opened this one."""
    sources: tuple[Source, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """An act that is done."""

    holder: Holder
    before: Label
    after: Label
    effective: Label
    """What counts at the run's calls by now."""
    above: tuple[tuple[RunId, Label], ...] = ()
    """Runs above it because of which the act is not enough by itself."""
    below: tuple[RunId, ...] = ()
    """Open runs below it, or runs of the agent, that keep the label that they have."""
    place: Label = CLEAN
    """Of a run: what the next one of its agent begins with all the same."""
    sources: tuple[Source, ...] = ()
    """The newest that the operator answers for."""
    entry: str


class Labels:
    """Labels of runs, and of what outlives them."""

    def __init__(self, *, store: Store, log: AuditLog, clock: Clock, catalogue: Catalogue, alerts: Alerts) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._catalogue = catalogue
        self._alerts = alerts

    async def of_run(self, run: Run) -> RunLabel:
        """A run's label, and where it comes from. Raises UnavailableError."""
        chain = await self._chain(run)
        effective = join_all(link.label for link in chain)
        return RunLabel(
            own=run.label,
            effective=effective,
            above=_adding(run.label, chain[1:]),
            place=self._place(chain),
            sources=await self._sources(run.id, CLEAN) if effective != CLEAN else (),
        )

    async def effective(self, run: Run) -> Label:
        """A run's label with those of the runs above it."""
        return join_all(link.label for link in await self._chain(run))

    async def places(self) -> dict[str, Label]:
        """Everything that outlives runs and has a label, by the place's name."""
        return dict(sorted((await self._store.labels()).items()))

    async def endorse(self, holder: Holder, *, operator: Operator, reason: str) -> Lowered | NotDone:
        """Answer for it that what was given can be trusted."""
        return await self._lower(holder, None, operator, reason)

    async def declassify(self, holder: Holder, to: Sensitivity, *, operator: Operator, reason: str) -> Lowered | NotDone:
        """Answer for it that what was given may be treated as no more than `to`."""
        return await self._lower(holder, to, operator, reason)

    async def continued(self, run_id: RunId, *, with_words: bool) -> Continued | NotDone:
        """What a run begins with that goes on where another was, open, closed or forgotten."""
        run = await self._store.run(run_id)
        if run is None:
            if not await self._log.query(AuditQuery(run=run_id, limit=1)):
                return NotDone(f"there was no run `{run_id[:60]}`", "`ringfence audit query --kind run` lists them")
            if with_words:
                return NotDone(f"what was said to run {run_id} is no longer known", "say it anew: `ringfence run say`")
            return Continued(run_id, WORST)
        chain = await self._chain(run)
        words: tuple[Words, ...] = trusted_words(chain) if with_words else ()
        if len(words) > WORDS_MOST or sum(len(said.text) for said in words) > WORDS_ROOM:
            return NotDone(f"run {run_id} was told more than one run may be told", "say what still counts: `ringfence run say`")
        return Continued(run_id, join_all(link.label for link in chain), words)

    async def _lower(self, holder: Holder, to: Sensitivity | None, operator: Operator, reason: str) -> Lowered | NotDone:
        act = "declassify" if to is not None else "endorse"
        if not reason.strip():
            return NotDone(f"to {act} needs a reason: the log has to say why")
        run: Run | None = None
        if holder.kind is Kept.RUN:
            run = await self._store.run(RunId(holder.name))
            if run is None or run.state is not RunState.OPEN:
                return NotDone(f"no run `{holder.name[:60]}` is open", "`ringfence run list` shows the open ones")
        place = _place_of(holder)
        before = run.label if run is not None else self._store.label_of(place)
        if (refusal := self._may(operator, holder, run, before, to)) is not None:
            return refusal
        after = Label(Trust.TRUSTED, before.confidentiality) if to is None else Label(before.integrity, to)
        chain = await self._chain(run) if run is not None else ()
        if after == before or (to is not None and at_least(to, before.confidentiality)):
            return _nothing_to_lower(holder, before, chain, to)
        sources = await self._sources(run.id, after) if run is not None else ()
        now = self._clock.now()
        entry = Entry(
            kind=EntryKind.CONTROL,
            at=now,
            summary=f"{_PAST[act]} {holder}: from {before.in_words} to {after.in_words}"[:240],
            run=run.id if run is not None else None,
            agent=run.agent if run is not None else (AgentId(holder.name) if holder.kind is Kept.AGENT else None),
            decision=act,
            by=f"operator:{operator.name}",
            body={
                "of": {"kind": holder.kind.value, "name": holder.name},
                "label_before": before.view(),
                "label_after": after.view(),
                "answers_for": [source.entry for source in sources],
                "reason": reason[:1000],
                "role": operator.role.value,
            },
        )
        change: Change = LowerPlace(place, after, before) if run is None else LowerLabel(run.id, after, before)
        receipt = await self._store.record(Unit((entry,), (change,)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail, f"nothing was changed: look again, then {act} again")
        await receipt.durable()
        self._alerts.label_lowered(
            entry.summary, operator.name, f"e{receipt.first_seq}", agent=entry.agent or "", run=entry.run or ""
        )
        return await self._done(holder, before, after, sources, f"e{receipt.first_seq}")

    async def _done(self, holder: Holder, before: Label, after: Label, sources: tuple[Source, ...], entry: str) -> Lowered:
        run = await self._store.run(RunId(holder.name)) if holder.kind is Kept.RUN else None
        if run is None:
            own = (one for one in await self._store.runs() if holder.kind is Kept.AGENT and one.agent == holder.name)
            below = tuple(one.id for one in own if not after.covers(one.label))
            return Lowered(
                holder=holder, before=before, after=after, effective=after, below=below, sources=sources, entry=entry
            )
        chain = await self._chain(run)
        below = tuple(child.id for child in await self._store.runs_below(run.id) if not after.covers(child.label))
        return Lowered(
            holder=holder,
            before=before,
            after=run.label,
            effective=join_all(link.label for link in chain),
            above=_adding(run.label, chain[1:]),
            below=below,
            place=self._place(chain),
            sources=sources,
            entry=entry,
        )

    def _may(
        self, operator: Operator, holder: Holder, run: Run | None, before: Label, to: Sensitivity | None
    ) -> NotDone | None:
        if operator.role is Role.VIEWER:
            return NotDone(f"{operator.name} is a viewer", "this needs the role approver or admin")
        rules = self._catalogue.rules
        if run is None:
            if operator.role is not Role.ADMIN:
                return NotDone(f"{operator.name} is not an admin", f"the label of {holder} counts for later runs too")
            known = holder.name in (rules.agents if holder.kind is Kept.AGENT else rules.servers)
            if not known and before == CLEAN:
                return NotDone(f"there is no {'agent' if holder.kind is Kept.AGENT else 'server'} `{holder.name[:80]}`")
            return None
        if to is not None and before.confidentiality is Sensitivity.REGULATED and operator.role is not Role.ADMIN:
            return NotDone(f"{operator.name} is not an admin", "what is regulated is declassified by an admin")
        rule = rules.agents.get(run.agent)
        if rule is None:
            return NotDone(f"agent {run.agent} is no longer configured")
        if not rules.is_among(rule.approvers, operator):
            return NotDone(f"{operator.name} is not among the approvers of {run.agent}")
        if rule.separation and run.opened_by == f"operator:{operator.name}":
            return NotDone(f"{operator.name} opened run {run.id}, so somebody else has to answer for what it was given")
        return None

    async def _chain(self, run: Run) -> tuple[Run, ...]:
        """The run first, then those above it."""
        chain = [run]
        for ancestor in run.ancestors:
            if (above := await self._store.run(ancestor)) is not None:
                chain.append(above)
        return tuple(chain)

    def _place(self, chain: Sequence[Run]) -> Label:
        if any(link.is_of_operator for link in chain):
            return CLEAN
        return self._store.label_of(agent_place(chain[0].agent))

    async def _sources(self, run: RunId, beyond: Label) -> tuple[Source, ...]:
        """The newest calls whose answers brought more than `beyond`, newest first."""
        kinds = (EntryKind.OUTCOME, EntryKind.OBSERVED)
        told = [await self._log.query(AuditQuery(run=run, kind=kind.value, limit=LOOKED_AT)) for kind in kinds]
        found = (_source(record) for record in sorted((one for some in told for one in some), key=lambda one: -one.seq))
        return tuple(source for source in found if source is not None and not beyond.covers(source.label))[:MOST_SOURCES]


_PAST: Final = {"endorse": "endorsed", "declassify": "declassified"}


def _place_of(holder: Holder) -> str:
    return memory_place(holder.name) if holder.kind is Kept.MEMORY else agent_place(holder.name)


def _adding(own: Label, above: Sequence[Run]) -> tuple[tuple[RunId, Label], ...]:
    return tuple((link.id, link.label) for link in above if not own.covers(link.label))


def _nothing_to_lower(holder: Holder, before: Label, chain: Sequence[Run], to: Sensitivity | None) -> NotDone:
    if to is None:
        higher = next((link.id for link in chain[1:] if link.label.is_untrusted), None)
    else:
        higher = next((link.id for link in chain[1:] if not at_least(to, link.label.confidentiality)), None)
    remedy = f"run {higher} above it is what counts here" if higher is not None else ""
    return NotDone(f"the label of {holder} is {before.in_words} already", remedy)


def _source(record: Record) -> Source | None:
    """What an outcome says of its label, or what was observed of what it brought; None: nothing, or its body was dropped."""
    leaf: dict[str, Any] = json.loads(record.leaf)
    body = leaf.get("body")
    body = body if isinstance(body, dict) else {}
    at = int(leaf.get("at") or 0)
    if leaf.get("kind") == EntryKind.OBSERVED.value:
        labels = [label for result in body.get("results", ()) if (label := _label(result.get("label"))) is not None]
        return Source(record.id, str(leaf.get("summary")), at, join_all(labels)) if labels else None
    label = _label(body.get("label"))
    return Source(record.id, str(leaf.get("tool") or ""), at, label) if label is not None else None


def _label(said: Any) -> Label | None:
    if not isinstance(said, dict):
        return None
    try:
        return Label(Trust(said.get("integrity")), Sensitivity(said.get("confidentiality")))
    except ValueError:
        return None
