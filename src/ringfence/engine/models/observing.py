"""What the messages proxy sees of a run besides what it asks: tools that ran beside the gateway, and what they gave the run.

    read = await observing.read(principal, act, body)        # what is asked, and what is sent
    await observing.note(principal, read.request, digest)    # recorded before the request is decided

A result is in the log, and its label in the run's, before the model can make anything of it. Each id is recorded once in a run,
whatever comes again with the history; what is recorded is known from the log after a restart.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ringfence.core.metering.observed import ToolResult, ToolUse, result_key, use_key
from ringfence.core.metering.prompts import system_key, tools_key
from ringfence.core.metering.request import MOST_OBSERVED, ModelRequest, Unreadable
from ringfence.core.metering.rules import SecretsAction
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.label import CLEAN, Label, join_all
from ringfence.core.model.run import Run
from ringfence.core.observing.acts import Given, beyond, given, observed_entries
from ringfence.core.own_tools.modelling import Act
from ringfence.core.records.entry import EntryKind
from ringfence.core.records.unit import Conflict, JoinLabel, Unit
from ringfence.core.scan.redactor import RULE as OWN
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.identify import Principal
from ringfence.engine.models.noted import Noted, RunNotes
from ringfence.engine.models.prompts import Prompts
from ringfence.engine.models.reading import Read, RequestReader
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditLog, AuditQuery
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

Risen = Callable[[RunId], Awaitable[None]]
_DONE: Final = {"mask": "it was masked", "refuse": "the request was refused", "flag": "it was let through"}
_PAGE: Final = 1000
_MOST_PAGES: Final = 20
"""Entries of one kind that are read again of a run, in thousands."""


class Observing:
    """Of all runs of one gateway."""

    def __init__(
        self,
        *,
        store: Store,
        log: AuditLog,
        clock: Clock,
        catalogue: Catalogue,
        noted: Noted,
        redactor: Redactor,
        prompts: Prompts,
        alerts: Alerts,
        risen: Risen,
    ) -> None:
        """`risen` is told that a run was given what raises its label."""
        self._store = store
        self._log = log
        self._clock = clock
        self._catalogue = catalogue
        self._noted = noted
        self._reader = RequestReader(redactor)
        self._risen = risen
        self._prompts = prompts
        self._alerts = alerts

    async def read(self, principal: Principal, act: Act, body: bytes) -> Read | Unreadable:
        """What a body asks for, and what is sent of it. Raises UnavailableError."""
        rules = self._catalogue.rules.models
        assert rules is not None  # INVARIANT: without them the proxy serves nothing
        notes = await self._notes_of(await self._run(principal.run))
        return await self._reader.read(act, body, rules, notes)

    async def note(self, principal: Principal, request: ModelRequest, digest: str) -> None:
        """Record what is new in a request that was read, whatever will be decided about it. Raises UnavailableError.

        `digest`: SHA-256 of the body that is sent, by which the decision on it is found.
        """
        run = await self._run(principal.run)
        notes = await self._notes_of(run)
        await self._acts(principal, run, notes, request, digest)
        if request.prompt_parts or request.tool_parts:
            await self._prompts.note(run, request, digest)
            notes.note_shown((system_key(request.system), tools_key(request.tools)))

    def decided(self, principal: Principal, read: Read, entry: str) -> None:
        """A request was decided: tell people of secrets in it, once in a run for each rule and what became of it."""
        if read.secrets is None:
            return
        for rule in dict.fromkeys(one.rule for one in read.secrets.found):
            # What the gateway itself knows is masked where other credentials are let through.
            done = _DONE["mask" if rule == OWN and read.secrets.action != SecretsAction.REFUSE else read.secrets.action]
            self._alerts.secret_in_request(rule, done, entry, agent=principal.agent, run=principal.run)

    async def _acts(self, principal: Principal, run: Run, notes: RunNotes, request: ModelRequest, digest: str) -> None:
        fresh = {use.id: use for use in request.uses if use.id and use_key(use.id) not in notes}
        results = {one.id: one for one in request.results if one.id and result_key(one.id) not in notes}
        if not fresh and not results:
            return
        told = self._given(principal, notes, fresh, list(results.values()))
        uses = [use for use in fresh.values() if not notes.is_named(use)]
        label = join_all([run.label, *[above.label for above in await self._above(run)]])
        if not notes.has_room:
            # Nothing more is told of this run, but for what raises its label.
            uses, told = [], [one for one in told if not label.covers(one.label)]
        entries, brings = observed_entries(
            at=self._clock.now(),
            run=run.id,
            agent=run.agent,
            request=digest,
            before=label,
            uses=uses,
            results=told,
            beyond=self._beyond(principal) if len(request.results) >= MOST_OBSERVED else CLEAN,
        )
        if notes.has_room:
            notes.note(fresh.values(), results)
        if not entries:
            return
        changes = () if run.label.covers(brings) else (JoinLabel(run.id, brings),)
        try:
            receipt = await self._store.record(Unit(entries, changes))
            if isinstance(receipt, Conflict):
                raise UnavailableError(f"could not be recorded: {receipt.detail}")
        except UnavailableError:
            notes.forget(fresh, results)
            raise
        if not label.covers(brings):
            await self._risen(run.id)

    def _given(
        self, principal: Principal, notes: RunNotes, fresh: Mapping[str, ToolUse], results: Sequence[ToolResult]
    ) -> list[Given]:
        """The new results, without those that the entry of a call of the gateway's own tells of."""
        rules = self._catalogue.rules.models
        known = rules.local_tools_of(principal.agent) if rules is not None else ()

        def use_of(id: str) -> ToolUse | None:
            return fresh.get(id) or notes.use_of(id)

        beside = [one for one in results if (use := use_of(one.id)) is None or not notes.is_named(use)]
        return given(beside, use_of, notes.call_of, known)

    def _beyond(self, principal: Principal) -> Label:
        rules = self._catalogue.rules.models
        return beyond(rules.local_tools_of(principal.agent) if rules is not None else ())

    async def _run(self, run: RunId) -> Run:
        found = await self._store.run(run)
        if found is None:
            raise UnavailableError(f"run {run} has a credential but no record")
        return found

    async def _above(self, run: Run) -> list[Run]:
        found = [await self._store.run(ancestor) for ancestor in run.ancestors]
        return [one for one in found if one is not None]

    async def _notes_of(self, run: Run) -> RunNotes:
        notes = self._noted.of(run.id)
        if not notes.is_loaded:
            if run.opened_at <= self._noted.since:
                await self._load(run.id, notes)
            notes.is_loaded = True
        return notes

    async def _load(self, run: RunId, notes: RunNotes) -> None:
        """What the log has of a run that is older than this process, or was forgotten here."""
        for kind, text in (
            (EntryKind.DECISION, '"tool_use":'),
            (EntryKind.OUTCOME, '"tool_uses":'),
            (EntryKind.OBSERVED, None),
        ):
            query = AuditQuery(run=run, kind=kind.value, text=text, limit=_PAGE)
            for _ in range(_MOST_PAGES):
                page = await self._log.query(query)
                for record in page:
                    notes.note_again(json.loads(record.leaf))
                if len(page) < _PAGE:
                    break
                query = replace(query, before=page[-1].seq)
