"""What a verifier can find wrong with a log. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Tamper(StrEnum):
    """What has been done to a log."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    """It ends before its own checkpoint does."""
    ROLLED_BACK = "rolled_back"
    """It is whole under its own checkpoint, but a newer one was kept elsewhere: somebody put an older state back."""
    FORKED = "forked"
    """Its key has signed two histories: a checkpoint kept elsewhere has another root at its size."""
    CLOCK = "clock"
    """Times run backwards, or do not fit the time at which a witness saw the log."""
    CHECKPOINT = "checkpoint"
    """A checkpoint cannot be trusted."""
    WITNESS = "witness"
    """A cosignature does not verify, or too few witnesses have cosigned."""
    PROOF = "proof"
    """An inclusion proof does not show what it claims."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `seq` is the first entry concerned, None where the root alone gave it away."""

    tamper: Tamper
    seq: int | None
    detail: str
