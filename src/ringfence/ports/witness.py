"""Asking a witness to cosign."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.audit.note import NoteSignature


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness's lines, verified."""

    lines: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """The witness has cosigned another size last."""

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The witness will not cosign: it does not know the log, or the log did not only grow."""

    why: str
    is_split: bool = False
    """It says that the log shows it another history than before."""


class Witness(Protocol):
    """One witness, by the name of its key."""

    @property
    def name(self) -> str: ...

    async def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: str) -> Cosigned | Stale | Refused:
        """Show it a checkpoint. Raises UnavailableError where it does not answer in time, or not in its own name."""
        ...

    async def close(self) -> None: ...
