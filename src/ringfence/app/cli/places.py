"""Where the command line finds things: the state directory, and credentials that a person chose to keep."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ringfence.errors import CredentialError

CONTROL_SOCKET = "control.sock"
AGENT_SOCKET = "agents.sock"
FOLDER = ".ringfence"


def state_directory(given: Path | None, environment: Mapping[str, str], here: Path) -> Path:
    """`--state`, else $RINGFENCE_STATE, else the nearest `.ringfence` above, else the user's own."""
    if given is not None:
        return given
    if environment.get("RINGFENCE_STATE"):
        return Path(environment["RINGFENCE_STATE"])
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    base = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".local" / "state")
    return Path(base) / "ringfence"


def credential_file(name: str, environment: Mapping[str, str]) -> Path:
    """Where `operator add --save` keeps an operator's credential."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".config")
    return Path(base) / "ringfence" / "operators" / name


def credential(name: str | None, environment: Mapping[str, str]) -> str | None:
    """The credential to present; None: being this local user has to do. Raises: CredentialError."""
    if name is None:
        return environment.get("RINGFENCE_OPERATOR_CREDENTIAL") or None
    check_name(name)
    path = credential_file(name, environment)
    try:
        if path.stat().st_mode & 0o077:
            raise CredentialError(f"{path} can be read by others", remedy=f"chmod 600 {path}")
        return path.read_text("utf-8").strip()
    except OSError as error:
        remedy = f"`ringfence operator add {name} --save` keeps one, or set RINGFENCE_OPERATOR_CREDENTIAL"
        raise CredentialError(f"no credential of {name} is kept here", remedy=remedy) from error


def check_name(name: str) -> None:
    """What a credential is kept under is part of a path. Raises: CredentialError."""
    if not name.replace(".", "").replace("-", "").replace("_", "").isalnum() or name.startswith("."):
        raise CredentialError(f"`{name}` cannot be an operator's name")


def keep_credential(name: str, secret: str, environment: Mapping[str, str]) -> Path:
    """Write an operator's credential so that only its owner can read it. Raises: OSError."""
    path = credential_file(name, environment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secret}\n")
    return path
