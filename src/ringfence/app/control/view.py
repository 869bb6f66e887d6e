"""What the page shows of an approval: plain values for the templates. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from ringfence.app.control.approvals import state_now, ticket_view
from ringfence.app.control.times import for_people
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.ticket import Ticket, TicketState

_MARK = re.compile(r"(\u27e8U\+[0-9A-F]{4,6}\u27e9)")

SAYS = {
    TicketState.PENDING: "Waits for a decision",
    TicketState.APPROVED: "Approved, not used yet",
    TicketState.DENIED: "Denied",
    TicketState.EXPIRED: "Expired: nobody decided, or nobody claimed it, in time",
    TicketState.WITHDRAWN: "Withdrawn",
    TicketState.CONSUMED: "Approved and used",
}


def marked(text: object) -> Markup:
    """Escaped text in which every spelled-out invisible character stands out."""
    parts = _MARK.split(str(text))
    return Markup("").join(
        Markup('<mark class="hidden-char">{}</mark>').format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


@dataclass(frozen=True, slots=True)
class Argument:
    """One line of the card."""

    pointer: str
    value: str
    type: str
    authority: bool
    """It decides who is paid, what is reached, how much."""


@dataclass(frozen=True, slots=True)
class OriginLine:
    """Where one value comes from."""

    pointer: str
    role: str
    derived: bool
    where: str
    entry: str
    quoted: str
    near: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """An approval as the page shows it."""

    id: str
    digest: str
    state: str
    says: str
    waits: bool
    approvable: bool
    grave: bool
    """It cannot be undone."""
    card: Mapping[str, Any]
    arguments: tuple[Argument, ...]
    fixed: tuple[Argument, ...]
    origins: tuple[OriginLine, ...]
    """Those that nothing speaks for first."""
    created: str
    expires: str
    minutes_left: int
    votes: tuple[Mapping[str, Any], ...]
    needs: str
    """Whose approval is still missing: `1 of finance`."""
    closed_why: str


def card_view(ticket: Ticket, now: Millis) -> CardView:
    shown = ticket_view(ticket, now)
    card: dict[str, Any] = shown["card"]
    state = state_now(ticket, now)
    authority = card.get("authority", [])
    return CardView(
        id=ticket.id,
        digest=ticket.card_digest,
        state=state.value,
        says=SAYS[state],
        waits=state is TicketState.PENDING,
        approvable=ticket.approvable,
        grave=card["undo"].startswith("cannot"),
        card=card,
        arguments=_arguments(card["arguments"], authority),
        fixed=_arguments(card["fixed"], authority),
        origins=tuple(_origin(line) for line in card.get("origins", ())),
        created=for_people(ticket.created_at),
        expires=for_people(ticket.expires_at),
        minutes_left=max(0, (ticket.expires_at - now) // 60_000),
        votes=tuple(shown["votes"]),
        needs=shown["needs"],
        closed_why=ticket.closed_why,
    )


def _arguments(lines: list[dict[str, Any]], authority: list[str]) -> tuple[Argument, ...]:
    return tuple(
        Argument(line["pointer"], line["value"], line["type"], any(is_below(line["pointer"], pointer) for pointer in authority))
        for line in lines
    )


def _origin(line: Mapping[str, Any]) -> OriginLine:
    return OriginLine(
        pointer=line["pointer"] or "all arguments",
        role=line["role"],
        derived=line["derived"],
        where=line["where"],
        entry=line["entry"],
        quoted=line["quoted"],
        near=line["near"],
    )


def is_below(pointer: str, above: str) -> bool:
    """Whether a JSON pointer is the other, or inside what it points to."""
    return pointer == above or pointer.startswith(f"{above}/")
