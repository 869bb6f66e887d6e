"""Starting a client on a machine that differs in one folder: a mount namespace with other managed settings.

Nothing on the machine itself is changed, and nothing has to be undone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ringfence.app.clients.claude_settings import FOLDER
from ringfence.errors import UnavailableError

_PATIENCE_S: Final = 20
_ETC: Final = "/etc"


def inside(managed: Path, command: Sequence[str], etc: str = _ETC, folder: str = FOLDER) -> list[str]:
    """The command, so that it finds `managed` where a client looks for managed settings.

    Raises:
        UnavailableError: This machine has no bubblewrap.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise UnavailableError("there is no bubblewrap on this machine", remedy="install `bubblewrap`")
    bound: list[str] = []
    # A folder that is not there cannot be mounted on; so everything beside it is put into an empty one.
    for entry in sorted(os.scandir(etc), key=lambda entry: entry.name):
        if entry.path != folder:
            bound += (
                ["--symlink", os.readlink(entry.path), entry.path]
                if entry.is_symlink()
                else ["--ro-bind-try", entry.path, entry.path]
            )
    return [
        program, "--die-with-parent", "--dev-bind", "/", "/", "--tmpfs", etc, *bound, "--ro-bind", str(managed), folder, "--",
        *command,
    ]  # fmt: skip


def check(managed: Path) -> None:
    """Whether this works here.

    Raises:
        UnavailableError: It does not.
    """
    try:
        ended = subprocess.run(inside(managed, ["true"]), capture_output=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"no mount namespace can be made: {error}") from error
    if ended.returncode:
        why = ended.stderr.decode("utf-8", "replace").strip()[:300]
        raise UnavailableError(
            f"no mount namespace can be made: {why}", remedy="`ringfence doctor sandbox` says what is missing"
        )
