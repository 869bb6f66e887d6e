"""From an ask to a ticket, and from a ticket back to its frozen call."""

from __future__ import annotations

import hashlib

from ringfence.core.approvals.card import card
from ringfence.core.flow.origins import origins
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import CallId, Digest, Millis, TicketId
from ringfence.core.model.local import LOCAL
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.model.verdict import Decision, Gate, ReasonCode
from ringfence.core.records.unit import MoveTicket
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.engine.waiting.waiters import Waiters

PENDING = frozenset({TicketState.PENDING})
_LEAVING = frozenset({ReasonCode.RULE_OF_TWO, ReasonCode.CLEARANCE})


def new_ticket(ticket_id: TicketId, call: Call, facts: Facts, decision: Decision) -> Ticket:
    """The ticket of a call that has to ask, its card rendered from the frozen bytes."""
    agent, tool = facts.agent, facts.tool
    assert agent is not None  # INVARIANT: `exposure` denied otherwise
    assert tool is not None
    expires_at = facts.now + agent.approval_expiry_s * 1000
    rendered, approvable = card(
        call=call,
        tool=tool,
        profile=tool.profile_for(call.value),
        agent=agent,
        run=facts.chain[0].run,
        gates=decision.gates,
        created_at=facts.now,
        expires_at=expires_at,
        posture=facts.posture.value,
        policies=tuple(reason.detail for reason in decision.reasons if reason.code is ReasonCode.POLICY),
        policy_digest=facts.policy.digest if facts.policy is not None else "",
        origins=origins(call, facts),
        leaving=tuple(reason.detail for reason in decision.reasons if reason.code in _LEAVING),
    )
    return Ticket(
        id=ticket_id,
        call=call.id,
        digest=call.digest,
        agent=call.agent,
        run=call.run,
        tool=call.tool,
        server=call.server,
        upstream_name=call.upstream_name,
        pin=call.pin,
        arguments=call.arguments,
        shown=canonical_bytes(dict(call.shown)),
        gates=decision.gates,
        created_at=facts.now,
        expires_at=expires_at,
        card=rendered,
        card_digest=Digest(hashlib.sha256(rendered).hexdigest()),
        approvable=approvable,
    )


def still_waits(ticket: Ticket | None, gates: tuple[Gate, ...], now: Millis) -> bool:
    """Whether a person is already being asked exactly this."""
    return (
        ticket is not None
        and ticket.state is TicketState.PENDING
        and now < ticket.expires_at
        and set(gates) <= set(ticket.gates)
    )


def is_superseded(ticket: Ticket, call: Call) -> bool:
    """A later, different ask for the same tool takes the place of the pending one."""
    return ticket.tool == call.tool and ticket.digest != call.digest


def moves_for(new: Ticket, call: Call, known: Ticket | None, pending: tuple[Ticket, ...], now: Millis) -> list[MoveTicket]:
    """What happens to older tickets when a new one is added."""
    moves = [
        MoveTicket(old.id, PENDING, TicketState.WITHDRAWN, now, f"superseded by {new.id}")
        for old in pending
        if old.tool == call.tool
    ]
    if known is not None and known.state is TicketState.APPROVED:
        expired = now >= known.expires_at
        to = TicketState.EXPIRED if expired else TicketState.WITHDRAWN
        why = "not claimed in time" if expired else "the call meets a gate that was not on its card"
        moves.append(MoveTicket(known.id, frozenset({TicketState.APPROVED}), to, now, why))
    return moves


def frozen_call(ticket: Ticket, call_id: CallId) -> Call:
    """The ticket's call, byte for byte as it was asked."""
    return Call(
        id=call_id,
        agent=ticket.agent,
        run=ticket.run,
        tool=ticket.tool,
        server=ticket.server,
        upstream_name=ticket.upstream_name,
        pin=ticket.pin,
        arguments=ticket.arguments,
        shown=parse_strict(ticket.shown),
        value=parse_strict(ticket.arguments),
        digest=ticket.digest,
    )


def is_waited_for(ticket: Ticket, waiters: Waiters) -> bool:
    """Whether a client stands still for it, or is about to."""
    return waiters.is_held(ticket.id) or (ticket.server == LOCAL and not waiters.is_written(ticket.id))
