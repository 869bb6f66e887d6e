"""Approvals: what waits for people, and their decisions."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply, not_found, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import Field, Kind
from ringfence.app.control.times import iso
from ringfence.core.approvals.approval import approvals_of, still_needed
from ringfence.core.model.identifiers import Millis, TicketId
from ringfence.core.model.operator import Role
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.strict_json.canonical import JsonLimits, parse_strict
from ringfence.engine.runs.runs import NotDone

MOST_LISTED = 500
_CARD = JsonLimits(depth=128, keys=100_000, nul=True)
_STATES = (*(state.value for state in TicketState), "all")


async def list_approvals(asked: Asked) -> Answer:
    wanted = asked.query.get("state", TicketState.PENDING.value)
    states = frozenset(TicketState) if wanted == "all" else frozenset({TicketState(wanted)})
    # What nobody decided in time is expired at once, whether or not the sweep has recorded it.
    read = states | {TicketState.PENDING, TicketState.APPROVED} if TicketState.EXPIRED in states else states
    now = asked.services.clock.now()
    tickets = [t for t in await asked.services.approvals.shown(read) if state_now(t, now) in states]
    shown = tickets if wanted == TicketState.PENDING.value else tickets[-MOST_LISTED:]
    return Reply(
        {
            "approvals": [ticket_view(ticket, now) for ticket in shown[:MOST_LISTED]],
            "left_off": max(0, len(tickets) - MOST_LISTED),
        }
    )


async def show_approval(asked: Asked) -> Answer:
    ticket = await asked.services.store.ticket(TicketId(asked.path["id"]))
    if ticket is None:
        return not_found(f"there is no approval `{asked.path['id'][:60]}`", "`ringfence approvals list` shows what waits")
    return Reply(ticket_view(ticket, asked.services.clock.now()))


async def decide(asked: Asked) -> Answer:
    """One operator's deliberate decision on exactly the card whose digest is quoted."""
    voted = await asked.services.approvals.vote(
        asked.who,
        TicketId(asked.path["id"]),
        approve=asked.body["decision"] == "approve",
        card_digest=asked.body["digest"],
        reason=asked.body.get("reason", ""),
    )
    if isinstance(voted, NotDone):
        return refused(voted)
    return Reply({**ticket_view(voted.ticket, asked.services.clock.now()), "entry": voted.entry})


def state_now(ticket: Ticket, now: Millis) -> TicketState:
    """The state a person should see: silence past the expiry is a denial."""
    overdue = now >= ticket.expires_at and ticket.state in (TicketState.PENDING, TicketState.APPROVED)
    return TicketState.EXPIRED if overdue else ticket.state


def ticket_view(ticket: Ticket, now: Millis) -> dict[str, Any]:
    """An approval as JSON. `digest` is the one to quote in a decision."""
    return {
        "id": ticket.id,
        "digest": ticket.card_digest,
        "call_digest": ticket.digest,
        "agent": ticket.agent,
        "run": ticket.run,
        "tool": ticket.tool,
        "state": state_now(ticket, now).value,
        "approvable": ticket.approvable,
        "created_at": iso(ticket.created_at),
        "expires_at": iso(ticket.expires_at),
        "expires_in_s": max(0, (ticket.expires_at - now) // 1000),
        "quorum": ticket.quorum,
        "gates": [
            {"code": gate.code.value, "group": gate.group, "quorum": gate.quorum, "approved": approvals_of(ticket, gate)}
            for gate in ticket.gates
        ],
        "needs": still_needed(ticket) if ticket.state is TicketState.PENDING else "",
        "votes": [
            {
                "operator": v.operator,
                "shown": v.shown,
                "decision": "approve" if v.approve else "deny",
                "reason": v.reason,
                "at": iso(v.at),
            }
            for v in ticket.votes
        ],
        "closed_at": iso(ticket.closed_at),
        "closed_why": ticket.closed_why,
        "card": parse_strict(ticket.card, _CARD),
    }


ROUTES = (
    Route(
        method="GET",
        path="/approvals",
        handler=list_approvals,
        summary="What waits for a person, oldest first.",
        query=(Field("state", "Which ones; `pending` where absent.", choices=_STATES),),
        answer="`approvals`, each with its card and the `digest` that a decision has to quote.",
    ),
    Route(
        method="GET",
        path="/approvals/{id}",
        handler=show_approval,
        summary="One approval with its card.",
        answer="The approval.",
    ),
    Route(
        method="POST",
        path="/approvals/{id}/decision",
        handler=decide,
        role=Role.VIEWER,  # the engine says more kindly what a viewer may not do
        summary="Approve or deny exactly the card that was shown.",
        body=(
            Field("decision", "`approve` or `deny`.", required=True, choices=("approve", "deny")),
            Field("digest", "The `digest` of the card that was read.", required=True, most=64),
            Field("reason", "Why, for the log and for the agent's operators.", Kind.TEXT, most=1000),
        ),
        answer="The approval as it stands now, and the log's `entry`.",
    ),
)
