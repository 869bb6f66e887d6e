"""What happens to a head once it is signed: witnesses cosign it, and it is kept in other places.

Only the newest head is under way at any moment: it speaks of everything before it. Nothing here delays a call, and what cannot
be reached is tried again, with growing pauses, until a newer head takes its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.core.audit.checkpoint import parse_checkpoint
from ringfence.core.audit.note import parse_note
from ringfence.engine.log.witnessing import LogWitnessing
from ringfence.errors import Error
from ringfence.ports.anchor import Anchor
from ringfence.ports.audit import AuditLog
from ringfence.ports.clock import Clock

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0
LAST_TRY_S = 5.0
"""How long `close` waits for witnesses and anchors to take the last head."""


@dataclass(slots=True)
class AnchorState:
    """What is known of one anchor."""

    size: int = 0
    """Of the last head that it keeps."""
    problem: str = ""


class LogHeads:
    """`announce` a head from anywhere; the loops do the rest."""

    def __init__(self, log: AuditLog, clock: Clock, witnessing: LogWitnessing, anchors: Sequence[Anchor]) -> None:
        self._log = log
        self._clock = clock
        self.witnessing = witnessing
        self._anchors = tuple(anchors)
        self.anchors = {anchor.name: AnchorState() for anchor in anchors}
        self._newest = ""
        self._shown = ""
        """The last head that went through its round of witnesses."""
        self._changed = asyncio.Condition()

    async def announce(self, note: str) -> None:
        """A head was signed."""
        async with self._changed:
            self._newest = note
            self._changed.notify_all()

    async def shown(self, note: str, seconds: float) -> None:
        """Return when this head, or a newer one, has been through its round of witnesses, or after so many seconds."""
        size = _size(note)
        if not self.witnessing.states:
            return
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: bool(self._shown) and _size(self._shown) >= size)
        except TimeoutError:
            return

    def loops(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until cancelled, by name."""
        return {"witnesses": self._witness(), **{anchor.name: self._anchor(anchor) for anchor in self._anchors}}

    async def close(self) -> None:
        """Give the last head to whoever does not have it yet, then let go of everybody."""
        note = self._newest or await self._log.checkpoint()
        if note:
            behind = [anchor for anchor in self._anchors if self.anchors[anchor.name].size < _size(note)]
            tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._keep(anchor, note)) for anchor in behind]
            if note != self._shown:
                tasks.append(asyncio.ensure_future(self._show(note)))
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=LAST_TRY_S)
                for task in late:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        await self.witnessing.close()
        await asyncio.gather(*(anchor.close() for anchor in self._anchors), return_exceptions=True)

    async def _witness(self) -> None:
        while True:
            note = await self._other_than(self._shown)
            await self._show(note)
            async with self._changed:
                self._shown = note
                self._changed.notify_all()

    async def _show(self, note: str) -> None:
        try:
            await self.witnessing.show(note)
        except Error as error:
            logger.warning("cosignatures could not be kept: %s", error)

    async def _anchor(self, anchor: Anchor) -> None:
        kept, pause = "", FIRST_PAUSE_S
        while True:
            note = await self._other_than(kept)
            if await self._keep(anchor, note):
                kept, pause = note, FIRST_PAUSE_S
            else:
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _keep(self, anchor: Anchor, note: str) -> bool:
        state = self.anchors[anchor.name]
        checkpoint = parse_checkpoint(parse_note(note).text)
        try:
            await anchor.keep(note, checkpoint)
        except Error as error:
            state.problem = str(error)
            logger.warning("%s", error)
            return False
        state.size, state.problem = checkpoint.size, ""
        return True

    async def _other_than(self, known: str) -> str:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._newest) and self._newest != known)
            return self._newest


def _size(note: str) -> int:
    return parse_checkpoint(parse_note(note).text).size
