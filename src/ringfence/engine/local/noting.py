"""Entries for what a client only tells: seen, never believed, and no more of them than a log can bear."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final

from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.identifiers import RunId
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.engine.identity.identify import Principal
from ringfence.engine.local.asked import Event, ToolUse
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

MOST_NOTED: Final = 600
"""Entries of one run in a minute. What a client tells beyond that is answered and not recorded."""
MOST_RUNS: Final = 2_000
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_ -]{0,39}")


class Noting:
    """Of one gateway."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._noted: OrderedDict[RunId, deque[float]] = OrderedDict()

    async def note(self, principal: Principal, event: Event, what: str, body: Mapping[str, Any] = {}) -> None:
        """Raises UnavailableError."""
        if self._is_enough(principal.run):
            return
        entry = Entry(
            kind=EntryKind.OBSERVED,
            at=self._clock.now(),
            summary=plain(what, 240),
            run=principal.run,
            agent=principal.agent,
            by=f"agent:{principal.agent}",
            body={
                "hook": plain(event.name, 60),
                **({"source": event.source} if event.source and event.source != word(event.source) else {}),
                **({"said": event.said} if event.said else {}),
                **body,
            },
        )
        receipt = await self._store.record(Unit((entry,)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(f"what a hook tells of could not be recorded: {receipt.detail}")

    def _is_enough(self, run: RunId) -> bool:
        monotonic = self._clock.monotonic()
        noted = self._noted.setdefault(run, deque(maxlen=MOST_NOTED))
        self._noted.move_to_end(run)
        if len(self._noted) > MOST_RUNS:
            self._noted.popitem(last=False)
        if len(noted) == MOST_NOTED and monotonic - noted[0] < 60:
            return True
        noted.append(monotonic)
        return False


def named(use: ToolUse) -> dict[str, Any]:
    """A use, as an entry's body has it."""
    return {"tool": plain(use.client_tool, 120), **({"tool_use": use.use} if use.use else {})}


def word(text: str, otherwise: str = "other") -> str:
    """A client's word as a summary, an alert or the reason of a stop may have it; others stand masked in the body."""
    return text if _WORD.fullmatch(text) else otherwise
