"""Approval requests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.identifiers import AgentId, CallId, Digest, Millis, OperatorName, RunId, ServerId, TicketId, ToolId
from ringfence.core.model.verdict import Gate


class TicketState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CONSUMED = "consumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One operator's deliberate act on a ticket."""

    operator: OperatorName
    approve: bool
    reason: str
    at: Millis
    groups: tuple[str, ...] = ()
    """The configured groups that the operator was in when they decided."""
    shown: str = ""
    """How people know the operator, where the name is an issuer's subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A durable approval request, bound to one digest: agent, run, upstream, pin and arguments."""

    id: TicketId
    call: CallId
    digest: Digest
    agent: AgentId
    run: RunId
    tool: ToolId
    server: ServerId
    upstream_name: str
    pin: Digest
    arguments: bytes
    shown: bytes
    """Canonical JSON of the arguments as the agent gave them."""
    gates: tuple[Gate, ...]
    created_at: Millis
    expires_at: Millis
    card_digest: Digest
    """SHA-256 of the card's canonical bytes: what a decision has to quote."""
    card: bytes
    """The card, rendered once from the frozen call: canonical JSON (core/approvals/card.py)."""
    approvable: bool
    """False where the card cannot be shown in full: it can only be denied."""
    state: TicketState = TicketState.PENDING
    votes: tuple[Vote, ...] = ()
    closed_at: Millis | None = None
    closed_why: str = ""

    @property
    def quorum(self) -> int:
        """How many distinct operators must approve: the largest of its gates."""
        return max((gate.quorum for gate in self.gates), default=1)
