"""Secrets are read late, from where the operator said, and never shown."""

import os
from pathlib import Path

import pytest

from ringfence.app.config.secret_values import MAX_SECRET_BYTES, looks_like_credential, resolve, resolve_all
from ringfence.app.config.settings import SecretRef
from ringfence.errors import ConfigError

pytestmark = pytest.mark.requirement("I9")


def secret_file(folder: Path, data: bytes, mode: int = 0o600) -> SecretRef:
    path = folder / "token"
    path.write_bytes(data)
    path.chmod(mode)
    return SecretRef("file:token", folder)


def test_a_literal_and_a_variable_are_resolved() -> None:
    assert resolve_all({"A": "x", "B": SecretRef("env:T")}, {"T": "y"}) == {"A": "x", "B": "y"}


def test_a_file_is_resolved_relative_to_the_configuration(tmp_path: Path) -> None:
    assert resolve(secret_file(tmp_path, b"s3cret\n"), {}) == "s3cret"


@pytest.mark.parametrize("environment", [{}, {"T": ""}])
def test_a_variable_that_is_not_set_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="`env:T` is not set"):
        resolve(SecretRef("env:T"), environment)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    reference = secret_file(tmp_path, b"s3cret", mode)
    with pytest.raises(ConfigError, match="open to other users") as caught:
        resolve(reference, {})
    assert "s3cret" not in caught.value.diagnostics()


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "empty"), (b"\n", "empty"), (b"\xff\xfe", "not UTF-8"), (b"x" * (MAX_SECRET_BYTES + 1), "larger")]
)
def test_a_file_without_a_usable_secret_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        resolve(secret_file(tmp_path, data), {})


def test_what_is_not_a_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token", 0o600)
    with pytest.raises(ConfigError, match="not a regular file"):
        resolve(SecretRef("file:token", tmp_path), {})
    with pytest.raises(ConfigError, match="No such file"):
        resolve(SecretRef("file:none", tmp_path), {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_TOKEN", "abc"),
        ("apiKey", "abc"),
        ("DB_PASSWORD", "abc"),
        ("Authorization", "Basic abc"),
        ("X-Api-Key", "abc"),
        ("clientSecret", "abc"),
        ("SETTING", "ghp_" + "a1" * 18),
        ("SETTING", "sk-ant-REDACTED"),
        ("DATABASE_URL", "postgres://app:pw@db/x"),
        ("SETTING", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
    ],
)
def test_credentials_are_told_from_ordinary_values(name: str, value: str) -> None:
    assert looks_like_credential(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TZ", "UTC"),
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("TOKEN", ""),
        ("TOKEN", "${GITHUB_TOKEN}"),
        ("LOG_LEVEL", "debug"),
        ("MONKEY", "banana"),
        ("AUTHOR", "Ada"),
        ("DATABASE_URL", "postgres://db/x"),
    ],
)
def test_ordinary_values_are_left_alone(name: str, value: str) -> None:
    assert not looks_like_credential(name, value)
