"""Signing the head of the log, on a timer and at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text
from ringfence.core.audit.note import seal
from ringfence.core.audit.tree import root_hash
from ringfence.core.model.identifiers import Millis
from ringfence.ports.audit import AuditLog
from ringfence.ports.clock import Clock
from ringfence.ports.signer import Signer


class Checkpointer:
    """Writes a C2SP tlog-checkpoint whenever the log has grown. The signer's name is the log's origin."""

    def __init__(self, log: AuditLog, signer: Signer, announce: Callable[[str], Awaitable[None]], clock: Clock) -> None:
        """`announce` hears of each new head; it may not take long."""
        self._log = log
        self._signer = signer
        self._announce = announce
        self._clock = clock
        self.signed_size = -1
        """Entries under the newest head that this process has signed; -1: none yet."""
        self.signed_at: Millis | None = None

    async def checkpoint(self) -> str | None:
        """Sign the head if it is new; answers the note. Raises UnavailableError."""
        head = await self._log.head()
        if head.size == self.signed_size or head.size == 0:
            return None
        text = checkpoint_text(Checkpoint(self._signer.name, head.size, root_hash(head.edge)))
        note = seal(text, self._signer.name, self._signer.public_key, self._signer.sign(text.encode()))
        await self._log.put_checkpoint(note, head.size)
        self.signed_size, self.signed_at = head.size, self._clock.now()
        await self._announce(note)
        return note
