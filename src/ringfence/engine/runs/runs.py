"""Opening, renewing and ending runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ringfence.core.model.binding import UNBOUND, BindingKind, is_binding, kind_of
from ringfence.core.model.grant import EVERYTHING, WIDEST_TREE, Grant, SpawnCaps
from ringfence.core.model.identifiers import AgentId, Millis, RunId, ToolId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.run import Credential, Run, RunState
from ringfence.core.model.stop import StopMode
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.model.words import Words
from ringfence.core.narrowing.grants import dropped, limited, narrow
from ringfence.core.own_tools.delegation import DELEGATE
from ringfence.core.own_tools.local_calls import LOCAL_TOOLS
from ringfence.core.own_tools.result_schema import SchemaFault, kept_schema
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import CloseRun, Conflict, ExtendRun, OpenRun, PutCredential, Unit
from ringfence.core.rules import AgentRule
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.identify import hash_of
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.ids import Ids
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

TASK_LIMIT = 20_000
"""Characters of a task statement."""
TREE_FULL = "close child runs that are done, or raise `delegate` of the agent"
GATEWAY = "gateway"
"""Who opened a run that nobody asked for."""
BINDING_FORMS = (
    "`uid:NUMBER`, `x5t:SHA-256 of a certificate` or `jkt:SHA-256 of a DPoP key`, the last two in base64url; "
    "the first two may be followed by `+jkt:...`"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A run with the one and only showing of its credential."""

    run: Run
    credential: str
    binding: str = UNBOUND
    """From whom alone the credential is accepted."""
    dropped: tuple[str, ...] = ()
    """What was asked for and not given, in words."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A run that is open once its entry and change are recorded."""

    opened: Opened
    entry: Entry
    change: OpenRun


@dataclass(frozen=True, slots=True)
class Continued:
    """What a run begins with that goes on where another was."""

    run: RunId
    label: Label
    words: tuple[Words, ...] = ()
    """What was said to that run, where the operator says that it counts here too."""


@dataclass(frozen=True, slots=True)
class NotDone:
    """An operator's or bridge's request that was refused, with what to do about it."""

    why: str
    remedy: str = ""
    code: ReasonCode | None = None
    """The precondition that failed, where a decision names it too."""


