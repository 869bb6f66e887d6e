"""Checkpoints: the signed head of the log, in the format of C2SP tlog-checkpoint.

The text of the note has three lines, parsed exactly: the origin, the tree size in decimal without leading zeros, and the root
hash in base64. Extension lines are refused: this log never writes any, and no reader of it could check them. Pure.

    text = checkpoint_text(Checkpoint(origin, size, root_hash(edge)))
    note = seal(text, signer.name, signer.public_key, signer.sign(text.encode()))
"""

import base64
import re
from dataclasses import dataclass

from ringfence.core.audit.note import decode_base64, open_note, parse_note
from ringfence.core.audit.tree import HASH_BYTES
from ringfence.errors import IntegrityError, RequestError

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LARGEST_SIZE = 2**63 - 1
"""What every reader's signed 64-bit integer holds."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree size and its root, under the log's name."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or not self.origin.isprintable():
            raise RequestError("an origin that is empty or cannot be printed")
        if not 0 <= self.size <= _LARGEST_SIZE:
            raise RequestError("a tree size out of range")
        if len(self.root) != HASH_BYTES:
            raise RequestError(f"a root hash has {HASH_BYTES} bytes")


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """The text to sign."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Raises: RequestError for whatever is not exactly a checkpoint's text."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise RequestError("a checkpoint has three lines")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise RequestError("a tree size that is no decimal number")
    return Checkpoint(origin, int(size), decode_base64(root))


def open_checkpoint(note: str, origin: str, public_key: bytes) -> Checkpoint:
    """The checkpoint in a note that the log's key has signed. The key's name is the origin.

    Raises: RequestError for a malformed note or key; IntegrityError where the signature is missing or wrong, or the checkpoint
    is another log's.
    """
    checkpoint = parse_checkpoint(open_note(parse_note(note), origin, public_key))
    if checkpoint.origin != origin:
        raise IntegrityError(f"a checkpoint of the log `{checkpoint.origin}`, not of `{origin}`")
    return checkpoint
