"""The offline verifier: does this log still say what its checkpoint was signed over?

It needs the leaves, a checkpoint kept elsewhere and the log's public key, and trusts nothing else. What is wrong comes back as
findings, never as an exception:

1. every leaf is canonical JSON and carries its own place, dense from 0: a place that is missing, comes late or comes twice
   tells a deletion, a reordering, an insertion;
2. the note is a checkpoint of this log, signed by its key;
3. the log reaches at least as far as the checkpoint, else it was truncated;
4. the root over the first entries is the root that was signed. Where it is not and step 1 found nothing, an entry was edited
   or the entries were numbered anew: a root cannot say which.

Entries after the checkpoint are the unsigned tail: expected, and vouched for by step 1 only. Pure.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ringfence.core.audit.checkpoint import Checkpoint, open_checkpoint
from ringfence.core.audit.tree import append, leaf_hash, root_hash
from ringfence.core.canonical import JsonLimits, canonical_bytes, parse_strict
from ringfence.errors import IntegrityError, RequestError

MOST_FINDINGS = 100
"""How many findings a report lists; the rest are counted."""
_LEAF_LIMITS = JsonLimits(depth=256, nul=True)
"""An entry wraps values that were themselves at the limit, and may quote what was refused."""


class Tamper(StrEnum):
    """What has been done to a log."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    CHECKPOINT = "checkpoint"
    """The checkpoint itself cannot be trusted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `seq` is the first entry concerned, None where the root alone gave it away."""

    tamper: Tamper
    seq: int | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What the verifier saw."""

    size: int
    """Entries read."""
    root: bytes
    """The root over all of them."""
    checkpoint: Checkpoint | None
    """The checkpoint, if one was given and its signature verified."""
    unsigned: int
    """Entries after the checkpoint; all of them where there is none."""
    findings: tuple[Finding, ...] = ()
    unlisted: int = 0
    """Findings beyond those listed."""

    @property
    def is_intact(self) -> bool:
        return not self.findings


def verify_log(leaves: Iterable[bytes], checkpoint_note: str | None, public_key: bytes, name: str) -> LogReport:
    """Read a log from its first entry on and report on it.

    `name` is the log's key name and origin, `public_key` its 32 bytes of Ed25519. An error that the iterable raises passes
    through.
    """
    checkpoint, findings = _open(checkpoint_note, name, public_key)
    places = _Places()
    edge: tuple[bytes, ...] = ()
    size = 0
    signed_root = root_hash(edge) if checkpoint is not None and checkpoint.size == 0 else None
    for leaf in leaves:
        places.see(size, leaf)
        edge = append(size, edge, leaf_hash(leaf))
        size += 1
        if checkpoint is not None and size == checkpoint.size:
            signed_root = root_hash(edge)
    wrong_places = places.findings()
    findings += wrong_places
    if checkpoint is not None:
        findings += _against(checkpoint, places.reach, signed_root, wrong_places)
    return LogReport(
        size=size,
        root=root_hash(edge),
        checkpoint=checkpoint,
        unsigned=max(0, size - (checkpoint.size if checkpoint is not None else 0)),
        findings=tuple(findings[:MOST_FINDINGS]),
        unlisted=max(0, len(findings) - MOST_FINDINGS),
    )


def _open(note: str | None, name: str, public_key: bytes) -> tuple[Checkpoint | None, list[Finding]]:
    if note is None:
        return None, []
    try:
        return open_checkpoint(note, name, public_key), []
    except (RequestError, IntegrityError) as error:
        return None, [Finding(Tamper.CHECKPOINT, None, str(error))]


def _against(checkpoint: Checkpoint, reach: int, signed_root: bytes | None, wrong_places: list[Finding]) -> list[Finding]:
    if reach < checkpoint.size:
        missing = f"the checkpoint covers {checkpoint.size} entries and the log ends after {reach}"
        return [Finding(Tamper.TRUNCATED, reach, missing)]
    explained = any(finding.seq is not None and finding.seq < checkpoint.size for finding in wrong_places)
    if signed_root != checkpoint.root and not explained:
        return [Finding(Tamper.EDITED, None, f"the first {checkpoint.size} entries do not give the signed root")]
    return []


def _seq_of(leaf: bytes) -> int | str:
    """The place that an entry claims, or what is wrong with it."""
    try:
        value: Any = parse_strict(leaf, _LEAF_LIMITS)
        if canonical_bytes(value) != leaf:
            return "not canonical JSON"
    except RequestError as error:
        return f"not canonical JSON: {error}"
    seq: Any = value.get("seq") if isinstance(value, dict) else None
    if type(seq) is not int or seq < 0:
        return "carries no place"
    return seq


@dataclass(slots=True)
class _Places:
    """Follows the places that the entries claim."""

    reach: int = 0
    """One more than the largest place seen."""
    edited: list[Finding] = field(default_factory=list[Finding])
    gaps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Places skipped, from and to inclusive, rising."""
    late: list[int] = field(default_factory=list[int])
    """Places that came after a larger one."""

    def see(self, position: int, leaf: bytes) -> None:
        seq = _seq_of(leaf)
        if isinstance(seq, str):
            # It stands for the place that comes next, so that one edit does not read as a deletion too.
            self.edited.append(Finding(Tamper.EDITED, self.reach, f"entry at position {position}: {seq}"))
            self.reach += 1
        elif seq < self.reach:
            self.late.append(seq)
        else:
            if seq > self.reach:
                self.gaps.append((self.reach, seq - 1))
            self.reach = seq + 1

    def findings(self) -> list[Finding]:
        """By kind: edited, reordered, inserted, deleted; each in the order of the entries."""
        starts = [start for start, _ in self.gaps]
        filled: dict[int, set[int]] = {}
        reordered: list[Finding] = []
        inserted: list[Finding] = []
        for seq in sorted(self.late):
            gap = bisect_right(starts, seq) - 1
            came_back = filled.setdefault(gap, set())
            if gap >= 0 and seq <= self.gaps[gap][1] and seq not in came_back:
                came_back.add(seq)
                reordered.append(Finding(Tamper.REORDERED, seq, f"entry {seq} stands after a later one"))
            else:
                inserted.append(Finding(Tamper.INSERTED, seq, f"place {seq} is taken twice"))
        deleted = [
            Finding(
                Tamper.DELETED,
                first,
                f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing",
            )
            for number, gap in enumerate(self.gaps)
            for first, last in _left_over(gap, sorted(filled.get(number, ())))
        ]
        return [*self.edited, *reordered, *inserted, *deleted]


def _left_over(gap: tuple[int, int], filled: list[int]) -> list[tuple[int, int]]:
    """The parts of a gap between the places that were filled later."""
    start, end = gap
    left: list[tuple[int, int]] = []
    for seq in filled:
        if start < seq:
            left.append((start, seq - 1))
        start = seq + 1
    return [*left, (start, end)] if start <= end else left
