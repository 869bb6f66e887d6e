"""The one path that every call takes. Read this first.

    outcome = await enforcer.enforce(presented, request)

 1 identify     who presents what: agent, run
 2 facts        everything one decision may see, frozen (facts.py)
 3 decide       pure: the join of all checks
 4 record       one transaction: the decision entry, with the reservation if allowed, with the ticket if asked (recording.py)
 5 act          (acting.py) durable first where it can do harm; the credential put in; stops read again with no await before the
                send; exactly the canonical call
 6 inspect      the result is data: scanned, secrets masked (docs/scanning.md)
 7 settle       the outcome entry; an unknown outcome is ambiguous and never retried

A refusal is a value. An exception that leaves here means "could not decide": the enforcement point denies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.core.decision import CONFIGURED, decide, join
from ringfence.core.framing import NO_SEAL, frame, frame_unknown
from ringfence.core.ledger.model_caps import Room, room_of
from ringfence.core.mcp.client_meta import NO_META, ClientMeta
from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import AgentId, CallId, Digest, TicketId, ToolId
from ringfence.core.model.local import LOCAL, Judgement
from ringfence.core.model.model_use import ModelUse
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Decision, Level, Reason, ReasonCode, Verdict
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.core.own_tools.exporting import EXPORT
from ringfence.core.own_tools.local_calls import OTHER, tool_id
from ringfence.core.own_tools.modelling import MESSAGES, Asked
from ringfence.core.rules import ArgumentAction, PersonalArguments, Rules
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import ScanError, Scanner
from ringfence.engine.catalogue.catalogue import AgentView, Catalogue
from ringfence.engine.facts import Case, Gathering
from ringfence.engine.identity.identify import Presented, Principal, Unidentified, Vouched, asking, identify
from ringfence.engine.ids import Ids
from ringfence.engine.inspection import personal_in_arguments
from ringfence.engine.models.noted import Noted
from ringfence.engine.outcome import Outcome, Refused
from ringfence.engine.recording import Recording
from ringfence.engine.request import SILENT, ClientSide, ToolRequest
from ringfence.engine.secrets.personal_data import any_personal, in_entries, scan_rule, without_personal
from ringfence.engine.steps import AtStep, Step, nothing
from ringfence.engine.tickets import frozen_call
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store
from ringfence.ports.upstream import TOOLS_CALL

logger = logging.getLogger(__name__)


class Enforcer:
    """The engine of every enforcement point."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        catalogue: Catalogue,
        scanner: Scanner,
        noted: Noted,
        gathering: Gathering,
        recording: Recording,
        at_step: AtStep = nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self._scanner = scanner
        self._noted = noted
        self._gathering = gathering
        self._recording = recording
        self._at = at_step
        self._look_for(catalogue.rules)

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
        """Steps 2 to 7, whatever asked."""
        if self._catalogue.rules is not self._looked_for:
            self._look_for(self._catalogue.rules)
        self._at(Step.FACTS)
        case = await self._gathering.gather(principal, view, call, client.meta, use, local)  # 2
        self._at(Step.DECIDE)
        decision = decide(call, case.facts)  # 3
        if decision.level in (Level.ALLOW, Level.ASK) and (why := self._leaving(case)):
            decision = Decision(Level.DENY, (Reason(ReasonCode.ARGUMENTS, "secrets", why),))
        if decision.level is Level.ASK:
            return await self._recording.ask(case, decision)  # 4
        if decision.level is not Level.ALLOW:
            return await self._recording.deny(case, decision)  # 4
        return await self._recording.allow(case, decision, client, vouched)  # 4 to 7

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
        call = self._framed(principal, view, CONNECT, arguments)
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
        facts = (await self._gathering.gather(principal, view, call, NO_META)).facts
        return join(check(call, facts) for check in CONFIGURED)

    async def export(self, presented: Presented, arguments: Mapping[str, Any]) -> Outcome:
        """Let the result of a box leave it (`engine.boxes.exports`)."""
        self._at(Step.IDENTIFY)
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        call = self._framed(principal, view, EXPORT, arguments)
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
            facts = (await self._gathering.gather(principal, view, call, NO_META, given.most)).facts
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
        case = await self._gathering.gather(principal, view, call, meta)
        return await self._recording.deny(case, Decision(level, (Reason(code, "hook", why[:300]),)))

    async def refuse_connection(self, presented: Presented, arguments: Mapping[str, Any], why: str) -> Refused:
        """Record that the egress proxy refused something that no rule could have allowed."""
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        call = frame_unknown(self._ids.call(), principal.agent, principal.run, CONNECT, arguments)
        case = await self._gathering.gather(principal, self._catalogue.view(asking(presented, principal)), call, NO_META)
        return await self._recording.deny(case, Decision(Level.DENY, (Reason(ReasonCode.HOST, "egress", why[:300]),)))

    async def refuse_malformed(self, presented: Presented, what: str) -> Refused:
        """Record that a known principal sent what cannot be read. Nobody known: nothing is recorded."""
        principal = await identify(self._store, self._clock, presented)
        if isinstance(principal, Unidentified):
            return Refused(Level.DENY, (principal.reason,), None)
        view = self._catalogue.view(principal.agent)
        call = frame_unknown(self._ids.call(), principal.agent, principal.run, "malformed", {})
        return await self._refuse(principal, view, call, ReasonCode.MALFORMED, what[:300])

    def _framed(self, principal: Principal, view: AgentView | None, tool: ToolId, arguments: Mapping[str, Any]) -> Call:
        """A call of a tool of the gateway's own, which its agent may not have."""
        known = view.tools.get(tool) if view is not None else None
        if known is None:
            return frame_unknown(self._ids.call(), principal.agent, principal.run, tool, arguments)
        return frame(self._ids.call(), principal.agent, principal.run, known, arguments)

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
        case = await self._gathering.gather(principal, view, call, meta)
        return await self._recording.deny(case, Decision(Level.DENY, (Reason(code, "approval", why),)))


_CLOSED_CODES = {
    TicketState.DENIED: ReasonCode.APPROVAL_DENIED,
    TicketState.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
    TicketState.WITHDRAWN: ReasonCode.APPROVAL_WITHDRAWN,
    TicketState.CONSUMED: ReasonCode.APPROVAL_USED,
}
