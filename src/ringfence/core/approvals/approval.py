"""The life of a ticket, as data.

Rules:
- terminal states never change;
- one denial denies; it is approved when every gate has its quorum of distinct operators, of its group where it names one;
- an approval that counts for no gate that is still closed is refused;
- only an approved ticket is consumed, once.
"""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.model.identifiers import Millis
from ringfence.core.model.ticket import Ticket, TicketState, Vote
from ringfence.core.model.verdict import Gate

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
    if vote.approve and not any(counts_for(vote, gate) for gate in closed_gates(ticket)) and closed_gates(ticket):
        return f"the approval of {vote.operator} would not count: it still needs {still_needed(ticket)}"
    votes = (*ticket.votes, vote)
    if not vote.approve:
        return replace(ticket, votes=votes, state=TicketState.DENIED, closed_at=vote.at, closed_why=vote.reason)
    voted = replace(ticket, votes=votes)
    return voted if closed_gates(voted) else replace(voted, state=TicketState.APPROVED)


def counts_for(vote: Vote, gate: Gate) -> bool:
    """Whether a vote is an approval by somebody whom the gate asks."""
    return vote.approve and (not gate.group or gate.group in vote.groups)


def approvals_of(ticket: Ticket, gate: Gate) -> int:
    """How many people's approval a gate has."""
    return len({vote.operator for vote in ticket.votes if counts_for(vote, gate)})


def closed_gates(ticket: Ticket) -> tuple[Gate, ...]:
    """The gates that have not got their quorum yet."""
    return tuple(gate for gate in ticket.gates if approvals_of(ticket, gate) < gate.quorum)


def still_needed(ticket: Ticket) -> str:
    """Whose approval is missing, in words: `1 of finance, 2 people`."""
    missing: dict[str, int] = {}
    for gate in closed_gates(ticket):
        missing[gate.group] = max(missing.get(gate.group, 0), gate.quorum - approvals_of(ticket, gate))
    return ", ".join(
        f"{count} of {group}" if group else f"{count} {'person' if count == 1 else 'people'}"
        for group, count in sorted(missing.items(), reverse=True)
    )


def moved(ticket: Ticket, expected: frozenset[TicketState], to: TicketState, at: Millis, why: str) -> Ticket | str:
    """The ticket after a move that is not a vote, or why it may not move."""
    if ticket.state not in expected or to not in MOVES[ticket.state]:
        return f"the ticket is {ticket.state.value}, it cannot become {to.value}"
    return replace(ticket, state=to, closed_at=at, closed_why=why)
