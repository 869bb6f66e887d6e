"""A proof of one entry that stands alone."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.core.test_audit_verify import KEY, LOG, NAME, PUBLIC, signed

from ringfence.core.audit.cosignature import cosign, with_cosignatures
from ringfence.core.audit.findings import Tamper
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import COSIGNATURE, parse_note, render_note
from ringfence.core.audit.proof import inclusion_proof
from ringfence.core.audit.proof_file import ProofFile, parse_proof, render_proof
from ringfence.core.audit.stem import entry_hash, stem_of
from ringfence.core.audit.verify_proof import ProofReport, verify_proof
from ringfence.errors import RequestError

HASHES = [entry_hash(leaf) for leaf in LOG]


def proof_of(index: int, size: int = 10, leaf: bytes | None = None) -> ProofFile:
    return ProofFile(leaf or LOG[index], index, inclusion_proof(index, HASHES[:size]), signed(LOG, size))


def check(proof: ProofFile) -> ProofReport:
    return verify_proof(proof, PUBLIC, NAME)


@pytest.mark.requirement("I12")
@pytest.mark.parametrize("size", [1, 2, 7, 8, 10])
def test_every_entry_is_proved_whole_and_by_its_stem(size: int) -> None:
    for index in range(size):
        for leaf in (LOG[index], stem_of(LOG[index])):
            report = check(parse_proof(render_proof(proof_of(index, size, leaf))))
            assert report.is_proved
            assert report.entry == json.loads(leaf)


@pytest.mark.requirement("I12")
@pytest.mark.parametrize(
    ("proof", "tamper"),
    [
        (proof_of(3, leaf=LOG[4]), Tamper.PROOF),
        (proof_of(3, leaf=LOG[3].replace(b"allow", b"alloW")), Tamper.PROOF),
        (ProofFile(LOG[3], 4, proof_of(3).path, proof_of(3).checkpoint), Tamper.PROOF),
        (ProofFile(LOG[3], 3, proof_of(3).path[:-1], proof_of(3).checkpoint), Tamper.PROOF),
        (ProofFile(LOG[3], 3, proof_of(3).path, signed(LOG, 9)), Tamper.PROOF),
        (ProofFile(LOG[3], 3, proof_of(3).path, "nonsense"), Tamper.CHECKPOINT),
        (ProofFile(b"{}", 3, proof_of(3).path, proof_of(3).checkpoint), Tamper.PROOF),
        (ProofFile(b"no", 3, proof_of(3).path, proof_of(3).checkpoint), Tamper.PROOF),
    ],
)
def test_a_proof_of_anything_else_is_a_finding(proof: ProofFile, tamper: Tamper) -> None:
    assert tamper in {finding.tamper for finding in check(proof).findings}


def test_a_proof_under_another_key_is_a_finding() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert not verify_proof(proof_of(3), other, NAME).is_proved


def test_the_cosignatures_asked_for_have_to_be_there() -> None:
    witness = VerifierKey("w", COSIGNATURE, PUBLIC)
    bare = proof_of(3)
    (missing,) = verify_proof(bare, PUBLIC, NAME, witnesses=[witness]).findings
    assert missing.tamper is Tamper.WITNESS
    note = parse_note(bare.checkpoint)
    cosigned = render_note(with_cosignatures(note, [cosign(note.text, witness, 7, KEY.sign)]))
    report = verify_proof(ProofFile(bare.leaf, 3, bare.path, cosigned), PUBLIC, NAME, witnesses=[witness])
    assert report.is_proved
    assert report.cosigned == ("w",)


def test_the_file_is_the_c2sp_format() -> None:
    lines = render_proof(proof_of(1, 2)).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "extra " + base64.b64encode(LOG[1]).decode()
    assert lines[2] == "index 1"
    assert base64.b64decode(lines[3]) == HASHES[0]
    assert lines[4] == ""
    assert "\n".join(lines[5:]) == signed(LOG, 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        render_proof(proof_of(3)).replace("index 3", "index 03"),
        render_proof(proof_of(3)).replace("@v1", "@v2"),
        render_proof(proof_of(3)).replace("extra ", "other "),
        render_proof(proof_of(3)).replace("\n\n", "\n", 1).replace("\n\n", "\n"),
        render_proof(ProofFile(LOG[3], 3, (bytes(32),) * 64, "x")),
        render_proof(ProofFile(LOG[3], 3, (), "x" * (1 << 20))),
    ],
)
def test_what_is_not_exactly_a_proof_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_proof(text)
