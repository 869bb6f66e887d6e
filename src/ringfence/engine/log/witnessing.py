"""Showing each signed head to the configured witnesses, and keeping their cosignatures on it.

A witness that does not answer delays nothing but its own cosignature. One that has seen more than this log has, or says that
the log shows it another history, is an alarm: the log was put back, or there are two of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringfence.core.audit.checkpoint import Checkpoint, parse_checkpoint
from ringfence.core.audit.cosignature import with_cosignatures
from ringfence.core.audit.note import Note, NoteSignature, parse_note, render_note
from ringfence.engine.log.proofs import LogProofs
from ringfence.errors import Error
from ringfence.ports.audit import AuditLog
from ringfence.ports.witness import Cosigned, Refused, Stale, Witness

logger = logging.getLogger(__name__)

ROUND_S = 25.0
"""How long one round may take; the next head comes a minute after."""


@dataclass(slots=True)
class WitnessState:
    """What is known of one witness."""

    size: int = 0
    """Of the last checkpoint that it cosigned, as far as is known."""
    cosigned: int = 0
    """Of the last checkpoint with its cosignature that is kept here."""
    problem: str = ""


class LogWitnessing:
    """Every witness in each round at once. `alarm` is told, once for each change, what cannot be an accident."""

    def __init__(self, log: AuditLog, witnesses: Sequence[Witness], alarm: Callable[[str], None], quorum: int) -> None:
        self._log = log
        self._proofs = LogProofs(log)
        self._witnesses = tuple(witnesses)
        self._alarm = alarm
        self.quorum = quorum
        self.states = {witness.name: WitnessState() for witness in witnesses}
        self.cosigned_size = 0
        """Of the newest checkpoint that a quorum has cosigned."""
        self._alarmed: dict[str, str] = {}

    async def show(self, signed: str) -> None:
        """Ask every witness about one signed head and keep what they say. Raises nothing for what a witness does."""
        note = parse_note(signed)
        checkpoint = parse_checkpoint(note.text)
        asking = [asyncio.ensure_future(self._ask(witness, signed, checkpoint)) for witness in self._witnesses]
        if not asking:
            return
        done, late = await asyncio.wait(asking, timeout=ROUND_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        lines = [line for task in asking if task in done for line in task.result()]
        if lines:
            await self._keep(note, checkpoint, lines)

    async def close(self) -> None:
        await asyncio.gather(*(witness.close() for witness in self._witnesses), return_exceptions=True)

    async def _keep(self, note: Note, checkpoint: Checkpoint, lines: Sequence[NoteSignature]) -> None:
        await self._log.put_checkpoint(render_note(with_cosignatures(note, lines)), checkpoint.size)
        for line in lines:
            self.states[line.name].cosigned = checkpoint.size
        if len({line.name for line in lines}) >= self.quorum:
            self.cosigned_size = max(self.cosigned_size, checkpoint.size)

    async def _ask(self, witness: Witness, signed: str, checkpoint: Checkpoint) -> tuple[NoteSignature, ...]:
        state = self.states[witness.name]
        try:
            answer = await self._show(witness, state.size, signed, checkpoint)
            if isinstance(answer, Stale) and answer.size != state.size and answer.size <= checkpoint.size:
                answer = await self._show(witness, answer.size, signed, checkpoint)
        except Error as error:
            state.problem = str(error)
            logger.warning("%s", error)
            return ()
        match answer:
            case Cosigned(lines):
                state.size, state.problem = checkpoint.size, ""
                self._alarmed.pop(witness.name, None)
                return lines
            case Stale(size) if size > checkpoint.size:
                self._sound(
                    witness, f"the witness {witness.name} has seen {size} entries, the log has {checkpoint.size}: put back?"
                )
            case Stale(size):
                self._sound(witness, f"the witness {witness.name} has seen another tree of {size} entries")
            case Refused(why, is_split=True):
                self._sound(witness, why)
            case Refused(why):
                state.problem = why
                logger.warning("%s", why)
        return ()

    async def _show(self, witness: Witness, old_size: int, signed: str, checkpoint: Checkpoint) -> Cosigned | Stale | Refused:
        old_size = min(old_size, checkpoint.size)
        proof = await self._proofs.consistency(old_size, checkpoint.size)
        return await witness.add_checkpoint(old_size, proof, signed)

    def _sound(self, witness: Witness, why: str) -> None:
        self.states[witness.name].problem = why
        logger.critical("%s", why)
        if self._alarmed.get(witness.name) != why:
            self._alarmed[witness.name] = why
            self._alarm(why)
