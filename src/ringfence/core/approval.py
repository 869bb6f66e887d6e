"""The life of a ticket, as data.

Rules:
- terminal states never change;
- one denial denies; the quorum of distinct operators approves;
- only an approved ticket is consumed, once.
"""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.model.identifiers import Millis
from ringfence.core.model.ticket import Ticket, TicketState, Vote

MOVES: dict[TicketState, frozenset[TicketState]] = {
    TicketState.PENDING: frozenset({TicketState.APPROVED, TicketState.DENIED, TicketState.EXPIRED, TicketState.WITHDRAWN}),
    TicketState.APPROVED: frozenset({TicketState.CONSUMED, TicketState.EXPIRED, TicketState.WITHDRAWN}),
    TicketState.DENIED: frozenset(),
    TicketState.EXPIRED: frozenset(),
    TicketState.WITHDRAWN: frozenset(),
    TicketState.CONSUMED: frozenset(),
}
LIVE = frozenset({TicketState.PENDING, TicketState.APPROVED})


def after_vote(ticket: Ticket, vote: Vote) -> Ticket | str:
    """The ticket with the vote cast, or why it cannot be cast."""
    if ticket.state is not TicketState.PENDING:
        return f"the ticket is already {ticket.state.value}"
    if vote.at >= ticket.expires_at:
        return "the ticket has expired"
    if any(cast.operator == vote.operator for cast in ticket.votes):
        return f"{vote.operator} has already decided on it"
    if vote.approve and not ticket.approvable:
        return "the card cannot be shown in full, so it can only be denied"
    votes = (*ticket.votes, vote)
    if not vote.approve:
        return replace(ticket, votes=votes, state=TicketState.DENIED, closed_at=vote.at, closed_why=vote.reason)
    if len(votes) >= ticket.quorum:
        return replace(ticket, votes=votes, state=TicketState.APPROVED)
    return replace(ticket, votes=votes)


def moved(ticket: Ticket, expected: frozenset[TicketState], to: TicketState, at: Millis, why: str) -> Ticket | str:
    """The ticket after a move that is not a vote, or why it may not move."""
    if ticket.state not in expected or to not in MOVES[ticket.state]:
        return f"the ticket is {ticket.state.value}, it cannot become {to.value}"
    return replace(ticket, state=to, closed_at=at, closed_why=why)
