"""Key files: made once and whole, and refused where somebody else could hold a copy."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from ringfence.adapters.signers.file_key import open_file_key
from ringfence.errors import ConfigError

NAME = "ringfence.example/log"


def put(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_an_absent_key_is_made_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    with pytest.raises(ConfigError):
        open_file_key(path, NAME)
    assert not path.exists()
    made = open_file_key(path, NAME, create=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.key"]
    assert open_file_key(path, NAME).public_key == made.public_key
    assert open_file_key(path, NAME, create=True).public_key == made.public_key


def test_starts_at_the_same_moment_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        signers = list(pool.map(lambda _: open_file_key(tmp_path / "log.key", NAME, create=True), range(16)))
    assert len({signer.public_key for signer in signers}) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.key"]


def test_a_new_key_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        open_file_key(tmp_path / "log.key", NAME, create=True)
    finally:
        os.umask(before)
    assert (tmp_path / "log.key").stat().st_mode & 0o777 == 0o600


def test_pem_and_raw_files_hold_the_same_key(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = put(tmp_path / "pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    raw = put(tmp_path / "raw", key.private_bytes_raw(), 0o400)
    assert open_file_key(pem, NAME).public_key == open_file_key(raw, NAME).public_key == key.public_key().public_bytes_raw()
    assert open_file_key(pem, NAME).sign(b"x") == key.sign(b"x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o660, 0o777])
def test_a_key_that_others_may_use_is_refused_with_a_remedy(tmp_path: Path, mode: int) -> None:
    path = put(tmp_path / "log.key", bytes(32), mode)
    with pytest.raises(ConfigError) as caught:
        open_file_key(path, NAME, create=True)
    assert f"{mode:04o}" in str(caught.value)
    assert f"chmod 600 {path}" in caught.value.remedy
    assert path.stat().st_mode & 0o777 == mode


def encrypted() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


def other_kind() -> bytes:
    return X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "data",
    [b"", b"x" * 31, b"x" * 33, b"-----BEGIN PRIVATE KEY-----\n", encrypted(), other_kind(), b"x" * 20_000],
    ids=["empty", "short", "long", "cut off", "encrypted", "X25519", "huge"],
)
def test_a_file_without_a_usable_key_is_refused_and_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path / "log.key", data)
    with pytest.raises(ConfigError):
        open_file_key(path, NAME, create=True)
    assert path.read_bytes() == data


def test_links_pipes_and_directories_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "real", bytes(32))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "directory").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "dangling", "directory", "pipe"):
        with pytest.raises(ConfigError):
            open_file_key(tmp_path / name, NAME, create=True)
    assert not (tmp_path / "nowhere").exists()


def test_a_directory_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        open_file_key(tmp_path / "absent" / "log.key", NAME, create=True)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak"])
def test_a_name_that_signed_notes_cannot_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        open_file_key(put(tmp_path / "log.key", bytes(32)), name)
