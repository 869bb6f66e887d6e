"""Where the command line looks for the state and for credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.app.cli.places import credential, keep_credential, state_directory
from ringfence.app.cli.terminal import shown_as
from ringfence.errors import CredentialError


def test_the_state_is_where_it_was_said_then_the_environment_then_above_then_home(tmp_path: Path) -> None:
    deep = tmp_path / "project" / "src"
    deep.mkdir(parents=True)
    home = {"HOME": str(tmp_path / "home")}
    assert state_directory(Path("/x"), {"RINGFENCE_STATE": "/y"}, deep) == Path("/x")
    assert state_directory(None, {"RINGFENCE_STATE": "/y"}, deep) == Path("/y")
    assert state_directory(None, home, deep) == tmp_path / "home" / ".local" / "state" / "ringfence"
    (tmp_path / "project" / ".ringfence").mkdir()
    assert state_directory(None, home, deep) == tmp_path / "project" / ".ringfence"


def test_a_kept_credential_is_read_back_and_only_its_owner_can(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    path = keep_credential("ada", "rfo_x", home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert credential("ada", home) == "rfo_x"
    keep_credential("ada", "rfo_y", home)
    assert credential("ada", home) == "rfo_y"
    path.chmod(0o640)
    with pytest.raises(CredentialError, match="read by others"):
        credential("ada", home)


def test_a_name_said_comes_before_the_environment(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "RINGFENCE_OPERATOR_CREDENTIAL": "rfo_env"}
    keep_credential("ada", "rfo_kept", home)
    assert credential(None, home) == "rfo_env"
    assert credential("ada", home) == "rfo_kept"
    assert credential(None, {"HOME": str(tmp_path)}) is None


@pytest.mark.parametrize("name", ["../ada", ".ada", "a/b", "", "a\0b"])
def test_a_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(CredentialError):
        credential(name, {"HOME": str(tmp_path)})


def test_what_the_gateway_spelled_out_stays_and_the_rest_is_spelled_out() -> None:
    assert shown_as("a\u27e8U+202E\u27e9b\u202ec\x1b") == "a\u27e8U+202E\u27e9b\u27e8U+202E\u27e9c\u27e8U+001B\u27e9"
    assert shown_as("\u27e8odd\u27e9") == "\u27e8U+27E8\u27e9odd\u27e8U+27E9\u27e9"
