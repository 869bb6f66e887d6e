"""Logs that somebody has tampered with, made from a whole one and named after the defect.

Each defect is made twice: on the lines of an export, and by SQL on a store whose gateway is stopped, by somebody who knows the
format, holds the files and, where the defect needs it, the log's key: the head is made to fit, so that nothing but the
comparison with what was kept elsewhere can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringfence.core.audit.checkpoint import Checkpoint, checkpoint_text
from ringfence.core.audit.findings import Tamper
from ringfence.core.audit.note import seal
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.tree import merkle_root
from ringfence.core.records.entry import Entry, EntryKind

NAME = "ringfence.log"
SIZE = 12
KEPT_AT = 10
"""The size of the checkpoint that was kept elsewhere."""
START = 1_800_000_000_000


@dataclass(frozen=True, slots=True)
class Log:
    """Leaves in order, and the signed head that lies beside them."""

    leaves: list[bytes]
    note: str


@dataclass(frozen=True, slots=True)
class Defect:
    """A way of tampering, and what the verifier must call it."""

    make: Callable[[Log, Ed25519PrivateKey], Log]
    found: Tamper


def leaf(seq: int, summary: str = "a call was allowed", at: int | None = None) -> bytes:
    return Entry(
        kind=EntryKind.DECISION,
        at=START + seq * 60_000 if at is None else at,
        summary=summary,
        decision="allow",
        body={"arguments": {"amount": 25 + seq}},
    ).leaf(seq, "5a" * 16)


def signed(leaves: list[bytes], key: Ed25519PrivateKey) -> str:
    text = checkpoint_text(Checkpoint(NAME, len(leaves), merkle_root(map(entry_hash, leaves))))
    return seal(text, NAME, key.public_key().public_bytes_raw(), key.sign(text.encode()))


def whole(key: Ed25519PrivateKey) -> Log:
    leaves = [leaf(seq) for seq in range(SIZE)]
    return Log(leaves, signed(leaves, key))


def kept(log: Log, key: Ed25519PrivateKey) -> str:
    """The head that somebody else has kept."""
    return signed(log.leaves[:KEPT_AT], key)


def _edit(log: Log, key: Ed25519PrivateKey) -> Log:
    changed = log.leaves[4].replace(b'"amount":29', b'"amount":92')
    assert changed != log.leaves[4]
    return Log([*log.leaves[:4], changed, *log.leaves[5:]], log.note)


def _delete(log: Log, key: Ed25519PrivateKey) -> Log:
    return Log([*log.leaves[:4], *log.leaves[5:]], log.note)


def _reorder(log: Log, key: Ed25519PrivateKey) -> Log:
    return Log([*log.leaves[:4], log.leaves[5], log.leaves[4], *log.leaves[6:]], log.note)


def _insert(log: Log, key: Ed25519PrivateKey) -> Log:
    return Log([*log.leaves[:5], leaf(4, "a person approved it"), *log.leaves[5:]], log.note)


def _truncate(log: Log, key: Ed25519PrivateKey) -> Log:
    return Log(log.leaves[:7], log.note)


def _roll_back(log: Log, key: Ed25519PrivateKey) -> Log:
    older = log.leaves[: KEPT_AT - 3]
    return Log(older, signed(older, key))


def _fork(log: Log, key: Ed25519PrivateKey) -> Log:
    other = [*log.leaves[:4], leaf(4, "nothing happened"), *log.leaves[5:]]
    return Log(other, signed(other, key))


def _rewrite_clock(log: Log, key: Ed25519PrivateKey) -> Log:
    earlier = [leaf(seq, at=START + seq * 60_000 - (3_600_000 if seq >= 6 else 0)) for seq in range(SIZE)]
    return Log(earlier, signed(earlier, key))


DEFECTS: dict[str, Defect] = {
    "edit": Defect(_edit, Tamper.EDITED),
    "delete": Defect(_delete, Tamper.DELETED),
    "reorder": Defect(_reorder, Tamper.REORDERED),
    "insert": Defect(_insert, Tamper.INSERTED),
    "truncate": Defect(_truncate, Tamper.TRUNCATED),
    "roll back": Defect(_roll_back, Tamper.ROLLED_BACK),
    "fork": Defect(_fork, Tamper.FORKED),
    "clock rewrite": Defect(_rewrite_clock, Tamper.CLOCK),
}
