"""The one path that every call takes. Read this first.

    outcome = await enforcer.enforce(presented, request)

 1 identify     who presents what: agent, run
 2 facts        everything one decision may see, frozen
 3 decide       pure: the join of all checks
 4 record       one transaction: the decision entry, with the reservation if allowed, with the ticket if asked
 5 act          (acting.py) durable first where it can do harm; the credential put in; stops read again with no await before the
                send; exactly the canonical call
 6 inspect      the result is data: scanned, secrets masked (docs/scanning.md)
 7 settle       the outcome entry; an unknown outcome is ambiguous and never retried

A refusal is a value. An exception that leaves here means "could not decide": the enforcement point denies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ringfence.core.decision import CONFIGURED, decide, join
from ringfence.core.framing import NO_SEAL, frame, frame_unknown
from ringfence.core.guards.halting import halted_run
from ringfence.core.labelling import incoming, rising, trusted_words
from ringfence.core.leaving import leaves, weight_of
from ringfence.core.ledger.charges import Plan, charges_of
from ringfence.core.ledger.model_caps import Room, room_of
from ringfence.core.ledger.running_out import RanOut, ran_out
from ringfence.core.mcp.client_meta import NO_META, ClientMeta
from ringfence.core.model.agent import Limits
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.identifiers import AgentId, CallId, Digest, TicketId
from ringfence.core.model.label import CLEAN, Label, join_all, memory_place
from ringfence.core.model.local import LOCAL, Judgement
from ringfence.core.model.local_rules import Words
from ringfence.core.model.meter import Charge
from ringfence.core.model.model_use import MODEL, ModelUse
from ringfence.core.model.pause import paused_ms
from ringfence.core.model.profile import Effect, ToolProfile
from ringfence.core.model.provenance import Flow
from ringfence.core.model.run import Posture, Run, RunState
from ringfence.core.model.stop import Reach, Stop
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.model.tool import Tool
from ringfence.core.model.verdict import Decision, Level, Reason, ReasonCode, Verdict
from ringfence.core.narrowing.grants import limited
from ringfence.core.own_tools.connecting import CONNECT, server_of
from ringfence.core.own_tools.delegation import DELEGATE
from ringfence.core.own_tools.exporting import EXPORT
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.own_tools.local_calls import OTHER, judged, tool_id
from ringfence.core.own_tools.modelling import MESSAGES, Asked
from ringfence.core.records.unit import AddTicket, Change, Conflict, ExtendRun, JoinLabel, MoveTicket, Reserve, Unit
from ringfence.core.rules import AgentRule, ArgumentAction, PersonalArguments, Rules
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import ScanError, Scanner
from ringfence.engine.acting import Actor, kept, recorded
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import AgentView, Catalogue
from ringfence.engine.entries import decision_entry
from ringfence.engine.hearing import Hearing
from ringfence.engine.identity.identify import Presented, Principal, Unidentified, Vouched, asking, identify
from ringfence.engine.identity.reaching import reach_in
from ringfence.engine.ids import Ids
from ringfence.engine.inspection import personal_in_arguments
from ringfence.engine.models.noted import Noted
from ringfence.engine.outcome import Outcome, Refused, Returned, Waiting
from ringfence.engine.request import SILENT, ClientSide, ToolRequest
from ringfence.engine.runs.delegating import opening_for
from ringfence.engine.runs.handing import Handed, carried_out, handing_of
from ringfence.engine.runs.runs import NotDone, Opening, Runs
from ringfence.engine.secrets.personal_data import any_personal, in_entries, scan_rule, without_personal
from ringfence.engine.steps import AtStep, Step, nothing
from ringfence.engine.stopping.guards import Guards
from ringfence.engine.stopping.trails import Trails
from ringfence.engine.tickets import frozen_call, is_superseded, moves_for, new_ticket, still_waits
from ringfence.engine.waiting.reading import Reading
from ringfence.engine.waiting.waiters import Waiters
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import CallState, Store
from ringfence.ports.upstream import TOOLS_CALL

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Case:
    """One call with everything that was read about it."""

    principal: Principal
    view: AgentView | None
    call: Call
    facts: Facts
    pending: tuple[Ticket, ...]
    """The run's tickets that wait for a person."""
    meta: ClientMeta


