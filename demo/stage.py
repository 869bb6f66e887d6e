"""One call at a time, with the people beside it: who is asked, what they say, and what the log has of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from demo.agent import Agent, Answer
from demo.deciding import Decider
from demo.people import Desk
from demo.record import Attempt, Choice, Record, Vote
from demo.telling import Telling
from demo.wording import call_text, why

GLANCE_S = 0.1
"""How often people look whether something waits for them."""

Wish = tuple[str, Mapping[str, Any]]
"""A tool and its arguments."""


@dataclass(frozen=True)
class Begun:
    """A call that is under way: it has its answer, or it waits for a person."""

    agent: Agent
    wish: Wish
    after: int
    answering: asyncio.Task[Answer]
    ticket: Mapping[str, Any] | None


@dataclass
class Stage:
    """Where the scenes are played."""

    desk: Desk
    decider: Decider
    telling: Telling
    record: Record = field(default_factory=Record)
    seen: dict[str, int] = field(default_factory=dict[str, int])
    """The last decision entry of each run that was told."""

    async def reads(self, agent: Agent, *wishes: Wish) -> list[Attempt]:
        """Calls that nobody is asked about, on one line. All of them have to be allowed."""
        attempts = [await self.conclude(await self.begin(agent, wish), "allow") for wish in wishes]
        text = ", ".join(call_text(*wish) for wish in wishes)
        if all(attempt.ended == "allow" for attempt in attempts):
            self.telling.line(agent.name, text, "allowed", " ".join(attempt.entry for attempt in attempts))
        else:
            self.told(attempts[-1])
        return attempts

    async def write(self, agent: Agent, wish: Wish, note: str) -> Attempt:
        """One small call that changes something and that nobody is asked about."""
        attempt = await self.conclude(await self.begin(agent, wish), "allow")
        self.told(attempt, note)
        return attempt

    async def refused(self, agent: Agent, *wishes: Wish) -> list[Attempt]:
        """Calls that must not get through, and what the agent is told."""
        attempts = [await self.conclude(await self.begin(agent, wish), "deny", hostile=True) for wish in wishes]
        if all(attempt.ended == "deny" for attempt in attempts):
            text = ", ".join(call_text(*wish) for wish in wishes)
            entries = " ".join(attempt.entry for attempt in attempts)
            self.telling.line(agent.name, text, "REFUSED", entries, why(attempts[-1].codes))
        else:
            for attempt in attempts:
                self.told(attempt)
        return attempts

    async def gated(self, agent: Agent, wish: Wish, choice: Choice, reason: str, *, hostile: bool = False) -> Attempt:
        """A call that has to wait for a person, who decides (as the script says, or as they like)."""
        begun = await self.begin(agent, wish)
        if begun.ticket is None:
            attempt = await self.conclude(begun, "ask", hostile=hostile)
            self.told(attempt)
            return attempt
        await self.tell_asked(begun)
        vote = await self.decider.decide(begun.ticket, choice, reason)
        approved = vote.choice == "approve"
        attempt = await self.conclude(begun, "allow" if approved else "deny", hostile=hostile, vote=vote)
        came = f"exactly that was executed: {attempt.entry}" if attempt.took_effect else f"told to the agent: {attempt.entry}"
        self.telling.line(vote.by, f"“{vote.reason}”", "APPROVED" if approved else "DENIED", vote.entry, came)
        return attempt

    async def begin(self, agent: Agent, wish: Wish) -> Begun:
        """Send a call; return when it is answered or when a person is asked."""
        known = {ticket["id"] for ticket in await self.desk.waiting(agent.run)}
        answering = asyncio.create_task(agent.call(*wish))
        after = self.seen.get(agent.run, -1)
        while True:
            done, _ = await asyncio.wait({answering}, timeout=GLANCE_S)
            new = [ticket for ticket in await self.desk.waiting(agent.run) if ticket["id"] not in known]
            if done or new:
                return Begun(agent, wish, after, answering, new[0] if new else None)

    async def conclude(self, begun: Begun, expected: str, *, hostile: bool = False, vote: Vote | None = None) -> Attempt:
        """The call with its answer and with what the log has of it."""
        answer = await begun.answering
        if answer.is_pending and vote is not None:
            # The person took longer than the client was held: asking again is how it learns the decision.
            answer = await begun.agent.call(*begun.wish)
        entries = await self.desk.decisions(begun.agent.run, begun.after)
        if entries:
            self.seen[begun.agent.run] = entries[-1]["seq"]
        attempt = Attempt(begun.agent.name, *begun.wish, tuple(entries), answer, hostile, expected, vote)
        self.record.attempts.append(attempt)
        return attempt

    async def tell_asked(self, begun: Begun) -> None:
        entries = await self.desk.decisions(begun.agent.run, begun.after)
        codes = [reason["code"] for reason in entries[-1]["body"]["reasons"]]
        self.telling.line(begun.agent.name, call_text(*begun.wish), "ASKED", entries[-1]["id"], why(codes))

    def told(self, attempt: Attempt, note: str = "") -> None:
        verdict = {"allow": "allowed", "deny": "REFUSED", "ask": "ASKED"}.get(attempt.ended, attempt.ended)
        words = note or why(attempt.codes)
        self.telling.line(attempt.agent, call_text(attempt.tool, attempt.arguments), verdict, attempt.entry, words)
