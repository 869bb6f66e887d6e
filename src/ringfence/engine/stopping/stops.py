"""Kill, pause and disable: what operators say when it has to end now.

A stop is acknowledged only when no new upstream call can start in its scope (I6):
 1. the stop is in force for every reader, before anything else happens;
 2. it is durable;
 3. calls under way in scope are cancelled upstream, and each has come to its recorded end or is listed as still open; answers
    that are passed on as they come are cut, and their outcomes are recorded in turn;
 4. tickets in scope are withdrawn.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ringfence.core.model.identifiers import RunId
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.stop import Reach, Scope, ScopeKind, Stop, StopMode, covers
from ringfence.core.own_tools.names import own_tools_of
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import AddStop, Conflict, LiftStop, Unit
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.ids import Ids
from ringfence.engine.people.approvals import LIVE, Approvals
from ringfence.engine.runs.runs import NotDone
from ringfence.engine.steps import AtStep, Step, nothing
from ringfence.engine.stopping.inflight import Flight, Inflight
from ringfence.engine.waiting.waiting import settled
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

LANDING_S = 1.0
"""How long a young call may take to answer before it is cancelled: its bytes may still lie in a socket buffer."""
CANCEL_S = 5.0
"""How long an acknowledgement waits for cancelled calls to end."""


@dataclass(frozen=True, slots=True)
class InflightCall:
    """A call that was under way when the stop came."""

    call: str
    entry: str
    agent: str
    run: str
    tool: str
    sent: bool
    ended: bool
    """False: it was cancelled but has not come to its end yet."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The acknowledgement."""

    stop: Stop
    entry: str | None
    """None where nothing can be written at the moment: the stop holds, see `durable`."""
    durable: bool
    """False: it holds in this process, and the disk would not take it. Do not restart before that is mended."""
    inflight: tuple[InflightCall, ...]
    withdrawn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lifted:
    stop: Stop
    entry: str
    single_person: bool
    """Lifted by the one who set it, because there is no second operator."""


