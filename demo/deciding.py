"""Who decides on an approval: the script, in the name of an operator, or the person at the terminal."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from demo.people import Person
from demo.record import Choice, Vote
from demo.telling import Telling

ANSWERS: Mapping[str, Choice] = {"approve": "approve", "a": "approve", "deny": "deny", "d": "deny"}


class Decider(Protocol):
    async def decide(self, ticket: Mapping[str, Any], choice: Choice, reason: str) -> Vote:
        """Decide on a ticket; `choice` and `reason` are what the script suggests."""
        ...


@dataclass(frozen=True)
class Scripted:
    """An operator who does what the script says."""

    person: Person

    async def decide(self, ticket: Mapping[str, Any], choice: Choice, reason: str) -> Vote:
        return await cast_vote(self.person, ticket, choice, reason)


@dataclass
class AtTerminal:
    """The person who watches: sees the whole card and types a decision. No answer is a denial."""

    person: Person
    telling: Telling
    unread: bytes = field(default=b"")

    async def decide(self, ticket: Mapping[str, Any], choice: Choice, reason: str) -> Vote:
        self.telling.command(f"ringfence approvals show {ticket['id']}")
        await self.person.shown("approvals", "show", ticket["id"])
        chosen: Choice | None = None
        while chosen is None:
            print("\n approve or deny? ", end="", flush=True)
            line = await self.line()
            chosen = "deny" if line is None else ANSWERS.get(line.strip().lower())
        return await cast_vote(self.person, ticket, chosen, "decided at the terminal")

    async def line(self) -> str | None:
        """One line from stdin; None at its end. Read by descriptor, so that Ctrl-C never meets a blocked thread."""
        while b"\n" not in self.unread:
            chunk = await readable_bytes(sys.stdin.fileno())
            if not chunk:
                return None
            self.unread += chunk
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode("utf-8", "replace")


async def readable_bytes(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    try:
        loop.add_reader(descriptor, lambda: ready.done() or ready.set_result(None))
    except PermissionError:  # a plain file: never makes one wait
        return os.read(descriptor, 4096)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 4096)


async def cast_vote(person: Person, ticket: Mapping[str, Any], choice: Choice, reason: str) -> Vote:
    """Decide on exactly the card that was read: its digest goes along."""
    done = await person.ringfence("approvals", choice, ticket["id"], "--digest", ticket["digest"], "--reason", reason)
    return Vote(person.name, choice, reason, str(done["entry"]))
