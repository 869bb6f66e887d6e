"""Every tampering is found by `ringfence audit verify`, by its name, in an export and in a stopped gateway's own store."""

import json
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.app.cli_kit import Said, ringfence
from tests.app.tampered_logs import DEFECTS, NAME, SIZE, Log, kept, signed, whole

from ringfence.adapters.signers.file_key import open_file_key
from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.audit.keys import VerifierKey
from ringfence.core.audit.note import ED25519, encode_base64
from ringfence.core.audit.stem import entry_hash, stem_of
from ringfence.core.audit.tree import append

pytestmark = pytest.mark.requirement("I12")
KEY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)


def key_of(key: Ed25519PrivateKey) -> str:
    return str(VerifierKey(NAME, ED25519, key.public_key().public_bytes_raw()))


def exported(log: Log, folder: Path, key: Ed25519PrivateKey = KEY) -> Path:
    last = {"checkpoint": log.note, "name": NAME, "public_key": encode_base64(key.public_key().public_bytes_raw())}
    file = folder / "log.jsonl"
    file.write_bytes(b"".join(leaf + b"\n" for leaf in log.leaves) + json.dumps(last, separators=(",", ":")).encode() + b"\n")
    return file


def verify(folder: Path, *arguments: str) -> Said:
    head = folder / "kept"
    return ringfence("audit", "verify", *arguments, "--checkpoint", str(head), "--json", home=folder)


def names(said: Said) -> list[str]:
    return [finding["tamper"] for finding in said.json["findings"]]


def test_the_whole_log_is_intact(tmp_path: Path) -> None:
    log = whole(KEY)
    (tmp_path / "kept").write_text(kept(log, KEY), "utf-8")
    said = verify(tmp_path, "--export", str(exported(log, tmp_path)), "--key", key_of(KEY))
    assert said.code == 0
    assert names(said) == []


@pytest.mark.parametrize("defect", DEFECTS, ids=[name.replace(" ", "_") for name in DEFECTS])
def test_an_export_that_was_tampered_with_is_found(tmp_path: Path, defect: str) -> None:
    log = whole(KEY)
    (tmp_path / "kept").write_text(kept(log, KEY), "utf-8")
    tampered = DEFECTS[defect].make(log, KEY)
    assert tampered != log
    file = exported(tampered, tmp_path)
    said = verify(tmp_path, "--export", str(file), "--key", key_of(KEY))
    assert said.code == 1
    assert said.json["intact"] is False
    assert DEFECTS[defect].found.value in names(said)
    in_words = ringfence(
        "audit", "verify", "--export", str(file), "--key", key_of(KEY), "--checkpoint", str(tmp_path / "kept"), home=tmp_path
    )
    assert in_words.code == 1
    assert f"{DEFECTS[defect].found.value}:" in in_words.out
    assert "intact" not in in_words.out


@pytest.mark.parametrize("defect", DEFECTS, ids=[name.replace(" ", "_") for name in DEFECTS])
async def test_a_store_that_was_tampered_with_is_found(tmp_path: Path, defect: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    open_file_key(state / "log.key", NAME, create=True)
    key = load_pem_private_key((state / "log.key").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    await (await open_store(state)).close()
    log = whole(key)
    put(state, log)
    (tmp_path / "kept").write_text(kept(log, key), "utf-8")
    arguments = ("--state", str(state), "--key", key_of(key))
    untouched = verify(tmp_path, *arguments)
    assert untouched.code == 0, untouched.out
    assert untouched.json["entries"] == SIZE
    put(state, DEFECTS[defect].make(log, key))
    said = verify(tmp_path, *arguments)
    assert said.code == 1
    assert DEFECTS[defect].found.value in names(said)


def put(state: Path, log: Log) -> None:
    """Write a log into a store as its owner could, with a head that fits."""
    db = apsw.Connection(str(state / "ringfence.db"))
    for table in ("entries", "facets", "checkpoints"):
        db.execute(f"delete from {table}")
    edge: tuple[bytes, ...] = ()
    for seq, leaf in enumerate(log.leaves):
        db.execute("insert into entries values (?, ?)", (seq, leaf))
        edge = append(seq, edge, entry_hash(leaf))
    head = "update head set size = ?, edge = ?, anchor_size = 0, anchor_edge = x'', indexed = 0"
    db.execute(head, (len(log.leaves), b"".join(edge)))
    db.execute("insert into checkpoints values (?, ?)", (len(log.leaves), log.note))
    db.close()


def test_a_store_that_a_gateway_would_refuse_is_verified_all_the_same(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "ringfence.db").write_bytes(b"not a database")
    open_file_key(state / "log.key", NAME, create=True)
    (tmp_path / "kept").write_text(kept(whole(KEY), KEY), "utf-8")
    assert verify(tmp_path, "--state", str(state)).code == 1


def test_a_log_whose_bodies_were_dropped_is_intact_and_a_wrong_digest_is_not(tmp_path: Path) -> None:
    log = whole(KEY)
    (tmp_path / "kept").write_text(kept(log, KEY), "utf-8")
    stems = [stem_of(leaf) for leaf in log.leaves[:8]]
    said = verify(tmp_path, "--export", str(exported(Log([*stems, *log.leaves[8:]], log.note), tmp_path)))
    assert said.code == 0
    assert said.json["bodies_dropped"] == 8
    stems[3] = stems[3].replace(b'"body_sha256":"', b'"body_sha256":"0')
    said = verify(tmp_path, "--export", str(exported(Log([*stems, *log.leaves[8:]], log.note), tmp_path)))
    assert "edited" in names(said)


def test_an_export_signed_by_another_key_is_found(tmp_path: Path) -> None:
    log = whole(KEY)
    (tmp_path / "kept").write_text(kept(log, KEY), "utf-8")
    other = Ed25519PrivateKey.from_private_bytes(bytes([8]) * 32)
    forged = Log(log.leaves, signed(log.leaves, other))
    file = exported(forged, tmp_path, other)
    assert ringfence("audit", "verify", "--export", str(file), home=tmp_path).code == 0  # who asks the forger is told so
    said = verify(tmp_path, "--export", str(file), "--key", key_of(KEY))
    assert said.code == 1
    assert "checkpoint" in names(said)