class Enforcer:
    """The engine of every enforcement point."""

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
        trails: Trails,
        guards: Guards,
        hearing: Hearing,
        reading: Reading,
        scanner: Scanner,
        actor: Actor,
        noted: Noted,
        at_step: AtStep = nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self._runs = runs
        self._alerts = alerts
        self._waiters = waiters
        self._trails = trails
        self._guards = guards
        self._hearing = hearing
        self._reading = reading
        self._scanner = scanner
        self._noted = noted
        self._look_for(catalogue.rules)
        self._actor = actor
        self._at = at_step

    async def enforce(self, presented: Presented, request: ToolRequest, client: ClientSide = SILENT) -> Outcome:
        """Decide, record, act and record again. Every outcome but an unidentified caller has an entry."""
        self._at(Step.IDENTIFY)
        principal = await identify(self._store, self._clock, presented)  # 1
        if isinstance(principal, Unidentified):
            logger.warning("refused: %s", principal.reason.detail)
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        call = self._frame(principal, view, request)
        if self._catalogue.rules.models is not None:
            self._noted.called(call, client.meta, request.arguments)
        return await self._pass(principal, view, call, client, presented.vouched)

    async def claim(self, presented: Presented, ticket_id: str, client: ClientSide = SILENT) -> Outcome:
        """Execute the frozen call of an approved ticket. Everything is checked again as if it were sent anew."""
        self._at(Step.IDENTIFY)
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        ticket = await self._store.ticket(TicketId(ticket_id))
        view = self._catalogue.view(principal.agent)
        if ticket is None or ticket.run != principal.run or ticket.agent != principal.agent:
            call = frame_unknown(
                self._ids.call(), principal.agent, principal.run, "ringfence__claim", {"ticket": ticket_id[:80]}
            )
            return await self._pass(principal, view, call, client, None)
        tool = view.tools.get(ticket.tool) if view else None
        call = frozen_call(ticket, self._ids.call())
        if call.server == LOCAL:
            # Only the client can carry it out, and only what its hook asks about is judged as it would be now.
            why = f"{ticket.tool} is a tool of the client: it is used again there"
            return await self._refuse(principal, view, call, ReasonCode.UNKNOWN_TOOL, why, client.meta)
        if tool is None or tool.pin != ticket.pin:
            why = f"{ticket.tool} is not what was approved"
            return await self._refuse(principal, view, call, ReasonCode.PIN_CHANGED, why, client.meta)
        if ticket.state in _CLOSED_CODES:
            code, why = _CLOSED_CODES[ticket.state], f"ticket {ticket.id} is {ticket.state.value}: {ticket.closed_why}"
            return await self._refuse(principal, view, call, code, why, client.meta)
        return await self._pass(principal, view, call, client, presented.vouched)

    async def connect(self, presented: Presented, arguments: Mapping[str, Any]) -> Outcome:
        """Open a way out of a box (`engine.boxes.connections`). The answer comes when it is closed again, or was refused."""
        self._at(Step.IDENTIFY)
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(asking(presented, principal))
        tool = view.tools.get(CONNECT) if view is not None else None
        call = (
            frame(self._ids.call(), principal.agent, principal.run, tool, arguments)
            if tool is not None
            else frame_unknown(self._ids.call(), principal.agent, principal.run, CONNECT, arguments)
        )
        return await self._pass(principal, view, call, SILENT, None)

    async def reconsider(self, principal: Principal, agent: AgentId, arguments: Mapping[str, Any]) -> Verdict:
        """What the rules of now say of a way out that is open, by whose rules it was asked for. Nothing is recorded.

        Raises UnavailableError.
        """
        view = self._catalogue.view(agent)
        tool = view.tools.get(CONNECT) if view is not None else None
        if tool is None:
            return Verdict(Level.DENY, (Reason(ReasonCode.UNKNOWN_TOOL, "exposure", f"{agent} has no way out"),))
        call = frame(self._ids.call(), principal.agent, principal.run, tool, arguments)
        facts = (await self._gather(principal, view, call, NO_META)).facts
        return join(check(call, facts) for check in CONFIGURED)

    async def export(self, presented: Presented, arguments: Mapping[str, Any]) -> Outcome:
        """Let the result of a box leave it (`engine.boxes.exports`)."""
        self._at(Step.IDENTIFY)
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        tool = view.tools.get(EXPORT) if view is not None else None
        call = (
            frame(self._ids.call(), principal.agent, principal.run, tool, arguments)
            if tool is not None
            else frame_unknown(self._ids.call(), principal.agent, principal.run, EXPORT, arguments)
        )
        return await self._pass(principal, view, call, SILENT, None)

    async def ask_model(
        self,
        presented: Presented,
        given: Asked,
        smaller: Callable[[Room], Asked | None],
        begun: Callable[[CallId, Asked], None],
        meta: ClientMeta = NO_META,
    ) -> Outcome:
        """Send a request to a model (`engine.models`). The answer comes when everything is known of it.

        `smaller` makes one that fits into what the caps leave, where the operator lets requests be made smaller; `begun` is
        told which call it is, and how it is asked, before it is decided. `meta` has the client's trace, which no model is told.
        """
        self._at(Step.IDENTIFY)
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        tool = view.tools.get(MESSAGES) if view is not None else None
        if view is None or tool is None:
            call = frame_unknown(self._ids.call(), principal.agent, principal.run, MESSAGES, given.arguments)
            return await self._pass(principal, view, call, SILENT, None)
        call = frame(self._ids.call(), principal.agent, principal.run, tool, given.arguments)
        plan = view.plans.get(MESSAGES)
        if plan is not None and plan.model is not None and plan.model.shrinks:
            facts = (await self._gather(principal, view, call, NO_META, given.most)).facts
            room = room_of(facts.charges, facts.meters, facts.now)
            if not room.has(given.most) and (less := smaller(room)) is not None:
                given = less
                call = frame(call.id, principal.agent, principal.run, tool, given.arguments)
        begun(call.id, given)
        return await self._pass(principal, view, call, replace(SILENT, meta=meta), None, given.most)

    async def act_locally(
        self,
        presented: Presented,
        name: str,
        client_tool: str,
        arguments: Mapping[str, Any],
        judgement: Judgement | None,
        begun: Callable[[Call], None],
        meta: ClientMeta = NO_META,
        seal: Digest = NO_SEAL,
    ) -> Outcome:
        """Let a client use a tool of its own (`engine.local`). Answered when it has told what came of it, or was refused.

        `name` is canonical (`core.own_tools.local_calls`), `client_tool` what the client calls it; `arguments` and `judgement`
        belong together. `begun` is told which call it is before it is decided. `seal`: of what the judgement says
        (`engine.local.sealed`); an approval holds for no other.
        """
        self._at(Step.IDENTIFY)
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        tool = view.tools.get(tool_id(name)) if view is not None else None
        client = replace(SILENT, meta=meta)
        if tool is None or judgement is None:
            call = frame_unknown(self._ids.call(), principal.agent, principal.run, tool_id(name), arguments)
            return await self._pass(principal, view, call, client, None)
        tool = replace(tool, upstream_name=client_tool)
        call = frame(self._ids.call(), principal.agent, principal.run, tool, arguments, seal)
        if self._catalogue.rules.models is not None:
            self._noted.called(call, meta, arguments)
        begun(call)
        return await self._pass(principal, view, call, client, None, local=judgement)

    async def refuse_locally(
        self,
        presented: Presented,
        name: str,
        arguments: Mapping[str, Any],
        level: Level,
        code: ReasonCode,
        why: str,
        meta: ClientMeta = NO_META,
    ) -> Refused:
        """Record that what a client's hook told of is refused, whatever any rule says of it. A halt pauses the run."""
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        known = view.tools.get(tool_id(name)) or view.tools.get(tool_id(OTHER)) if view is not None else None
        call = (
            frame(self._ids.call(), principal.agent, principal.run, known, arguments)
            if known is not None
            else frame_unknown(self._ids.call(), principal.agent, principal.run, tool_id(name), arguments)
        )
        case = await self._gather(principal, view, call, meta)
        return await self._deny(case, Decision(level, (Reason(code, "hook", why[:300]),)))

    async def refuse_connection(self, presented: Presented, arguments: Mapping[str, Any], why: str) -> Refused:
        """Record that the egress proxy refused something that no rule could have allowed."""
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        call = frame_unknown(self._ids.call(), principal.agent, principal.run, CONNECT, arguments)
        case = await self._gather(principal, self._catalogue.view(asking(presented, principal)), call, NO_META)
        return await self._deny(case, Decision(Level.DENY, (Reason(ReasonCode.HOST, "egress", why[:300]),)))

    def _frame(self, principal: Principal, view: AgentView | None, request: ToolRequest) -> Call:
        call_id = self._ids.call()
        if view is not None:
            known = (
                view.named(request.name, request.server)
                if request.method == TOOLS_CALL
                else view.named_method(request.server, request.method)
            )
            if known is not None:
                tool = view.tools[known]
                scan = scan_rule(self._catalogue.rules, tool.server, tool.id, principal.agent)
                arguments = without_personal(request.arguments, scan, self._scanner)
                return frame(call_id, principal.agent, principal.run, tool, arguments)
        name = request.name if request.server is None else f"{request.server}.{request.name}"
        return frame_unknown(call_id, principal.agent, principal.run, name, request.arguments)

    async def _pass(
        self,
        principal: Principal,
        view: AgentView | None,
        call: Call,
        client: ClientSide,
        vouched: Vouched | None,
        use: ModelUse | None = None,
        local: Judgement | None = None,
    ) -> Outcome:
        if self._catalogue.rules is not self._looked_for:
            self._look_for(self._catalogue.rules)
        self._at(Step.FACTS)
        case = await self._gather(principal, view, call, client.meta, use, local)  # 2
        self._at(Step.DECIDE)
        decision = decide(call, case.facts)  # 3
        if decision.level in (Level.ALLOW, Level.ASK) and (why := self._leaving(case)):
            decision = Decision(Level.DENY, (Reason(ReasonCode.ARGUMENTS, "secrets", why),))
        if decision.level is Level.ASK:
            return await self._ask(case, decision)
        if decision.level is not Level.ALLOW:
            return await self._deny(case, decision)
        return await self._allow(case, decision, client, vouched)

    def _look_for(self, rules: Rules) -> None:
        """Have ready what these rules look for."""
        self._looked_for = rules
        self._scanner.in_entries = in_entries(rules)
        if any_personal(rules):
            self._scanner.prepare()

    def _leaving(self, case: Case) -> str:
        """Why the arguments must not leave: they hold a secret of the gateway's own, that no agent has a reason to know, or a
        credential, and the server's rule refuses those. Empty: they may."""
        call, tool = case.call, case.facts.tool
        scan = scan_rule(self._catalogue.rules, call.server, call.tool, call.agent)
        personal = personal_in_arguments(scan, PersonalArguments.DENY) or personal_in_arguments(scan, PersonalArguments.MASK)
        denies = scan.on_arguments(tool is None or tool.profile_for(call.value).outbound) is ArgumentAction.DENY
        if not denies and personal is None and not self._scanner.redactor:
            return ""
        try:
            found = self._scanner.see(call.shown, "", rules=denies, personal=personal).findings
            if beside := case.meta.beside:
                found += self._scanner.see(beside, "/_meta", rules=denies, personal=personal).findings
        except ScanError as error:
            return str(error)
        never = {Kind.OWN, Kind.PERSONAL}
        refused = [one for one in found if one.kind in never or (one.kind is Kind.SECRET and one.rule not in scan.allow)]
        return ", ".join(f"{one.rule} in {one.at or '/'}" for one in refused)

    async def _refuse(
        self,
        principal: Principal,
        view: AgentView | None,
        call: Call,
        code: ReasonCode,
        why: str,
        meta: ClientMeta = NO_META,
    ) -> Refused:
        case = await self._gather(principal, view, call, meta)
        return await self._deny(case, Decision(Level.DENY, (Reason(code, "approval", why),)))

    # 2 ---------------------------------------------------------------------------------------------------------------

    async def _gather(
        self,
        principal: Principal,
        view: AgentView | None,
        call: Call,
        meta: ClientMeta,
        use: ModelUse | None = None,
        local: Judgement | None = None,
    ) -> Case:
        """Read once, freeze. Raises UnavailableError where anything cannot be read fresh (I3)."""
        state = await self._state(call)
        tool = view.tools.get(call.tool) if view is not None and call.server else None
        tool = judged(tool, local) if tool is not None and local is not None else tool
        plan = view.plans.get(call.tool) if view is not None and tool is not None else None
        label, flow = join_all(run.label for run in state.chain), self._flow(view, state.chain)
        above = tuple(run.agent for run in state.chain[1:])
        reach = Reach(call.agent, tuple(run.id for run in state.chain), call.server, call.tool, above)
        stops = self._stops(call, reach)
        is_long = tool is not None and flow is not None and self._reading.is_long(call, flow, self._hearing.unread(call.run))
        if is_long and (stops or any(run.state is not RunState.OPEN for run in state.chain)):
            flow = None  # it is denied for that, whatever its values are: somebody who was stopped costs nothing more
        elif is_long and tool is not None and flow is not None:
            weighed = plan is not None and plan.weighs(label.confidentiality)
            await self._reading.read(call, tool, flow, label, weighed=weighed)
            # It took a while. What was said and given counts as it was when the call came; all else is read again.
            state, before = await self._state(call), label
            if (label := join_all(run.label for run in state.chain)) != before:
                flow = self._flow(view, state.chain)
            stops = self._stops(call, reach)
        agents = self._catalogue.rules.agents
        chain = tuple(
            Link(
                run,
                account.held + account.spent,
                limited(agents[run.agent].limits if run.agent in agents else Limits(calls_per_run=0), run.grant),
                account.extra if run.agent in agents else 0,
                run.agent == call.agent or self._agent_may(run.agent, call),
                self._paused(state, place),
            )
            for place, (run, account) in enumerate(zip(state.chain, state.accounts, strict=True))
        )
        charges, uncountable = _charges(plan, call, chain, tool, flow, label, use, local) if plan is not None else ((), ())
        facts = Facts(
            now=self._clock.now(),
            chain=chain,
            agent=view.agent if view else None,
            tool=tool,
            stops=stops,
            ticket=state.ticket,
            pending=sum(1 for ticket in state.pending if self._is_waited_for(ticket) or not is_superseded(ticket, call)),
            posture=Posture.SEPARATE if view is not None and view.rule.only_mcp else principal.posture,
            charges=charges,
            meters=await self._store.meters([charge.meter for charge in charges]) if charges else (),
            freezes=plan.freezes if plan is not None else (),
            loops=plan.loops if plan is not None else None,
            trail=self._trails.of(call.run) if plan is not None and plan.loops is not None else None,
            uncountable=uncountable,
            quarantine=self._catalogue.quarantine(view, call),
            environments=_environments(view, *(agents[link.run.agent] for link in chain if link.run.agent in agents)),
            label=label,
            flow=flow,
            handing=await handing_of(call, self._store) if call.tool == HANDOFF else None,
            policy=self._catalogue.policy,
            local=local,
        )
        return Case(principal, view, call, facts, state.pending, meta)

    async def _state(self, call: Call) -> CallState:
        state = await self._store.call_state(call.run, Reach(call.agent, (call.run,), call.server, call.tool), call.digest)
        if state is None:
            raise UnavailableError(f"run {call.run} has a credential but no record")
        return state

    def _flow(self, view: AgentView | None, chain: tuple[Run, ...]) -> Flow | None:
        """What is known of where the run's values come from, where somebody looks."""
        rules = view.rule.provenance if view is not None else None
        if rules is None:
            return None
        run, agents = chain[0], self._catalogue.rules.agents
        heard, forgot = self._hearing.of(run.id), self._hearing.has_forgotten(run.id, run.opened_at)
        attesting = frozenset(link.agent for link in chain if (rule := agents.get(link.agent)) and is_attesting(rule))
        return Flow(rules=rules, words=trusted_words(chain, attesting), heard=heard, forgot=forgot)

    def _paused(self, state: CallState, place: int) -> int:
        """For how long a run of the chain was paused, where its wall clock stands still meanwhile."""
        if not (state.pauses or state.stops):
            return 0
        agent = self._catalogue.rules.agents.get(state.chain[place].agent)
        if agent is None or agent.limits.counts_pauses:
            return 0
        return paused_ms(state.chain[place:], state.pauses, state.stops, self._clock.now())

    def _stops(self, call: Call, reach: Reach) -> tuple[Stop, ...]:
        """What stops a server stops its ways out too."""
        found = self._store.stops_on(reach)
        server = server_of(call)
        return found if server is None else tuple(dict.fromkeys((*found, *self._store.stops_on(replace(reach, server=server)))))

    def _agent_may(self, agent: AgentId, call: Call) -> bool:
        """Whether the other agent of a run above has the tool, with arguments that satisfy what it was shown."""
        view = self._catalogue.view(agent)
        tool = view.tools.get(call.tool) if view is not None and call.tool in view.agent.tools else None
        return tool is not None and tool.validator is not None and bool(tool.validator.is_valid(call.shown))

    # 4 ---------------------------------------------------------------------------------------------------------------

    async def _allow(self, case: Case, decision: Decision, client: ClientSide, vouched: Vouched | None) -> Outcome:
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
        if (renewal := renewal_due(case.principal, case.view, facts)) is not None:
            changes.append(renewal)
        opening: Opening | None = None
        if call.tool == DELEGATE:
            # In one transaction with the decision: either both stand, or the child does not exist.
            child = await opening_for(call, facts.now, case.principal, case.view, self._runs)
            if isinstance(child, NotDone):
                reason = Reason(child.code or ReasonCode.ARGUMENTS, "delegate", child.why)
                return await self._deny(case, Decision(Level.DENY, (reason,)))
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
            return await self._deny(case, Decision(level, (Reason(code, "record", receipt.detail),)))
        self._alerts.caps.reserved(facts, self._catalogue.rules, counts=call.server != MODEL)
        outcome = await self._actor.act(call, facts, receipt, client, vouched, opening, handed)
        await self._guards.settled(call.run)
        if opening is not None and isinstance(outcome, Returned):
            await self._runs.tell_opened(opening)
        return outcome

    async def _deny(self, case: Case, decision: Decision) -> Refused:
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
        if tool is not None and is_large(tool.profile_for(call.value)):
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

    async def _ask(self, case: Case, decision: Decision) -> Waiting:
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
        others = tuple(other for other in case.pending if not self._is_waited_for(other))
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

    def _is_waited_for(self, ticket: Ticket) -> bool:
        """Whether a client stands still for it, or is about to."""
        return self._waiters.is_held(ticket.id) or (ticket.server == LOCAL and not self._waiters.is_written(ticket.id))

    async def refuse_malformed(self, presented: Presented, what: str) -> Refused:
        """Record that a known principal sent what cannot be read. Nobody known: nothing is recorded."""
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        call = frame_unknown(self._ids.call(), principal.agent, principal.run, "malformed", {})
        return await self._refuse(principal, view, call, ReasonCode.MALFORMED, what[:300])


