"""People deciding: votes on tickets, and waiting for them.

INVARIANT: the store moves a ticket at most once into each state, so of any number of concurrent decisions one prevails (I5).
"""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.identifiers import RunId, TicketId
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.ticket import Ticket, TicketState, Vote
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import CastVote, Conflict, MoveTicket, Unit
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.runs.runs import NotDone
from ringfence.engine.steps import AtStep, Step, nothing
from ringfence.engine.waiting.waiters import Waiters
from ringfence.engine.waiting.waiting import settled
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

LIVE = frozenset({TicketState.PENDING, TicketState.APPROVED})


@dataclass(frozen=True, slots=True)
class Voted:
    """A decision that counts, with the ticket as it stands now."""

    ticket: Ticket
    entry: str


class Approvals:
    """Tickets, as people and waiting callers see them."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        waiters: Waiters,
        alerts: Alerts | None = None,
        at_step: AtStep = nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._at = at_step
        self._waiters = waiters
        self._alerts = alerts

    async def vote(
        self, operator: Operator, ticket_id: TicketId, *, approve: bool, card_digest: str, reason: str
    ) -> Voted | NotDone:
        """Cast one operator's deliberate decision on exactly the card that was shown."""
        ticket = await self._store.ticket(ticket_id)
        if ticket is None:
            return NotDone(f"there is no approval `{ticket_id}`")
        if (refusal := await self._may_vote(operator, ticket, approve=approve)) is not None:
            return refusal
        if card_digest != ticket.card_digest:
            return NotDone("the digest is not that of the card", "read the card again and decide on what it says")
        now = self._clock.now()
        groups = self._catalogue.rules.groups_of(operator)
        vote = Vote(operator=operator.name, approve=approve, reason=reason[:1000], at=now, groups=groups, shown=operator.shown)
        verb = "approved" if approve else "denied"
        entry = Entry(
            kind=EntryKind.APPROVAL,
            at=now,
            summary=f"{operator.label} {verb} {ticket.tool} ({ticket.id})",
            run=ticket.run,
            agent=ticket.agent,
            tool=ticket.tool,
            call=ticket.call,
            decision=verb,
            by=f"operator:{operator.name}",
            body={
                "ticket": ticket.id,
                "card_digest": ticket.card_digest,
                "digest": ticket.digest,
                "reason": vote.reason,
                "role": operator.role.value,
                "groups": list(groups),
                **({"shown": operator.shown} if operator.shown else {}),
            },
        )
        self._at(Step.VOTE)
        receipt = await self._store.record(Unit((entry,), (CastVote(ticket_id, vote),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        self._at(Step.VOTED)
        self._waiters.wake(ticket_id)
        after = await self._store.ticket(ticket_id)
        assert after is not None  # INVARIANT: tickets are never deleted while their run is known
        if after.state is not TicketState.PENDING:
            self._tell_over(ticket_id, f"{verb} by operator:{operator.name}")
        return Voted(after, f"e{receipt.first_seq}")

    async def _may_vote(self, operator: Operator, ticket: Ticket, *, approve: bool) -> NotDone | None:
        """Roles are checked at the click, not at the card."""
        if operator.role is Role.VIEWER:
            return NotDone(f"{operator.name} is a viewer", "approving needs the role approver or admin")
        if not approve:
            return None  # denying is always possible
        view = self._catalogue.view(ticket.agent)
        if view is None:
            return NotDone(f"agent `{ticket.agent}` is no longer configured")
        if not self._catalogue.rules.is_among(view.agent.approvers, operator):
            return NotDone(f"{operator.name} is not among the approvers of {ticket.agent}")
        run = await self._store.run(ticket.run)
        if run is None:
            return NotDone("the run is not known")
        opened_it = run.opened_by == f"operator:{operator.name}"
        if opened_it and (view.agent.separation or ticket.quorum > 1):
            return NotDone(f"{operator.name} opened the run, so somebody else has to approve")
        if stops := self._store.stops_on(await reach_of(self._store, run, ticket.server, ticket.tool)):
            return NotDone(f"{stops[0].mode.value} of {stops[0].scope} is in force", "lift it first, then approve")
        return None

    async def shown(self, states: frozenset[TicketState]) -> list[Ticket]:
        """The tickets in these states that people may be shown: those that are on the disk."""
        return [ticket for ticket in await self._store.tickets(states) if self._waiters.is_written(ticket.id)]

    async def wait(self, ticket_id: TicketId, seconds: float) -> Ticket | None:
        """The ticket once it is no longer pending, or as it is after so many seconds."""
        event = self._waiters.event(ticket_id)
        ticket = await self._store.ticket(ticket_id)
        if ticket is None or ticket.state is not TicketState.PENDING:
            self._waiters.forget(ticket_id)
            return ticket
        left = max(0.0, min(seconds, (ticket.expires_at - self._clock.now()) / 1000))
        await settled([event.wait()], self._clock, left)
        return await self._store.ticket(ticket_id)

    def let_go(self, ticket_id: TicketId) -> None:
        """The client that stood still for it does so no more."""
        self._waiters.let_go(ticket_id)

    async def withdraw(self, tickets: list[Ticket], why: str, by: str) -> list[Ticket]:
        """Withdraw live tickets; those that moved in the meantime are left as they are."""
        gone: list[Ticket] = []
        for ticket in tickets:
            if await self._move(ticket, TicketState.WITHDRAWN, why, by):
                gone.append(ticket)
        return gone

    async def withdraw_run(self, run: RunId, why: str, by: str) -> list[Ticket]:
        live = await self._store.tickets(LIVE)
        return await self.withdraw([ticket for ticket in live if ticket.run == run], why, by)

    async def expire(self) -> int:
        """Silence is a denial: close what nobody decided, or nobody claimed, in time. Run on a timer."""
        now = self._clock.now()
        count = 0
        for ticket in await self._store.tickets(LIVE):
            if now >= ticket.expires_at:
                why = "nobody decided in time" if ticket.state is TicketState.PENDING else "not claimed in time"
                count += await self._move(ticket, TicketState.EXPIRED, why, "gateway")
        return count

    async def _move(self, ticket: Ticket, to: TicketState, why: str, by: str) -> bool:
        now = self._clock.now()
        entry = Entry(
            kind=EntryKind.APPROVAL,
            at=now,
            summary=f"{ticket.id} {to.value}: {why}"[:200],
            run=ticket.run,
            agent=ticket.agent,
            tool=ticket.tool,
            call=ticket.call,
            decision=to.value,
            by=by,
            body={"ticket": ticket.id, "why": why},
        )
        receipt = await self._store.record(Unit((entry,), (MoveTicket(ticket.id, LIVE, to, now, why),)))
        if isinstance(receipt, Conflict):
            return False
        await receipt.journaled()
        self._waiters.wake(ticket.id)
        if ticket.state is TicketState.PENDING:
            self._tell_over(ticket.id, f"{to.value}: {why}")
        return True

    def _tell_over(self, ticket: TicketId, how: str) -> None:
        if self._alerts is not None:
            self._alerts.approval_over(ticket, how)
