"""An implementation from PyPI that this project has not written agrees on roots, proofs, notes and cosignatures, and refuses
what was tampered with. `make verifier` sets it up."""

import base64
import json
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.app.cli_kit import Office, office
from tests.app.test_audit_cli import grow

from ringfence.core.audit.cosignature import cosign, with_cosignatures
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import COSIGNATURE, encode_base64, parse_note, render_note
from ringfence.core.audit.proof_file import parse_proof
from ringfence.core.audit.stem import stem_of
from ringfence.engine.log.proofs import LogProofs

pytestmark = pytest.mark.requirement("I12")
HERE = Path(__file__).parent.parent / "verifier"
WITNESSES = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (3, 4)]
KEYS = [
    VerifierKey(f"witness-{number}.example", COSIGNATURE, key.public_key().public_bytes_raw())
    for number, key in enumerate(WITNESSES)
]
SIZES = (1, 2, 255, 256, 257, 600)


@pytest.fixture(scope="module")
def at() -> Generator[Office]:
    with office() as opened:
        run = opened.run(opened.world.open_run())
        opened.run(opened.world.call(run, "orders__note", {"order": "A1", "text": "before"}))
        grow(opened, 700)
        yield opened


@pytest.fixture
def tiles(at: Office, tmp_path: Path) -> Path:
    folder = tmp_path / "tiles"
    assert at("audit", "export", "--format", "tiles", "-o", str(folder)).code == 0
    return folder


def key_of(at: Office) -> str:
    return at("audit", "key").out.strip()


def judged(tiles: Path, key: str, *, quorum: int = 0, **asked: Any) -> dict[str, Any]:
    question = {"tiles": str(tiles), "key": key, "witnesses": list(map(str, KEYS)), "quorum": quorum, **asked}
    python = HERE / ".venv" / "bin" / "python"
    done = subprocess.run([python, HERE / "judge.py"], input=json.dumps(question), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_agrees_on_the_signed_head_and_on_every_tile_and_bundle(at: Office, tiles: Path) -> None:
    verdict = judged(tiles, key_of(at))
    head = at.run(at.world.log.head())
    assert verdict["checkpoint"] is True, verdict["why"]
    assert verdict["origin"] == at.world.signer.name
    assert verdict["size"] == head.size > 700
    assert verdict["tiles"] == "4 tiles, 3 bundles"
    assert verdict["own_proofs"] > 50


def test_it_agrees_on_proofs_that_the_gateway_makes(at: Office, tiles: Path, tmp_path: Path) -> None:
    proofs = LogProofs(at.world.log)
    size = at.run(at.world.log.head()).size
    roots = {each: encode_base64(at.run(proofs.root(each))) for each in (*SIZES, size)}
    inclusion: list[dict[str, Any]] = []
    for each in SIZES:
        for index in {0, each // 2, each - 1}:
            record = at.run(at.world.log.record_at(index))
            assert record is not None
            path = [encode_base64(node) for node in at.run(proofs.inclusion(index, each))]
            leaf = encode_base64(stem_of(record.leaf))
            inclusion.append({"leaf": leaf, "index": index, "size": each, "path": path, "root": roots[each]})
    consistency: list[dict[str, Any]] = []
    for old in SIZES:
        for new in (*(each for each in SIZES if each >= old), size):
            path = [encode_base64(node) for node in at.run(proofs.consistency(old, new))]
            consistency.append({"old": old, "new": new, "old_root": roots[old], "new_root": roots[new], "path": path})
    verdict = judged(tiles, key_of(at), proofs=inclusion, consistency=consistency)
    assert verdict["proofs"] == [True] * len(inclusion)
    assert verdict["consistency"] == [True] * len(consistency)
    for wrong in inclusion:
        wrong["leaf"] = encode_base64(base64.b64decode(wrong["leaf"]) + b" ")
    for wrong in consistency:
        wrong["old_root"] = encode_base64(bytes(32))
    verdict = judged(tiles, key_of(at), proofs=inclusion, consistency=consistency)
    assert not any(verdict["proofs"])
    assert not any(verdict["consistency"])


def test_it_agrees_on_a_proof_file(at: Office, tiles: Path, tmp_path: Path) -> None:
    file = tmp_path / "proof"
    assert at("audit", "prove", "e300", "-o", str(file)).code == 0
    proof = parse_proof(file.read_text("utf-8"))
    _, size, root = proof.checkpoint.split("\n")[:3]
    asked = {
        "leaf": encode_base64(stem_of(proof.leaf)),
        "index": proof.index,
        "size": int(size),
        "path": [encode_base64(node) for node in proof.path],
        "root": root,
    }
    assert judged(tiles, key_of(at), proofs=[asked])["proofs"] == [True]


def test_it_agrees_on_cosignatures_and_counts_the_same_witnesses(at: Office, tiles: Path) -> None:
    note = parse_note((tiles / "checkpoint").read_text("utf-8"))
    lines = [cosign(note.text, key, 1_800_000_000, signer.sign) for key, signer in zip(KEYS, WITNESSES, strict=True)]
    assert judged(tiles, key_of(at), quorum=1)["checkpoint"] is False
    (tiles / "checkpoint").write_text(render_note(with_cosignatures(note, lines)), "utf-8")
    verdict = judged(tiles, key_of(at), quorum=2)
    assert verdict["checkpoint"] is True, verdict["why"]
    assert verdict["witnesses"] == [key.name for key in KEYS]
    forged = cosign(note.text, KEYS[0], 1_800_000_000, WITNESSES[1].sign)
    (tiles / "checkpoint").write_text(render_note(with_cosignatures(note, [forged, lines[1]])), "utf-8")
    assert judged(tiles, key_of(at), quorum=1)["checkpoint"] is False


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("tile/entries/001", b"entry 300", b"entry 301"),
        ("tile/entries/002.p", b"entry 600", b"entry 601"),
        ("tile/0/000", b"", b""),
        ("tile/1/000.p", b"", b""),
    ],
)
def test_it_refuses_tiles_that_were_tampered_with_and_so_do_we(
    at: Office, tiles: Path, path: str, before: bytes, after: bytes
) -> None:
    target = tiles / path
    if target.is_dir():
        (target,) = target.iterdir()
    data = target.read_bytes()
    changed = data.replace(before, after) if before else bytes([data[0] ^ 1]) + data[1:]
    assert changed != data
    target.write_bytes(changed)
    assert judged(tiles, key_of(at))["tiles"].startswith("refused")
    if before:
        assert at("audit", "verify", "--export", str(tiles), "--key", key_of(at)).code == 1


def test_it_refuses_a_head_of_another_key_or_another_size(at: Office, tiles: Path) -> None:
    head = tiles / "checkpoint"
    text = head.read_text("utf-8")
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert judged(tiles, str(VerifierKey(at.world.signer.name, 1, other)))["checkpoint"] is False
    size = text.split("\n")[1]
    head.write_text(text.replace(f"\n{size}\n", f"\n{int(size) - 1}\n"), "utf-8")
    assert judged(tiles, key_of(at))["checkpoint"] is False