class Stops:
    """Everything that operators can halt, and let go on."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        inflight: Inflight,
        approvals: Approvals,
        catalogue: Catalogue,
        alerts: Alerts,
        at_step: AtStep = nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._inflight = inflight
        self._approvals = approvals
        self._catalogue = catalogue
        self._alerts = alerts
        self._at = at_step

    async def stop(self, mode: StopMode, scope: Scope, *, reason: str, by: str) -> Stopped | NotDone:
        """Put a stop in force and acknowledge it. `by` is `operator:NAME`, or `lever` for the file in the state directory."""
        if (refusal := await self._unknown_target(scope)) is not None:
            return refusal
        now = self._clock.now()
        stop = Stop(id=self._ids.stop(), mode=mode, scope=scope, reason=reason[:1000], by=by, at=now)
        entry = Entry(
            kind=EntryKind.CONTROL,
            at=now,
            summary=f"{mode.value} of {scope}",
            run=None,
            agent=scope.agent,
            decision=mode.value,
            by=by,
            body={
                "stop": stop.id,
                "scope": {"kind": scope.kind.value, "target": scope.target, "agent": scope.agent},
                "reason": stop.reason,
            },
        )
        self._at(Step.STOP)
        receipt = await self._store.record(Unit((entry,), (AddStop(stop),)))
        assert not isinstance(receipt, Conflict)  # INVARIANT: a stop is never refused
        spared = mode is StopMode.PAUSE
        if not spared:
            self._inflight.drop(scope)
        flights = [
            flight
            for flight in self._inflight.all()
            if covers(scope, flight.reach) and not (spared and flight.sent and flight.cut is not None)
        ]
        landing = asyncio.create_task(self._land(flights))
        entry_id, durable = None, True
        try:
            await receipt.durable()
            entry_id = f"e{receipt.first_seq}"
        except UnavailableError:
            durable = False
        ended = await landing
        withdrawn = await self._withdraw(scope, stop)
        self._at(Step.STOPPED)
        self._alerts.stopped(stop)
        return Stopped(
            stop=stop,
            entry=entry_id,
            durable=durable,
            inflight=tuple(
                InflightCall(f.call, f.entry, f.reach.agent, f.reach.runs[0], f.reach.tool, f.sent, f in ended) for f in flights
            ),
            withdrawn=withdrawn,
        )

    async def _land(self, flights: list[Flight]) -> set[Flight]:
        """Cancel what is under way; answer which calls have come to their end. Of answers that are cut where they are, however
        many, the outcomes are recorded after the acknowledgement: what counts is that nobody gets a byte of them any more.

        A call that was sent a moment ago gets until `LANDING_S` after its start, so that a request lying in a socket buffer
        has been read by its server, and answered or cancelled, before the stop is acknowledged.
        """
        if not flights:
            return set()
        now = self._clock.now()
        for flight in flights:
            if not flight.sent or flight.cut is not None:
                flight.stop()
        young = [f for f in flights if f.sent and f.cut is None and now - f.since < LANDING_S * 1000]
        for flight in flights:
            if flight not in young:
                flight.stop()
        if young:
            await settled([flight.landed.wait() for flight in young], self._clock, LANDING_S)
            for flight in young:
                flight.stop()
        await settled([flight.wait_over() for flight in flights], self._clock, CANCEL_S)
        return {flight for flight in flights if flight.is_over}

    async def finish(self) -> tuple[str, ...]:
        """Withdraw what the stops in force would have withdrawn, had the process lived and the disk worked.

        A stop and its withdrawals are several transactions: a stop that was cut off between them must not leave an approved
        ticket behind that works again once the stop is lifted. Answers the tickets.
        """
        withdrawn: list[str] = []
        for stop in await self._store.stops():
            withdrawn += await self._withdraw(stop.scope, stop)
        return tuple(withdrawn)

    async def _withdraw(self, scope: Scope, stop: Stop) -> tuple[str, ...]:
        if stop.mode is StopMode.PAUSE:
            return ()
        try:
            live = await self._store.tickets(LIVE)
            hit = []
            for ticket in live:
                run = await self._store.run(ticket.run)
                if run is None:
                    reach = Reach(ticket.agent, (ticket.run,), ticket.server, ticket.tool)
                else:
                    reach = await reach_of(self._store, run, ticket.server, ticket.tool)
                if covers(scope, reach):
                    hit.append(ticket)
            gone = await self._approvals.withdraw(hit, f"{stop.mode.value} of {scope}", stop.by)
        except UnavailableError:
            return ()  # the stop holds all the same, and the `standing` check denies every claim
        return tuple(ticket.id for ticket in gone)

    async def lift(self, stop_id: str, operator: Operator, *, reason: str, confirmed: bool) -> Lifted | NotDone:
        """Let go on. A kill needs a second operator; where there is none, a second confirmation and a reason."""
        stop = next((known for known in await self._store.stops() if known.id == stop_id), None)
        if stop is None:
            return NotDone(f"no stop `{stop_id}` is in force", "`ringfence stops` lists them")
        if operator.role is not Role.ADMIN and stop.mode is StopMode.KILL:
            return NotDone(f"{operator.name} is not an admin", "un-kill needs an admin")
        if operator.role is Role.VIEWER:
            return NotDone(f"{operator.name} is a viewer", "this needs the role approver or admin")
        single = False
        if stop.mode is StopMode.KILL and stop.by == f"operator:{operator.name}":
            admins = [o for o in (await self._store.operators()).values() if o.role is Role.ADMIN and o.name != operator.name]
            if admins:
                names = ", ".join(sorted(o.name for o in admins))
                return NotDone(f"{operator.name} set this kill", f"somebody else has to lift it: {names}")
            if not confirmed or not reason.strip():
                return NotDone(
                    "you are the only admin, so this needs a second confirmation and a reason", "confirm, with a reason"
                )
            single = True
        if stop.mode is StopMode.KILL and not reason.strip():
            return NotDone("lifting a kill needs a reason")
        now = self._clock.now()
        entry = Entry(
            kind=EntryKind.CONTROL,
            at=now,
            summary=f"lifted: {stop.mode.value} of {stop.scope}{' (single person)' if single else ''}",
            decision="lift",
            by=f"operator:{operator.name}",
            body={"stop": stop.id, "set_by": stop.by, "reason": reason[:1000], "single_person": single},
        )
        receipt = await self._store.record(Unit((entry,), (LiftStop(stop_id, now),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        self._alerts.lifted(stop, f"operator:{operator.name}")
        return Lifted(stop, f"e{receipt.first_seq}", single)

    async def in_force(self) -> tuple[Stop, ...]:
        return await self._store.stops()

    async def _unknown_target(self, scope: Scope) -> NotDone | None:
        """A stop on a name that nobody knows would look like containment and be none."""
        rules = self._catalogue.rules
        known: set[str]
        match scope.kind:
            case ScopeKind.EVERYTHING:
                return None
            case ScopeKind.AGENT:
                known = set(rules.agents)
            case ScopeKind.SERVER:
                known = {*rules.servers, *(own.rule.server for agent in rules.agents.values() for own in own_tools_of(agent))}
            case ScopeKind.TOOL:
                known = {*rules.tools, *(own.rule.id for agent in rules.agents.values() for own in own_tools_of(agent))}
                if scope.agent is not None and scope.agent not in rules.agents:
                    return NotDone(f"there is no agent `{scope.agent}`", f"known: {', '.join(sorted(rules.agents))}")
            case ScopeKind.RUN:
                run = await self._store.run(RunId(scope.target))
                return (
                    None if run is not None else NotDone(f"there is no run `{scope.target}`", "`ringfence run list` shows them")
                )
        if scope.target in known:
            return None
        return NotDone(f"there is no {scope.kind.value} `{scope.target}`", f"known: {', '.join(sorted(known))}")
