"""What somebody types into a client: recorded, and people's words where the operator says so and no tool could have said it."""

from __future__ import annotations

import hashlib
from typing import Final

from ringfence.core.model.local_rules import LocalRules, Words
from ringfence.core.model.run import Posture
from ringfence.core.model.words import Words as Said
from ringfence.core.records.entry import ENTRY_LIMIT, Entry, EntryKind
from ringfence.core.records.unit import AddWords, Conflict, Unit
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.identity.identify import Presented, Principal
from ringfence.engine.local.asked import Event
from ringfence.engine.local.noting import Noting
from ringfence.engine.runs.runs import TASK_LIMIT, Runs
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

_WORDS_MOST: Final = ENTRY_LIMIT - 10_000


class ClientPrompts:
    """Of one gateway."""

    def __init__(self, *, store: Store, clock: Clock, runs: Runs, noting: Noting) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs
        self._noting = noting

    async def heard(
        self, presented: Presented, principal: Principal, local: LocalRules, event: Event, *, is_at_work: bool
    ) -> None:
        """`is_at_work`: a tool of the client is in use. Raises UnavailableError."""
        text, now = event.prompt, self._clock.now()
        await self._runs.renew(principal.run, presented.credential)  # somebody is at it
        # In a box whatever runs there speaks for the run; elsewhere what is being run may have found the credential.
        is_out_of_reach = presented.posture is Posture.SEPARATE and not is_at_work
        counts = local.words is Words.CLIENT_ATTESTED and is_out_of_reach and bool(text.strip()) and not event.is_made_up
        if not counts or len(text) > TASK_LIMIT or len(canonical_bytes(text)) > _WORDS_MOST:
            digest = hashlib.sha256(text.encode()).hexdigest()
            body = {"prompt": {"sha256": digest, "characters": len(text)}}
            await self._noting.note(principal, event, "was given a prompt", body)
            return
        words = Said(text, f"client:{principal.agent}", now)
        entry = Entry(
            kind=EntryKind.RUN,
            at=now,
            summary="somebody said something to the run, by the word of its client",
            run=principal.run,
            agent=principal.agent,
            decision="say",
            by=words.by,
            body={"words": text, **({"said": event.said} if event.said else {})},
        )
        receipt = await self._store.record(Unit((entry,), (AddWords(principal.run, words),)))
        if isinstance(receipt, Conflict):
            # A run is told only so much in words that count; it may go on.
            await self._noting.note(principal, event, f"was given a prompt that counts for nothing: {receipt.detail}")
            return
        await receipt.journaled()
