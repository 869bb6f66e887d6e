"""Opening, renewing and ending runs."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.entry import Entry, EntryKind
from ringfence.core.model.binding import UNBOUND, is_binding
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.run import Credential, Run, RunState
from ringfence.core.unit import CloseRun, Conflict, ExtendRun, OpenRun, PutCredential, Unit
from ringfence.engine.catalogue import Catalogue
from ringfence.engine.identify import hash_of
from ringfence.engine.ids import Ids
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

TASK_LIMIT = 20_000
"""Characters of a task statement."""
BINDING_FORMS = "`uid:NUMBER`, `x5t:SHA-256 of a certificate` or `jkt:SHA-256 of a DPoP key`, the last two in base64url"


@dataclass(frozen=True, slots=True)
class Opened:
    """A run with the one and only showing of its credential."""

    run: Run
    credential: str
    binding: str = UNBOUND
    """From whom alone the credential is accepted."""


@dataclass(frozen=True, slots=True)
class NotDone:
    """An operator's or bridge's request that was refused, with what to do about it."""

    why: str
    remedy: str = ""


class Runs:
    """The life of runs."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue

    async def open(
        self,
        agent: AgentId,
        task: str,
        *,
        by: str,
        trusted: bool,
        parent: RunId | None = None,
        standing: bool = False,
        binding: str = UNBOUND,
    ) -> Opened | NotDone:
        """Open a run. `by` is `operator:NAME` or `agent:NAME`; only an operator's task counts as trusted words.

        `binding` says from whom alone its credential is accepted.
        """
        rule = self._catalogue.rules.agents.get(agent)
        if rule is None:
            known = ", ".join(sorted(self._catalogue.rules.agents)) or "none"
            return NotDone(f"there is no agent `{agent}`", f"configured agents: {known}")
        if len(task) > TASK_LIMIT:
            return NotDone(f"the task has {len(task)} characters", f"state it in at most {TASK_LIMIT}")
        if binding and not is_binding(binding):
            return NotDone(f"`{binding[:80]}` is nobody to bind a credential to", BINDING_FORMS)
        ancestors: tuple[RunId, ...] = ()
        if parent is not None:
            above = await self._store.run(parent)
            if above is None or above.state is not RunState.OPEN:
                return NotDone(f"parent run `{parent}` is not open")
            ancestors = (above.id, *above.ancestors)
        now = self._clock.now()
        expires_at: Millis | None = None if standing else now + rule.run_ttl_s * 1000
        run = Run(
            id=self._ids.run(),
            agent=agent,
            task=task,
            task_trusted=trusted,
            opened_by=by,
            opened_at=now,
            expires_at=expires_at,
            ancestors=ancestors,
            standing=standing,
        )
        secret = self._ids.run_credential()
        credential = Credential(hash=hash_of(secret), agent=agent, run=run.id, expires_at=expires_at, binding=binding)
        entry = Entry(
            kind=EntryKind.RUN,
            at=now,
            summary=f"run opened for {agent}",
            run=run.id,
            agent=agent,
            by=by,
            body={
                "task": task,
                "task_trusted": trusted,
                "parent": parent,
                "expires_at": expires_at,
                "standing": standing,
                "binding": binding,
                "rules": self._catalogue.rules.digest,
            },
        )
        receipt = await self._store.record(Unit((entry,), (OpenRun(run, credential),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        return Opened(run, secret, binding)

    async def renew(self, run_id: RunId, credential: str) -> Run | NotDone:
        """Move the expiry of a run and its credential. The holder asks; a run that has ended cannot be renewed."""
        run = await self._store.run(run_id)
        rule = self._catalogue.rules.agents.get(run.agent) if run else None
        now = self._clock.now()
        if run is None or rule is None or run.state is not RunState.OPEN:
            return NotDone("the run is not open")
        if run.expires_at is None:
            return run
        if now >= run.expires_at:
            return NotDone("the run has expired")
        expires_at = now + rule.run_ttl_s * 1000
        receipt = await self._store.record(Unit((), (ExtendRun(run.id, hash_of(credential), expires_at),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.journaled()
        return await self._store.run(run_id) or NotDone("the run is not open")

    async def close(self, run_id: RunId, *, by: str, why: str) -> Run | NotDone:
        """End a run: its credentials are revoked, its later calls denied."""
        run = await self._store.run(run_id)
        if run is None:
            return NotDone(f"there is no run `{run_id}`")
        entry = Entry(
            kind=EntryKind.RUN,
            at=self._clock.now(),
            summary=f"run closed: {why}"[:200],
            run=run.id,
            agent=run.agent,
            by=by,
            body={"why": why},
        )
        receipt = await self._store.record(Unit((entry,), (CloseRun(run.id, entry.at),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        for upstream in self._catalogue.upstreams.values():
            await upstream.forget(f"run:{run.id}")
        return run

    async def reset_standing(self, agent: AgentId, *, by: str, binding: str = UNBOUND) -> Opened | NotDone:
        """Replace the one standing run of an agent's static credential. Only an operator does this."""
        for run in await self._store.runs():
            if run.agent == agent and run.standing:
                await self.close(run.id, by=by, why="standing run reset")
        return await self.open(agent, "", by=by, trusted=False, standing=True, binding=binding)

    async def add_credential(self, run_id: RunId) -> str | NotDone:
        """A further credential of an open run, for a second client of the same run."""
        run = await self._store.run(run_id)
        if run is None:
            return NotDone(f"there is no run `{run_id}`")
        secret = self._ids.run_credential()
        credential = Credential(hash=hash_of(secret), agent=run.agent, run=run.id, expires_at=run.expires_at)
        receipt = await self._store.record(Unit((), (PutCredential(credential),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        return secret
