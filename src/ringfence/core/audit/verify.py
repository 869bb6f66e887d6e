"""The offline verifier: does this log still say what its checkpoint was signed over?

It needs the leaves, a checkpoint and the log's public key, and trusts nothing else. What is wrong comes back as findings, never
as an exception:

1. every leaf is canonical JSON and carries its own place, dense from 0: a place that is missing, comes late or comes twice
   tells a deletion, a reordering, an insertion;
2. the note is a checkpoint of this log, signed by its key;
3. the log reaches at least as far as the checkpoint, else it was truncated;
4. the root over the first entries is the root that was signed. Where it is not and step 1 found nothing, an entry was edited
   or the entries were numbered anew: a root cannot say which;
5. the same for every checkpoint that was kept elsewhere. Where the log holds under its own and not under one of these, it was
   rolled back, or its key has signed two histories;
6. times do not run backwards, and fit the times at which witnesses cosigned;
7. enough witnesses have cosigned one of the checkpoints, where that is asked for.

A body may have been dropped: the stem that is left gives the same root (`stem`). Entries after the checkpoint are the unsigned
tail: expected, and vouched for by steps 1 and 6 only. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.core.audit.findings import Finding, Tamper
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.places import Places
from ringfence.core.audit.stem import BODY_DIGEST, VERSION, stem_of_value
from ringfence.core.audit.times import TOLERANCE_MS, Times
from ringfence.core.audit.tree import append, leaf_hash, root_hash
from ringfence.core.audit.vouched import Vouched, vouched_by
from ringfence.core.strict_json.canonical import JsonLimits, canonical_bytes, parse_strict
from ringfence.errors import RequestError

MOST_FINDINGS = 100
"""How many findings a report lists; the rest are counted."""
_LEAF_LIMITS = JsonLimits(depth=256, keys=100_000, nul=True)
"""An entry wraps values that were themselves at the limit, and may quote what was refused."""


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
    kept: tuple[Checkpoint, ...] = ()
    """The checkpoints kept elsewhere whose signature verified."""
    dropped: int = 0
    """Entries whose body was dropped; what stands around it is proved all the same."""
    cosigned: tuple[str, ...] = ()
    """The trusted witnesses that have cosigned; of several checkpoints, those of the one that has most."""
    findings: tuple[Finding, ...] = ()
    unlisted: int = 0
    """Findings beyond those listed."""

    @property
    def is_intact(self) -> bool:
        return not self.findings


def verify_log(
    leaves: Iterable[bytes],
    checkpoint_note: str | None,
    public_key: bytes,
    name: str,
    *,
    kept: Sequence[str] = (),
    witnesses: Sequence[VerifierKey] = (),
    quorum: int | None = None,
    tolerance_ms: int = TOLERANCE_MS,
) -> LogReport:
    """Read a log from its first entry on and report on it.

    `name` is the log's key name and origin, `public_key` its 32 bytes of Ed25519. `kept` are checkpoints that somebody else has
    kept; `quorum` says how many of the witnesses must have cosigned, all where absent. An error that the iterable raises passes
    through.
    """
    own, findings = vouched_by([checkpoint_note] if checkpoint_note is not None else [], name, public_key, witnesses)
    others, wrong = vouched_by(kept, name, public_key, witnesses)
    findings += wrong
    vouched = [*own, *others]
    walk = _Walk([one.checkpoint.size for one in vouched], Times([seen for one in vouched for seen in one.seen], tolerance_ms))
    for leaf in leaves:
        walk.see(leaf)
    wrong_places = walk.places.findings()
    findings += wrong_places
    checkpoint = own[0].checkpoint if own else None
    judged = _Judged(walk, wrong_places)
    if checkpoint is not None:
        findings += judged.against_own(checkpoint)
    for other in others:
        findings += judged.against_kept(other.checkpoint, checkpoint)
    findings += walk.times.findings
    best = max(vouched, key=lambda one: len(one.cosigned), default=None)
    findings += _short_of(witnesses, quorum, best)
    return LogReport(
        size=walk.size,
        root=root_hash(walk.edge),
        checkpoint=checkpoint,
        unsigned=max(0, walk.size - (checkpoint.size if checkpoint is not None else 0)),
        kept=tuple(other.checkpoint for other in others),
        dropped=walk.dropped,
        cosigned=best.cosigned if best is not None else (),
        findings=tuple(findings[:MOST_FINDINGS]),
        unlisted=max(0, len(findings) - MOST_FINDINGS),
    )


class _Walk:
    """One look at each leaf."""

    def __init__(self, sizes: Iterable[int], times: Times) -> None:
        self.size = 0
        self.edge: tuple[bytes, ...] = ()
        self.places = Places()
        self.times = times
        self.dropped = 0
        self.roots: dict[int, bytes] = {0: root_hash(())}
        self._sizes = frozenset(sizes)

    def see(self, leaf: bytes) -> None:
        stem = leaf
        try:
            entry = _entry_of(leaf)
            stem = stem_of_value(entry)
        except RequestError as error:
            self.places.unreadable(self.size, str(error))
        else:
            seq: int = entry["seq"]
            self.places.see(seq)
            if type(at := entry.get("at")) is int:
                self.times.see(seq, at)
            self.dropped += "body" not in entry and entry.get("v") == VERSION
        self.edge = append(self.size, self.edge, leaf_hash(stem))
        self.size += 1
        if self.size in self._sizes:
            self.roots[self.size] = root_hash(self.edge)


class _Judged:
    """What the walk says about checkpoints."""

    def __init__(self, walk: _Walk, wrong_places: Sequence[Finding]) -> None:
        self._reach = walk.places.reach
        self._roots = walk.roots
        self._wrong_places = wrong_places

    def against_own(self, own: Checkpoint) -> list[Finding]:
        if self._reach < own.size:
            missing = f"the checkpoint covers {own.size} entries and the log ends after {self._reach}"
            return [Finding(Tamper.TRUNCATED, self._reach, missing)]
        if self._roots.get(own.size) != own.root and not self._is_explained(own):
            return [Finding(Tamper.EDITED, None, f"the first {own.size} entries do not give the signed root")]
        return []

    def against_kept(self, kept: Checkpoint, own: Checkpoint | None) -> list[Finding]:
        holds = own is not None and own.size <= self._reach and self._roots.get(own.size) == own.root
        if own is not None and kept.size == own.size and kept.root != own.root:
            two = f"the log's key has signed two different roots over {kept.size} entries"
            return [Finding(Tamper.FORKED, None, two)]
        if self._reach < kept.size:
            missing = f"a checkpoint kept elsewhere covers {kept.size} entries and the log ends after {self._reach}"
            return [Finding(Tamper.ROLLED_BACK if holds else Tamper.TRUNCATED, self._reach, missing)]
        if self._roots.get(kept.size) == kept.root or self._is_explained(kept):
            return []
        if holds:
            other = (
                f"a checkpoint kept elsewhere has another root over the first {kept.size} entries: there is a second history"
            )
            return [Finding(Tamper.FORKED, None, other)]
        return [
            Finding(Tamper.EDITED, None, f"the first {kept.size} entries do not give the root of a checkpoint kept elsewhere")
        ]

    def _is_explained(self, checkpoint: Checkpoint) -> bool:
        return any(finding.seq is not None and finding.seq < checkpoint.size for finding in self._wrong_places)


def _short_of(witnesses: Sequence[VerifierKey], quorum: int | None, best: Vouched | None) -> list[Finding]:
    needed = len(witnesses) if quorum is None else quorum
    found = len(best.cosigned) if best is not None else 0
    if found >= needed:
        return []
    detail = f"{found} of {len(witnesses)} witnesses have cosigned a checkpoint, {needed} are needed"
    return [Finding(Tamper.WITNESS, None, detail)]


def _entry_of(leaf: bytes) -> dict[str, Any]:
    """A leaf as what it claims to be, with a place. Raises: RequestError."""
    try:
        value: Any = parse_strict(leaf, _LEAF_LIMITS)
        canonical = canonical_bytes(value)
    except RequestError as error:
        raise RequestError(f"not canonical JSON: {error}") from error
    if canonical != leaf:
        raise RequestError("not canonical JSON")
    if not isinstance(value, dict) or type(value.get("seq")) is not int or value["seq"] < 0:
        raise RequestError("carries no place")
    if value.get("v") == VERSION and ("body" in value) == (BODY_DIGEST in value):
        raise RequestError("has neither a body nor the digest of one, or both")
    if value.get("v") == VERSION and type(value.get("salt", "")) is not str:
        raise RequestError("has a salt that is no text")
    return value
