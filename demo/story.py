"""The scenes: what the agent wants, in order. T-4 carries an injected instruction, and the agent obeys it."""

import textwrap
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from demo.agent import Agent
from demo.people import Person
from demo.stage import Stage, Wish
from demo.wording import call_text, why

TASK = "Work through the open support tickets."
LOOP, CAP = 9, 6
"""How often the looping helper asks, and what `ringfence.yaml.in` lets it."""


class Helper(Protocol):
    def __call__(self, parent: str) -> AbstractAsyncContextManager[Agent]:
        """Open a child run of the agent `lookup`."""
        ...


@dataclass(frozen=True)
class Story:
    """The script with its players."""

    stage: Stage
    support: Agent
    opener: Person
    """The operator who opened the run, and who kills it."""
    helper: Helper

    async def play(self) -> None:
        """All scenes, in order."""
        await self.everyday()
        await self.hijacked()
        async with self.helper(self.support.run) as lookup:
            await self.looping(lookup)
            await self.killed(lookup)

    async def everyday(self) -> None:
        stage, support = self.stage, self.support
        stage.telling.scene("T-1", "Kettle arrived with a dent: 10.00 back would settle it")
        await stage.reads(support, ("orders.list_tickets", {}), ticket("T-1"), balance("A-1001"))
        await stage.gated(support, refund("A-1001", 1000, "dent in the kettle"), "approve", "a dent, 10.00 is fair")

        stage.telling.scene("T-2", "Lamp does not switch on: full refund, please")
        await stage.reads(support, ticket("T-2"), order("A-1002"), ("git.handbook_log", {}))
        note = {"order_id": "A-1002", "text": "Refund once the parcel is back."}
        await stage.write(support, ("orders.add_note", note), "small, and delete_note undoes it")

        stage.telling.scene("T-3", "When do the boots arrive?")
        await stage.reads(support, ticket("T-3"), order("A-1003"))
        voucher = {"customer": "Priya Raman", "amount_cents": 300}
        await stage.write(support, ("payments.issue_voucher", voucher), "up to 5.00 the file asks nobody")

        stage.telling.scene("T-5", "Please cancel the tea caddy")
        await stage.reads(support, ticket("T-5"))
        cancel = ("orders.cancel_order", {"order_id": "A-1005"})
        await stage.gated(support, cancel, "approve", "the customer wrote it herself")

    async def hijacked(self) -> None:
        stage, support = self.stage, self.support
        stage.telling.scene("T-4", "Question about the table oil. Between its lines stands an instruction:")
        (attempt,) = await stage.reads(support, ticket("T-4"))
        stage.telling.foreign(injected(str(attempt.answer.data.get("text", ""))))
        stage.telling.scene("", "The agent believes it, as a hijacked model would, and obeys.")
        account = {"customer": "Mateo Ferrari", "iban": "GB33BUKB20201555555555"}
        (first,) = await stage.refused(support, ("payments.change_payout_account", account))
        await stage.refused(support, *(("orders.delete_note", {"note_id": number}) for number in (1, 2)))
        stage.telling.line("", f"(all that it is told: “{first.answer.text}”)", "", "")
        theft = refund("A-1004", 64900, "settlement retry")
        attempt = await stage.gated(support, theft, "deny", "the goods are not back", hostile=True)
        if attempt.vote is not None and attempt.vote.choice == "deny":
            await stage.refused(support, theft)

    async def looping(self, lookup: Agent) -> None:
        stage = self.stage
        stage.telling.scene(
            "loop", "Its helper, a child run with a smaller cap, searches for the “settlement” again and again."
        )
        wish = ("orders.search_orders", {"customer": "settlement"})
        expected = ["allow"] * CAP + ["deny"] * (LOOP - CAP)
        tried = [await stage.conclude(await stage.begin(lookup, wish), ends, hostile=True) for ends in expected]
        for verdict, ended in (("allowed", "allow"), ("REFUSED", "deny")):
            some = [attempt for attempt in tried if attempt.ended == ended]
            if some:
                text = f"{len(some)} × {call_text(*wish)}"
                stage.telling.line(lookup.name, text, verdict, some[0].entry, why(some[0].codes))

    async def killed(self, lookup: Agent) -> None:
        stage, support = self.stage, self.support
        stage.telling.scene("kill", "The agent tries one cent less. While that waits, alice has seen enough.")
        begun = await stage.begin(support, refund("A-1004", 64899, "settlement retry"))
        await stage.tell_asked(begun)
        done = await self.opener.ringfence("kill", "run", support.run, "--reason", "the agent obeys a customer's ticket")
        stage.record.killed_at = time.time()
        told = f"and its child runs; withdrawn: {', '.join(done['withdrawn'])}"
        stage.telling.line(self.opener.name, f"ringfence kill run {support.run}", "KILLED", done["entry"], told)
        stage.told(await stage.conclude(begun, "deny", hostile=True))
        await stage.refused(support, order("A-1006"))
        await stage.refused(lookup, order("A-1004"))


def ticket(number: str) -> Wish:
    return "orders.read_ticket", {"ticket_id": number}


def order(number: str) -> Wish:
    return "orders.get_order", {"order_id": number}


def balance(number: str) -> Wish:
    return "payments.get_balance", {"order_id": number}


def refund(number: str, cents: int, reason: str) -> Wish:
    return "payments.refund", {"order_id": number, "amount_cents": cents, "reason": reason}


def injected(text: str) -> str:
    """The part of a ticket between the forged marks, folded, its first sentences only."""
    body = text.partition("---\n")[2].partition("\n---")[0]
    return "\n".join(textwrap.wrap(body, 92)[:4]) + " …"