class Runs:
    """The life of runs."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, catalogue: Catalogue, alerts: Alerts | None = None) -> None:
        self._store = store
        self._alerts = alerts
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self.on_open: list[Callable[[Run], None]] = []
        """Called with each run that was opened, when that is durable."""
        self.on_close: list[Callable[[RunId, str], Awaitable[object]]] = []
        """Called with each run that was closed, and why, when that is durable."""
        self.on_end: list[Callable[[RunId, str], Awaitable[object]]] = []
        """Called with each run that ended because of time or of a run above it, and why."""

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
        asked: Grant = EVERYTHING,
        continues: Continued | None = None,
        result_schema: Mapping[str, Any] | None = None,
        is_kept: bool = False,
    ) -> Opened | NotDone:
        """Open a run. `by` is `operator:NAME` or `agent:NAME`; only an operator's task counts as trusted words.

        `binding` says from whom alone its credential is accepted. It is given what was `asked` for; a child never gets more
        than its parent has, and its tree never grows beyond what its parent's agent may have. Where it `continues` another run
        it begins with that one's label. One that `is_kept` is ended by whoever opens it, or by time, and not with its client.
        """
        opening = await self.prepare(
            agent,
            task,
            by=by,
            trusted=trusted,
            parent=parent,
            standing=standing,
            binding=binding,
            asked=asked,
            continues=continues,
            result_schema=result_schema,
            is_kept=is_kept,
        )
        if isinstance(opening, NotDone):
            return opening
        receipt = await self._store.record(Unit((opening.entry,), (opening.change,)))
        if isinstance(receipt, Conflict):
            remedy = TREE_FULL if receipt.code is ReasonCode.SPAWN_CAP else ""
            return NotDone(receipt.detail, remedy, receipt.code)
        await receipt.durable()
        await self.tell_opened(opening)
        return opening.opened

    async def tell_opened(self, opening: Opening) -> None:
        """What was prepared is recorded, and durable."""
        run = opening.opened.run
        for tell in self.on_open:
            tell(run)
        if self._alerts is not None and run.ancestors:
            with suppress(UnavailableError):  # it is open; only telling of its tree failed
                await self._tell_grown(run, opening.change.caps, self._alerts)

    async def _tell_grown(self, run: Run, caps: SpawnCaps, alerts: Alerts) -> None:
        parent, root = run.ancestors[0], run.ancestors[-1]
        tree = await self._store.runs_below(root)
        children = sum(each.ancestors[0] == parent for each in tree)
        rules, now = self._catalogue.rules, self._clock.now()
        alerts.caps.grown(parent, run.agent, children, root, len(tree) + 1, caps, rules, now)

    async def prepare(
        self,
        agent: AgentId,
        task: str,
        *,
        by: str,
        trusted: bool,
        parent: RunId | None = None,
        standing: bool = False,
        binding: str = UNBOUND,
        asked: Grant = EVERYTHING,
        continues: Continued | None = None,
        result_schema: Mapping[str, Any] | None = None,
        is_kept: bool = False,
    ) -> Opening | NotDone:
        """What would open a run; nothing is recorded yet. The arguments are those of `open`."""
        rule = self._catalogue.rules.agents.get(agent)
        if rule is None:
            known = ", ".join(sorted(self._catalogue.rules.agents)) or "none"
            return NotDone(f"there is no agent `{agent}`", f"configured agents: {known}")
        if rule.server is not None and by != GATEWAY:
            return NotDone(f"{agent} is server {rule.server} in its box: the gateway alone opens its run")
        if len(task) > TASK_LIMIT:
            return NotDone(f"the task has {len(task)} characters", f"state it in at most {TASK_LIMIT}")
        if rule.box is not None and kind_of(binding) is not BindingKind.BOX:
            return NotDone(f"agent {agent} lives in boxes only", f'`ringfence run --agent {agent} --task "..." -- COMMAND`')
        if binding and not is_binding(binding):
            return NotDone(f"`{binding[:80]}` is nobody to bind a credential to", BINDING_FORMS)
        schema = "" if result_schema is None else kept_schema(result_schema)
        if isinstance(schema, SchemaFault):
            return NotDone(schema.why, "docs/provenance.md says what a result schema may be", ReasonCode.ARGUMENTS)
        if schema and parent is None:
            return NotDone("a result is handed to the run above, and there is none", "give a parent, or no result schema")
        ancestors: tuple[RunId, ...] = ()
        given, caps = asked, WIDEST_TREE
        if parent is not None:
            above = await self._store.run(parent)
            if above is None or above.state is not RunState.OPEN:
                return NotDone(f"parent run `{parent}` is not open")
            ancestors = (above.id, *above.ancestors)
            given = narrow(above.grant, asked)
            above_rule = self._catalogue.rules.agents.get(above.agent)
            caps = (above_rule.delegate if above_rule is not None else None) or WIDEST_TREE
        if given.tools is not None:
            given = replace(given, tools=frozenset(tool for tool in given.tools if self._exists(tool, rule)))
        now = self._clock.now()
        expires_at: Millis | None = None if standing else now + rule.run_ttl_s * 1000
        if given.until is not None:
            if given.until <= now:
                return NotDone("the time that was given is over", "ask for a later end", ReasonCode.RUN_EXPIRED)
            expires_at = given.until if expires_at is None else min(expires_at, given.until)
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
            grant=given,
            label=continues.label if continues is not None else CLEAN,
            words=continues.words if continues is not None else (),
            result_schema=schema,
            is_kept=is_kept,
        )
        left_out = dropped(asked, given)
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
                **({"kept": True} if is_kept else {}),
                "binding": binding,
                "rules": self._catalogue.rules.digest,
                **({"grant": grant_view(given), "dropped": list(left_out)} if given != EVERYTHING else {}),
                **({"result_schema": dict(result_schema)} if result_schema is not None else {}),
                **(_continued_view(continues) if continues is not None else {}),
            },
        )
        return Opening(Opened(run, secret, binding, left_out), entry, OpenRun(run, credential, caps))

    def _exists(self, tool: ToolId, rule: AgentRule) -> bool:
        if tool == DELEGATE:
            return rule.delegate is not None
        if tool in LOCAL_TOOLS:
            return rule.local is not None
        known = self._catalogue.rules.tools.get(tool)
        return known is not None and rule.has(known)

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
        for ancestor in run.ancestors:
            above = await self._store.run(ancestor)
            if above is None or _has_ended(above, now):
                return NotDone(f"run {ancestor} above has ended")
        # What is killed does not outlive its time, also where whoever killed it thinks of something else.
        reach = await reach_of(self._store, run)
        if killed := [stop for stop in self._store.stops_on(reach) if stop.mode is StopMode.KILL]:
            return NotDone(f"kill of {killed[0].scope} is in force")
        if (spent := await self._out_of_calls(run)) is not None:
            return NotDone(f"run {spent} has used all its calls", f"`ringfence budget raise {spent}`")
        expires_at = now + rule.run_ttl_s * 1000
        if run.grant.until is not None:
            expires_at = min(expires_at, run.grant.until)
        receipt = await self._store.record(Unit((), (ExtendRun(run.id, hash_of(credential), expires_at),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.journaled()
        return await self._store.run(run_id) or NotDone("the run is not open")

    async def _out_of_calls(self, run: Run) -> RunId | None:
        """Of a run and those above it the first that has no call left."""
        for link in (run, *[await self._store.run(ancestor) for ancestor in run.ancestors]):
            rule = self._catalogue.rules.agents.get(link.agent) if link is not None else None
            if link is None or rule is None:
                continue
            account, cap = await self._store.account(link.id), limited(rule.limits, link.grant).calls_per_run
            if cap is not None and account.spent >= cap + account.extra:
                return link.id
        return None

    async def close(self, run_id: RunId, *, by: str, why: str) -> Run | NotDone:
        """End a run and every run below it: their credentials are revoked, their later calls denied."""
        closed = await self._close(run_id, by=by, why=why)
        if isinstance(closed, Run):
            # The subtree is denied by now: what follows revokes its credentials, records it, and makes room in the tree.
            for below in await self._store.runs_below(run_id):
                await self._close_below(below, f"run {run_id} above it was closed")
        return closed

    async def sweep(self) -> int:
        """End the child runs that have expired, or that stand below a run that has ended. Run on a timer."""
        now, count = self._clock.now(), 0
        for run in await self._store.child_runs():
            for link in (run, *[await self._store.run(ancestor) for ancestor in run.ancestors]):
                if link is None or _has_ended(link, now):
                    ended = "it expired" if link is run else f"run {run.ancestors[0]} above it ended"
                    count += await self._close_below(run, ended)
                    break
        return count

    async def _close_below(self, run: Run, why: str) -> bool:
        closed = await self._close(run.id, by="gateway", why=why)
        if isinstance(closed, Run):
            for tell in self.on_end:
                await tell(run.id, why)
        return isinstance(closed, Run)

    async def _close(self, run_id: RunId, *, by: str, why: str) -> Run | NotDone:
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
        for tell in self.on_close:
            await tell(run.id, why)
        return run

    async def reset_standing(self, agent: AgentId, *, by: str, binding: str = UNBOUND) -> Opened | NotDone:
        """Replace the one standing run of an agent's static credential. Only an operator does this."""
        for run in await self._store.runs():
            if run.agent == agent and run.standing:
                await self.close(run.id, by=by, why="standing run reset")
        return await self.open(agent, "", by=by, trusted=False, standing=True, binding=binding)

    async def add_credential(self, run_id: RunId, *, binding: str = UNBOUND, lasting: bool = False) -> str | NotDone:
        """A further credential of an open run, for a second client of the same run.

        One that is `lasting` ends with the run alone: it is for whoever stays in this process and asks for no renewal.
        """
        run = await self._store.run(run_id)
        if run is None:
            return NotDone(f"there is no run `{run_id}`")
        secret = self._ids.run_credential()
        until = None if lasting else run.expires_at
        credential = Credential(hash=hash_of(secret), agent=run.agent, run=run.id, expires_at=until, binding=binding)
        receipt = await self._store.record(Unit((), (PutCredential(credential),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        return secret


def grant_view(grant: Grant) -> dict[str, Any]:
    """A grant as the log and people have it; a member that is missing means no bound."""
    view: dict[str, Any] = {}
    if grant.tools is not None:
        view["tools"] = sorted(grant.tools)
    if grant.bounds:
        view["bounds"] = [
            f"{tool}:{bound.pointer} {bound.operation.value} {bound.operand!r}"
            for tool, bounds in sorted(grant.bounds.items())
            for bound in bounds
        ]
    for name in ("calls", "depth", "until"):
        if (value := getattr(grant, name)) is not None:
            view[name] = value
    return view


def _continued_view(continues: Continued) -> dict[str, Any]:
    label = {"label_after": continues.label.view()} if continues.label != CLEAN else {}
    return {"continues": continues.run, "words_kept": len(continues.words), **label}


def _has_ended(run: Run, now: Millis) -> bool:
    return run.state is not RunState.OPEN or (run.expires_at is not None and now >= run.expires_at)
