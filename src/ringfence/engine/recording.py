"""Step 4: what was decided becomes durable, with what it changes: the reservation, the refusal, or the ticket.

One transaction each. What was allowed is acted on from here (acting.py), because it is sent only when it is recorded.
"""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.guards.halting import halted_run
from ringfence.core.labelling import incoming, rising
from ringfence.core.ledger.running_out import RanOut, ran_out
from ringfence.core.mcp.client_meta import ClientMeta
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.label import CLEAN, Label, memory_place
from ringfence.core.model.local import LOCAL
from ringfence.core.model.model_use import MODEL
from ringfence.core.model.profile import Effect, ToolProfile
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.model.verdict import Decision, Level, Reason, ReasonCode
from ringfence.core.own_tools.delegation import DELEGATE
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.records.unit import AddTicket, Change, Conflict, ExtendRun, JoinLabel, MoveTicket, Reserve, Unit
from ringfence.engine.acting import Actor, kept, recorded
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import AgentView, Catalogue
from ringfence.engine.entries import decision_entry
from ringfence.engine.facts import Case
from ringfence.engine.identity.identify import Principal, Vouched
from ringfence.engine.identity.reaching import reach_in
from ringfence.engine.ids import Ids
from ringfence.engine.outcome import Outcome, Refused, Returned, Waiting
from ringfence.engine.request import ClientSide
from ringfence.engine.runs.delegating import opening_for
from ringfence.engine.runs.handing import Handed, carried_out
from ringfence.engine.runs.runs import NotDone, Opening, Runs
from ringfence.engine.steps import AtStep, Step, nothing
from ringfence.engine.stopping.guards import Guards
from ringfence.engine.tickets import is_waited_for, moves_for, new_ticket, still_waits
from ringfence.engine.waiting.waiters import Waiters
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store


