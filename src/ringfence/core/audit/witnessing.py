"""What a witness is asked and how it judges: the `add-checkpoint` call of C2SP tlog-witness.

    old SIZE                        of the last checkpoint that it cosigned
    BASE64 ...                      consistency proof from there, at most 63 hashes
                                    (a blank line)
    (the checkpoint)

Checkpoints with extension lines are refused, as everywhere here. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ringfence.core.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import decode_base64, encode_base64, parse_note
from ringfence.core.audit.proof import verify_consistency
from ringfence.core.audit.tree import EMPTY_ROOT
from ringfence.errors import IntegrityError, RequestError

MOST_HASHES = 63
LARGEST_REQUEST = 1 << 16
"""Bytes. A proof has at most 63 lines of 45 bytes; the rest is the checkpoint."""
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """One request, read and not judged. `text` is the checkpoint's, `note` all of it with its signatures."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str
    text: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """The last checkpoint of a log that a witness cosigned."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Verdict(Enum):
    """A witness's answer, with its HTTP status (C2SP tlog-witness, "add-checkpoint")."""

    COSIGN = 200
    MALFORMED = 400
    UNTRUSTED = 403
    """No signature of the log's key, or one that does not verify."""
    UNKNOWN_LOG = 404
    STALE = 409
    """The old size is not the witness's, or the same size has another root. The answer says the witness's size."""
    INCONSISTENT = 422
    """The proof does not show that the log has only grown: a split view, or no proof."""


def render_request(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of a request."""
    hashes = "".join(encode_base64(node) + "\n" for node in proof)
    return f"old {old_size}\n{hashes}\n{note}".encode()


def parse_request(data: bytes) -> AddCheckpoint:
    """Raises: RequestError for whatever is not exactly a request."""
    if len(data) > LARGEST_REQUEST:
        raise RequestError(f"a request of more than {LARGEST_REQUEST} bytes")
    try:
        head, blank, note = data.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError as error:
        raise RequestError("not UTF-8") from error
    first, *hashes = head.split("\n")
    old = _OLD.fullmatch(first)
    if not blank or old is None or len(hashes) > MOST_HASHES:
        raise RequestError("not an old size, at most 63 hashes, a blank line and a checkpoint")
    text = parse_note(note).text
    return AddCheckpoint(int(old[1]), tuple(decode_base64(line) for line in hashes), note, text, parse_checkpoint(text))


def judge(asked: AddCheckpoint, key: VerifierKey | None, seen: Seen) -> Verdict:
    """Whether a checkpoint may be cosigned. `key` is the one that is trusted for its origin, None where there is none."""
    if key is None:
        return Verdict.UNKNOWN_LOG
    try:
        fresh = open_checkpoint(asked.note, key.name, key.public_key)
    except (IntegrityError, RequestError):
        return Verdict.UNTRUSTED
    if asked.old_size > fresh.size:
        return Verdict.MALFORMED
    if asked.old_size != seen.size:
        return Verdict.STALE
    if fresh.size == seen.size and fresh.root != seen.root:
        return Verdict.STALE
    if not verify_consistency(seen.size, fresh.size, seen.root, fresh.root, asked.proof):
        return Verdict.INCONSISTENT
    return Verdict.COSIGN
