"""Checkpoints opened for verification: who signed them, and who cosigned them when. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ringfence.core.audit.checkpoint import Checkpoint, open_checkpoint
from ringfence.core.audit.cosignature import cosigned_at
from ringfence.core.audit.findings import Finding, Tamper
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import parse_note
from ringfence.errors import IntegrityError, RequestError


@dataclass(frozen=True, slots=True)
class Vouched:
    """A checkpoint that the log's key has signed, with the trusted witnesses that cosigned it."""

    checkpoint: Checkpoint
    times: tuple[tuple[str, int], ...]
    """Witness and its time in seconds."""

    @property
    def cosigned(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.times)

    @property
    def seen(self) -> tuple[tuple[int, int], ...]:
        """Size and time of each cosignature."""
        return tuple((self.checkpoint.size, seconds) for _, seconds in self.times)


def vouched_by(
    notes: Iterable[str], name: str, public_key: bytes, witnesses: Sequence[VerifierKey]
) -> tuple[list[Vouched], list[Finding]]:
    """The checkpoints among these notes that verify, and what is wrong with the others."""
    vouched: list[Vouched] = []
    findings: list[Finding] = []
    for note in notes:
        try:
            checkpoint = open_checkpoint(note, name, public_key)
        except (RequestError, IntegrityError) as error:
            findings.append(Finding(Tamper.CHECKPOINT, None, str(error)))
            continue
        times: list[tuple[str, int]] = []
        for witness in witnesses:
            try:
                seconds = cosigned_at(parse_note(note), witness)
            except IntegrityError as error:
                findings.append(Finding(Tamper.WITNESS, None, str(error)))
                continue
            if seconds is not None:
                times.append((witness.name, seconds))
        vouched.append(Vouched(checkpoint, tuple(times)))
    return vouched, findings
