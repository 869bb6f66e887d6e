"""Verifying one entry by its proof file, with the log's key alone. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.core.audit.findings import Finding, Tamper
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.proof import verify_inclusion
from ringfence.core.audit.proof_file import ProofFile
from ringfence.core.audit.stem import entry_hash, stem_of, stem_of_value
from ringfence.core.audit.vouched import vouched_by
from ringfence.core.strict_json.canonical import JsonLimits, canonical_bytes, parse_strict
from ringfence.errors import RequestError

_LIMITS = JsonLimits(depth=256, keys=100_000, nul=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofReport:
    """What the proof shows: with no findings, that this entry is at its place in the log of the checkpoint."""

    entry: dict[str, Any] | None
    """The entry, None where the leaf holds none."""
    checkpoint: Checkpoint | None
    cosigned: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_proved(self) -> bool:
        return not self.findings


def verify_proof(
    proof: ProofFile, public_key: bytes, name: str, *, witnesses: Sequence[VerifierKey] = (), quorum: int | None = None
) -> ProofReport:
    """Check checkpoint, cosignatures, path and entry. What is wrong comes back as findings."""
    vouched, findings = vouched_by([proof.checkpoint], name, public_key, witnesses)
    entry, wrong = _entry(proof)
    findings += wrong
    needed = len(witnesses) if quorum is None else quorum
    for one in vouched:
        checkpoint = one.checkpoint
        if not verify_inclusion(proof.index, checkpoint.size, entry_hash(proof.leaf), proof.path, checkpoint.root):
            detail = f"the entry is not shown to be number {proof.index} of the {checkpoint.size} that were signed"
            findings.append(Finding(Tamper.PROOF, proof.index, detail))
        if len(one.cosigned) < needed:
            detail = f"{len(one.cosigned)} of {len(witnesses)} witnesses have cosigned, {needed} are needed"
            findings.append(Finding(Tamper.WITNESS, None, detail))
    first = vouched[0] if vouched else None
    return ProofReport(
        entry=entry,
        checkpoint=first.checkpoint if first else None,
        cosigned=first.cosigned if first else (),
        findings=tuple(findings),
    )


def _entry(proof: ProofFile) -> tuple[dict[str, Any] | None, list[Finding]]:
    """The entry, which has to say of itself that it is at the place that is proved."""
    try:
        value: Any = parse_strict(proof.leaf, _LIMITS)
        is_own = (
            canonical_bytes(value) == proof.leaf and isinstance(value, dict) and stem_of_value(value) == stem_of(proof.leaf)
        )
    except RequestError as error:
        return None, [Finding(Tamper.PROOF, proof.index, f"the entry is not canonical JSON: {error}")]
    if not is_own or value.get("seq") != proof.index:
        return None, [Finding(Tamper.PROOF, proof.index, f"what is proved is not entry {proof.index}")]
    return value, []