class Recording:
    """Of one engine."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        catalogue: Catalogue,
        runs: Runs,
        alerts: Alerts,
        waiters: Waiters,
        guards: Guards,
        actor: Actor,
        at_step: AtStep = nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self._runs = runs
        self._alerts = alerts
        self._waiters = waiters
        self._guards = guards
        self._actor = actor
        self._at = at_step

    async def allow(self, case: Case, decision: Decision, client: ClientSide, vouched: Vouched | None) -> Outcome:
        call, facts = case.call, case.facts
        caps = tuple((link.run.id, link.limits.calls_per_run) for link in facts.chain)
        tool, raised = facts.tool, ()
        brings: Label | None = None
        if tool is not None:
            profile = tool.profile_for(call.value)
            kept_there = self._store.label_of(memory_place(call.server)) if profile.memory else CLEAN
            raised = rising(call, profile, facts.chain[0].run, facts.label, kept_there)
            # With the reservation as well: an operator may have lowered the run's label since the facts were gathered.
            brings = incoming(profile, kept_there)
        handed: Handed | None = None
        if call.tool == HANDOFF:
            handed = carried_out(call, facts)
            brings = handed.brings.joined(brings or CLEAN)
            raised = raised if facts.chain[0].run.label.covers(brings) else (JoinLabel(call.run, brings),)
        changes: list[Change] = [
            Reserve(
                call.id,
                call.tool,
                caps,
                facts.charges,
                facts.now,
                brings if brings != CLEAN else None,
                counts=call.server != MODEL,
            )
        ]
        if decision.consumes is not None:
            approved, why = frozenset({TicketState.APPROVED}), f"used by call {call.id}"
            changes.append(MoveTicket(decision.consumes, approved, TicketState.CONSUMED, facts.now, why))
            if call.server != LOCAL:
                # Nobody was shown a vendor's keys, so nobody approved what a server may do on them.
                client = replace(client, meta=ClientMeta(trace=client.meta.trace))
        changes.extend(raised)
        changes.extend(handed.changes if handed is not None else ())
        if (renewal := _renewal_due(case.principal, case.view, facts)) is not None:
            changes.append(renewal)
        opening: Opening | None = None
        if call.tool == DELEGATE:
            # In one transaction with the decision: either both stand, or the child does not exist.
            child = await opening_for(call, facts.now, case.principal, case.view, self._runs)
            if isinstance(child, NotDone):
                reason = Reason(child.code or ReasonCode.ARGUMENTS, "delegate", child.why)
                return await self.deny(case, Decision(Level.DENY, (reason,)))
            opening = child
            changes.append(opening.change)
        self._at(Step.RECORD)
        risen = next((change.label for change in raised if type(change) is JoinLabel), CLEAN)
        entry = decision_entry(call, facts, decision, self._catalogue.rules.digest, None, client.meta, risen)
        entries = (entry, *((opening.entry,) if opening is not None else ()), *(handed.entries if handed is not None else ()))
        receipt = await self._store.record(Unit(entries, tuple(changes)))
        if isinstance(receipt, Conflict):
            # Somebody else took the last of the budget, or the ticket, between the facts and here.
            code = receipt.code or ReasonCode.APPROVAL_USED
            level = Level.HALT if code is ReasonCode.STOP_CONDITION else Level.DENY
            return await self.deny(case, Decision(level, (Reason(code, "record", receipt.detail),)))
        self._alerts.caps.reserved(facts, self._catalogue.rules, counts=call.server != MODEL)
        outcome = await self._actor.act(call, facts, receipt, client, vouched, opening, handed)
        await self._guards.settled(call.run)
        if opening is not None and isinstance(outcome, Returned):
            await self._runs.tell_opened(opening)
        return outcome

    async def deny(self, case: Case, decision: Decision) -> Refused:
        call, tool = case.call, case.facts.tool
        entry = decision_entry(call, case.facts, decision, self._catalogue.rules.digest, None, case.meta)
        receipt = await recorded(self._store, Unit((entry,)))
        await kept(receipt.journaled())
        refused = Refused(decision.level, decision.reasons, f"e{receipt.first_seq}", await self._ran_out(case))
        if refused.ran_out is not None:
            self._alerts.caps.ran_out(refused.ran_out, call, f"e{receipt.first_seq}", case.facts.now)
        else:
            self._alerts.caps.refused(case.facts, call, f"e{receipt.first_seq}", decision.reasons)
        await self._guard(case, decision)
        if tool is not None and _is_large(tool.profile_for(call.value)):
            self._alerts.large_action_blocked(call, refused)
        if any(reason.code is ReasonCode.HANDOFF for reason in decision.reasons):
            self._alerts.handoff_refused(call, refused)
        return refused

    async def _guard(self, case: Case, decision: Decision) -> None:
        """What a refusal tells of the run; and the pause of one that was halted, in force before its agent hears of it."""
        call, facts = case.call, case.facts
        reach = reach_in(call, facts)
        if decision.level is Level.HALT:
            self._guards.halted(halted_run(facts), reach, decision.reasons)
        else:
            profile = facts.tool.profile_for(call.value) if facts.tool is not None else None
            self._guards.refused(call, reach, profile, decision.reasons, facts.now)
        await self._guards.settled(call.run)

    async def _ran_out(self, case: Case) -> RanOut | None:
        """Which cap of models a request would have passed, as it is by now."""
        charges = case.facts.charges
        if case.call.server != MODEL or not charges:
            return None
        meters = await self._store.meters([charge.meter for charge in charges])
        return ran_out(charges, meters, self._clock.now())

    async def ask(self, case: Case, decision: Decision) -> Waiting:
        """Terminal for this attempt: a durable ticket waits for a person, nothing is reserved."""
        call, facts = case.call, case.facts
        known = facts.ticket
        if known is not None and still_waits(known, decision.gates, facts.now):
            self._hold(known, call)
            entry = decision_entry(call, facts, decision, self._catalogue.rules.digest, known, case.meta)
            receipt = await recorded(self._store, Unit((entry,)))
            await kept(receipt.journaled())
            return Waiting(known, f"e{receipt.first_seq}")
        ticket = new_ticket(self._ids.ticket(), call, facts, decision)
        others = tuple(other for other in case.pending if not is_waited_for(other, self._waiters))
        moves = moves_for(ticket, call, known, others, facts.now)
        self._at(Step.RECORD)
        entry = decision_entry(call, facts, decision, self._catalogue.rules.digest, ticket, case.meta)
        with self._waiters.writing(ticket.id):
            receipt = await recorded(self._store, Unit((entry,), (*moves, AddTicket(ticket))))
            for move in moves:
                self._waiters.wake(move.ticket)
                self._alerts.approval_over(move.ticket, "another took its place")
            self._at(Step.DURABLE)
            await kept(receipt.durable())
            self._hold(ticket, call)
        self._alerts.approval_waiting(ticket)
        return Waiting(ticket, f"e{receipt.first_seq}")

    def _hold(self, ticket: Ticket, call: Call) -> None:
        """A client may use several of its tools at once, and stands still at each until it is decided."""
        if call.server == LOCAL:
            self._waiters.hold(ticket.id)


def _renewal_due(principal: Principal, view: AgentView | None, facts: Facts) -> ExtendRun | None:
    """A run lives as long as its holder uses it: a call in the second half of its life renews it, within its wall clock."""
    expires_at = facts.chain[0].run.expires_at
    if view is None or expires_at is None or view.agent.id != principal.agent:
        return None
    life = view.rule.run_ttl_s * 1000
    if expires_at - facts.now > life // 2:
        return None
    until = facts.chain[0].run.grant.until
    longest = facts.now + life if until is None else min(facts.now + life, until)
    # Held to the moment of its grant, a run is not extended again and again to where it is.
    return ExtendRun(principal.run, principal.credential_hash, longest) if longest > expires_at else None


def _is_large(profile: ToolProfile) -> bool:
    """Whether people want to hear that such an action was refused."""
    return profile.effect is Effect.WRITE and (
        not profile.reversible or profile.costs_money or profile.identity or not profile.bounded
    )