_CLOSED_CODES = {
    TicketState.DENIED: ReasonCode.APPROVAL_DENIED,
    TicketState.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
    TicketState.WITHDRAWN: ReasonCode.APPROVAL_WITHDRAWN,
    TicketState.CONSUMED: ReasonCode.APPROVAL_USED,
}


def _charges(
    plan: Plan,
    call: Call,
    chain: tuple[Link, ...],
    tool: Tool | None,
    flow: Flow | None,
    label: Label,
    use: ModelUse | None,
    local: Judgement | None,
) -> tuple[tuple[Charge, ...], tuple[str, ...]]:
    """What the call costs. What leaves with it is weighed only where somebody has capped it."""
    given = label.confidentiality
    is_weighed = tool is not None and plan.weighs(given) and leaves(call, tool, flow)
    return charges_of(plan, call, chain, weight_of(call) if is_weighed else None, given, use, local)


def _environments(view: AgentView | None, *agents: AgentRule) -> frozenset[str]:
    """Labels that a call is bound to: of the agents of its chain, and of who asks in their place."""
    of_view = (view.rule.environment,) if view is not None else ()
    return frozenset(label for label in (*of_view, *(agent.environment for agent in agents)) if label)


def is_attesting(rule: AgentRule) -> bool:
    """Whether the operator lets what is typed into the agent's client count as people's words."""
    return rule.local is not None and rule.local.words is Words.CLIENT_ATTESTED


def renewal_due(principal: Principal, view: AgentView | None, facts: Facts) -> ExtendRun | None:
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


def is_large(profile: ToolProfile) -> bool:
    """Whether people want to hear that such an action was refused."""
    return profile.effect is Effect.WRITE and (
        not profile.reversible or profile.costs_money or profile.identity or not profile.bounded
    )
