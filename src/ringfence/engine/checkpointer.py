"""Signing the head of the log, on a timer and at the end."""

from __future__ import annotations

from ringfence.ports.audit import AuditLog
from ringfence.ports.signer import Signer


class Checkpointer:
    """Writes a C2SP tlog-checkpoint whenever the log has grown."""

    def __init__(self, log: AuditLog, signer: Signer, origin: str) -> None:
        self._log = log
        self._signer = signer
        self._origin = origin
        self._signed = -1

    async def checkpoint(self) -> str | None:
        """Sign the head if it is new; answers the note."""
        raise NotImplementedError
