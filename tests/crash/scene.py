"""What one case is made of: who takes part, what they were told, and what they can do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.cases import Case
from tests.crash.judge import Executed, Findings, key_of
from tests.crash.shop import AGENT, Shop, ToolUse, tool_of
from tests.servers.gateway_process import Answer, Clients, GatewayProcess, People

from ringfence.core.model.stop import ScopeKind

CLAIM = "ringfence__claim"

PENDING, APPROVED = frozenset({"pending"}), frozenset({"approved"})
DENIED, CONSUMED, WITHDRAWN = frozenset({"denied"}), frozenset({"consumed"}), frozenset({"withdrawn"})


@dataclass(slots=True)
class Verdict:
    """What one case showed."""

    case: Case
    reached: bool = False
    findings: Findings = field(default_factory=Findings)
    executed: int = 0
    """Calls in the upstream's log."""
    reads_before_their_entry: int = 0
    """Reads of public data that were executed when the process died before their entry was written. Nobody got the result."""


@dataclass(slots=True)
class Side:
    """A running gateway with everybody who talks to it."""

    gateway: GatewayProcess
    ada: People
    """Admin, opened the run."""
    bob: People
    cy: People
    clients: Clients


@dataclass(slots=True)
class Told:
    """What clients and operators know for sure: each of these was answered."""

    due: Counter[str] = field(default_factory=Counter[str])
    """How often each call may have been executed."""
    results: list[Executed] = field(default_factory=list[Executed])
    may_be: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Tickets that somebody saw, each with the states that can follow."""
    votes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Acknowledged votes: ticket, operator."""
    stop: str | None = None
    withdrawn: tuple[str, ...] = ()


class Scene:
    """One case with everything known about it, and what its clients and operators can do."""

    def __init__(self, case: Case, number: int, shop: Shop, directory: Path) -> None:
        self.case = case
        self.shop = shop
        self.directory = directory
        self.marker = f"case-{number:04}"
        self.tool: ToolUse = tool_of(case)
        self.told = Told()
        self.verdict = Verdict(case)
        self.run = self.credential = ""
        self.tickets: list[dict[str, Any]] = []
        """Those that were there before the crash."""

    async def asked(self, side: Side, number: int) -> dict[str, Any]:
        """A ticket that waits, its client gone on to other work."""
        answer = await side.clients.call(self.credential, self.tool.wire, self.arguments(number))
        assert answer.ticket is not None, answer
        ticket = await side.ada.approval(answer.ticket)
        assert ticket is not None
        self.tickets.append(ticket)
        self.told.may_be[ticket["id"]] = PENDING
        return ticket

    async def approved(self, side: Side, number: int) -> None:
        ticket = await self.asked(side, number)
        status, answer = await side.bob.decide(ticket, "approve")
        assert status == 200, answer
        self.voted(ticket["id"], "bob", APPROVED)

    def voted(self, ticket: str, operator: str, state: frozenset[str]) -> None:
        self.told.may_be[ticket] = state
        self.told.votes.append((ticket, operator))

    def arguments(self, number: int) -> dict[str, Any]:
        return self.tool.arguments(f"{self.marker} {number}")

    async def call(self, side: Side, number: int) -> None:
        self.told.due[self.key(number)] += 1
        answer = await side.clients.call(self.credential, self.tool.wire, self.arguments(number))
        self.note_result(number, answer)

    async def claim(self, side: Side, ticket: str, number: int) -> None:
        self.told.may_be[ticket] = APPROVED | CONSUMED
        self.told.due[self.key(number)] += 1
        answer = await side.clients.call(self.credential, CLAIM, {"ticket": ticket})
        if self.note_result(number, answer):
            self.told.may_be[ticket] = CONSUMED

    def note_result(self, number: int, answer: Answer) -> bool:
        assert answer.is_result, answer
        self.told.results.append((self.tool.upstream, self.arguments(number)))
        return True

    def key(self, number: int) -> str:
        return key_of(self.tool.upstream, self.arguments(number))

    def scope(self) -> dict[str, Any]:
        match self.case.scope:
            case ScopeKind.EVERYTHING:
                return {"everything": True}
            case ScopeKind.AGENT:
                return {"agent": AGENT}
            case ScopeKind.RUN:
                return {"run": self.run}
            case ScopeKind.SERVER:
                return {"server": "payments"}
            case ScopeKind.TOOL:
                return {"tool": "payments.refund"}

    def count(self, number: int) -> int:
        """How often the upstream has executed a call."""
        key = self.key(number)
        executed = self.shop.executed(self.case, self.directory, self.marker)
        return sum(key_of(tool, arguments) == key for tool, arguments in executed)

    def expect(self, held: bool, otherwise: str) -> None:
        if not held:
            self.verdict.findings.other.append(otherwise)

    async def must(self, deciding: Any) -> None:
        status, answer = await deciding
        assert status == 200, answer

    async def all_tickets(self, side: Side) -> list[dict[str, Any]]:
        return (await side.ada.done("GET", "/approvals?state=all"))["approvals"]
