"""What people say to a run after it was opened: further trusted words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.model.identifiers import RunId
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.run import Run
from ringfence.core.model.words import Words
from ringfence.core.records.entry import ENTRY_LIMIT, Entry, EntryKind
from ringfence.core.records.unit import AddWords, Conflict, Unit
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.runs.runs import TASK_LIMIT, NotDone
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

_WRITTEN_MOST: Final = ENTRY_LIMIT - 10_000
"""Bytes of the words in their entry, with room for the rest of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """Words that the run has by now."""

    run: Run
    words: Words
    entry: str


class Steering:
    """Saying something to a run. Nothing that an agent holds is accepted here."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def say(self, run_id: RunId, text: str, *, operator: Operator) -> Said | NotDone:
        """Add trusted words, as whoever opens a run states its task. Durable when this returns."""
        if operator.role is Role.VIEWER:
            return NotDone(f"{operator.name} is a viewer", "this needs the role approver or admin")
        if not text.strip():
            return NotDone("nothing was said")
        if len(text) > TASK_LIMIT or len(canonical_bytes(text)) > _WRITTEN_MOST:
            return NotDone(f"the words have {len(text)} characters", f"say it in at most {TASK_LIMIT}, without long pastes")
        run = await self._store.run(run_id)
        if run is None:
            return NotDone(f"there is no run `{run_id[:60]}`", "`ringfence run list` shows the open ones")
        words = Words(text, f"operator:{operator.name}", self._clock.now())
        entry = Entry(
            kind=EntryKind.RUN,
            at=words.at,
            summary=f"{operator.label} said something to the run"[:240],
            run=run.id,
            agent=run.agent,
            decision="say",
            by=words.by,
            body={"words": text},
        )
        receipt = await self._store.record(Unit((entry,), (AddWords(run.id, words),)))
        if isinstance(receipt, Conflict):
            return NotDone(receipt.detail)
        await receipt.durable()
        return Said(await self._store.run(run_id) or run, words, f"e{receipt.first_seq}")
