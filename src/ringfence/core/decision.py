"""The policy decision point: one pure function that joins every check.

A decision is the join of all verdicts, `allow < ask < deny < halt`; the strictest wins, whatever the order. Only this module
reads verdicts together. A new rule is a new file in `checks/` and one line in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ringfence.core.checks.arguments import arguments
from ringfence.core.checks.blast_radius import blast_radius
from ringfence.core.checks.confidentiality import confidentiality
from ringfence.core.checks.destruction import destruction
from ringfence.core.checks.egress import egress
from ringfence.core.checks.environment import environment
from ringfence.core.checks.export import export
from ringfence.core.checks.exposure import exposure
from ringfence.core.checks.freeze import freeze
from ringfence.core.checks.grant import grant
from ringfence.core.checks.guard_rails import guard_rails
from ringfence.core.checks.handoff import handoff
from ringfence.core.checks.limits import limits
from ringfence.core.checks.loops import loops
from ringfence.core.checks.modelling import modelling
from ringfence.core.checks.overreach import overreach
from ringfence.core.checks.permissions import permissions
from ringfence.core.checks.pin import pin
from ringfence.core.checks.policy import policy
from ringfence.core.checks.provenance import provenance
from ringfence.core.checks.secret_files import secret_files
from ringfence.core.checks.standing import standing
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.model.verdict import Decision, Gate, Level, Reason, ReasonCode, Verdict

Check = Callable[[Call, Facts], Verdict]

CHECKS: tuple[Check, ...] = (
    standing, pin, exposure, grant, environment, arguments, handoff, egress, export, modelling, policy, limits, confidentiality,
    loops, destruction, freeze, provenance, permissions, secret_files, overreach, guard_rails, blast_radius,
)  # fmt: skip
"""In the order they are read; the join does not depend on it."""

CONFIGURED: tuple[Check, ...] = (
    pin, exposure, grant, environment, arguments, egress, policy, confidentiality, freeze, provenance, permissions,
    secret_files, overreach, guard_rails, blast_radius,
)  # fmt: skip
"""Those that say what the rules of now make of a call that was allowed and goes on: nothing that is counted, and no stops."""

_ALLOW = Decision(Level.ALLOW)
_NOTHING = Verdict(Level.ALLOW)
"""What nearly every check says of nearly every call."""


def join(verdicts: Iterable[Verdict]) -> Verdict:
    """The strictest level with every reason and every gate. Associative, commutative, idempotent; the empty join allows."""
    raised = [verdict for verdict in verdicts if verdict.level or verdict.reasons or verdict.gates]
    if not raised:
        return _NOTHING
    level = Level.ALLOW
    reasons: set[Reason] = set()
    gates: set[Gate] = set()
    for verdict in raised:
        if verdict.level > level:
            level = verdict.level
        reasons.update(verdict.reasons)
        gates.update(verdict.gates)
    return Verdict(level, tuple(sorted(reasons)), tuple(sorted(gates)))


def decide(call: Call, facts: Facts, checks: tuple[Check, ...] = CHECKS) -> Decision:
    """Decide one call on frozen facts. Total: the same input gives the same answer."""
    verdict = join(check(call, facts) for check in checks)
    if verdict.level is Level.ALLOW and not verdict.reasons:
        return _ALLOW
    if verdict.level is not Level.ASK:
        return Decision(verdict.level, verdict.reasons)
    return _against_ticket(verdict, call, facts)


def _against_ticket(verdict: Verdict, call: Call, facts: Facts) -> Decision:
    """What an ask becomes, given what a person has said about exactly this call.

    An approved ticket satisfies the gates on its card and no other; a denial stands until the ticket would have expired.
    """
    ticket = facts.ticket if facts.ticket is not None and facts.ticket.digest == call.digest else None
    if ticket is not None and facts.now < ticket.expires_at:
        if ticket.state is TicketState.DENIED:
            why = f"{_deniers(ticket)} denied ticket {ticket.id}: {ticket.closed_why}"
            return Decision(Level.DENY, (Reason(ReasonCode.APPROVAL_DENIED, "approval", why), *verdict.reasons))
        if ticket.state is TicketState.APPROVED and set(verdict.gates) <= set(ticket.gates):
            why = f"ticket {ticket.id}, approved by {', '.join(vote.operator for vote in ticket.votes)}"
            return Decision(Level.ALLOW, (Reason(ReasonCode.APPROVED, "approval", why), *verdict.reasons), consumes=ticket.id)
    if facts.pending >= facts.chain[0].limits.pending_approvals and not _waits(ticket):
        why = f"{facts.pending} approvals of run {call.run} wait already"
        return Decision(Level.DENY, (Reason(ReasonCode.TOO_MANY_PENDING, "approval", why), *verdict.reasons))
    return Decision(Level.ASK, verdict.reasons, verdict.gates)


def _waits(ticket: Ticket | None) -> bool:
    return ticket is not None and ticket.state is TicketState.PENDING


def _deniers(ticket: Ticket) -> str:
    return ", ".join(vote.operator for vote in ticket.votes if not vote.approve) or "an operator"
