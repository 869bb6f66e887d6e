"""Agents whom an authority outside vouches for: an issuer's token, a certificate. Each subject has one run of its own.

The run is opened when its subject is first seen and has no end by itself. What maps the subject to it is a row like that of a
credential, so whatever ends credentials ends this. An operator who closes the run shuts the subject out until an operator lets
it in again; its next token opens no other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.run import OUTSIDE, Credential, Run, RunState
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, OpenRun, PutCredential, Unit
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.identify import Vouched, hash_of
from ringfence.engine.ids import Ids
from ringfence.engine.runs.runs import NotDone, Runs
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.identity import Outsider
from ringfence.ports.store import Store

MOST: Final = 5000
"""Open runs of subjects: an issuer that makes a new subject for every process must not fill the state."""
SUBJECT_MOST: Final = 800


class Outsiders:
    """From whom somebody outside vouches for to a run."""

    def __init__(self, *, runs: Runs, store: Store, clock: Clock, ids: Ids, catalogue: Catalogue) -> None:
        self._runs = runs
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self._one_at_a_time = asyncio.Lock()

    async def admit(self, outsider: Outsider) -> Vouched | str:
        """What stands for a subject in `identify`; else why it is not let in. Raises UnavailableError."""
        key = key_of(outsider.subject)
        found = await self._known(key, outsider)
        if found is None:
            async with self._one_at_a_time:
                found = await self._known(key, outsider) or await self._open(key, outsider)
        if isinstance(found, str):
            return found
        return Vouched(
            key=key,
            run=found.run,
            until=outsider.until,
            binding=outsider.binding,
            still=outsider.still,
            token=outsider.token,
        )

    async def readmit(self, run_id: RunId, *, by: str) -> Run | NotDone:
        """A new run for the subject of an old one, which ends if it has not: only an operator does this."""
        async with self._one_at_a_time:
            run = await self._store.run(run_id)
            found = [c for c in await self._store.credentials(run_id) if c.hash.startswith(OUTSIDE)]
            if run is None or not found:
                return NotDone(f"run `{run_id[:60]}` is not the newest run of somebody outside")
            return await self._replace(run, found[0].hash, run.agent, run.opened_by, run.task, by)

    async def _known(self, key: str, outsider: Outsider) -> Credential | str | None:
        """The row of the subject's run. None: it has to get one. Text: why it may not have one."""
        if AgentId(outsider.agent) not in self._catalogue.rules.agents:
            return f"{outsider.subject} maps to agent {outsider.agent}, which does not exist"
        credential = await self._store.credential(key)
        if credential is None:
            return None
        if credential.revoked:
            return f"run {credential.run} of {outsider.subject} was ended: `ringfence run readmit {credential.run}`"
        return credential if credential.agent == outsider.agent else None

    async def _open(self, key: str, outsider: Outsider) -> Credential | str:
        if len(outsider.subject) > SUBJECT_MOST:
            return f"the subject has {len(outsider.subject)} characters"
        by = f"{OUTSIDE}{outsider.subject}"
        known = await self._store.credential(key)
        if known is not None:
            before = await self._store.run(known.run)
            if before is None:
                raise UnavailableError(f"run {known.run} has a credential but no record")
            done = await self._replace(before, key, AgentId(outsider.agent), by, _task(outsider), "gateway")
            return done.why if isinstance(done, NotDone) else _row(key, done)
        open_now = sum(run.opened_by.startswith(OUTSIDE) for run in await self._store.runs())
        if open_now >= MOST:
            return f"{open_now} subjects have a run already; end some with `ringfence run close`"
        run = self._run(AgentId(outsider.agent), by, _task(outsider))
        unit = Unit((self._opened(run, "gateway", None),), (OpenRun(run, _row(key, run)),))
        return await self._record(unit) or _row(key, run)

    async def _replace(self, before: Run, key: str, agent: AgentId, opened_by: str, task: str, by: str) -> Run | NotDone:
        # Whoever stands behind the subject has read what the run before it was given.
        run = replace(self._run(agent, opened_by, task), label=before.label)
        if before.state is RunState.OPEN:
            closed = await self._runs.close(before.id, by=by, why="its subject gets another run")
            if isinstance(closed, NotDone):
                return closed
        opened = self._opened(run, by, before.id)
        if why := await self._record(Unit((opened,), (OpenRun(run, None),))):
            return NotDone(why)
        # Its own unit: the row moves to a run that has to be open by then.
        if why := await self._record(Unit((), (PutCredential(_row(key, run)),))):
            return NotDone(why)
        return run

    def _run(self, agent: AgentId, opened_by: str, task: str) -> Run:
        return Run(
            id=self._ids.run(),
            agent=agent,
            task=task,
            task_trusted=False,
            opened_by=opened_by,
            opened_at=self._clock.now(),
            expires_at=None,
        )

    def _opened(self, run: Run, by: str, before: RunId | None) -> Entry:
        return Entry(
            kind=EntryKind.RUN,
            at=run.opened_at,
            summary=f"run opened for {run.agent}, vouched for from outside",
            run=run.id,
            agent=run.agent,
            by=by,
            body={
                "task": run.task,
                "task_trusted": False,
                "subject": run.opened_by.removeprefix(OUTSIDE),
                "instead_of": before,
                "expires_at": None,
                "rules": self._catalogue.rules.digest,
            },
        )

    async def _record(self, unit: Unit) -> str:
        receipt = await self._store.record(unit)
        if isinstance(receipt, Conflict):
            return receipt.detail
        await receipt.durable()
        return ""


def key_of(subject: str) -> str:
    """Under which the row of a subject is kept."""
    return OUTSIDE + hash_of(subject)


def _row(key: str, run: Run) -> Credential:
    return Credential(hash=key, agent=run.agent, run=run.id, expires_at=None)


def _task(outsider: Outsider) -> str:
    return f"whatever {outsider.subject} asks for"
