"""Which Python starts the command form of the hook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from typing import Final

_OF_THE_SYSTEM: Final = ("/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3")
_CHECK: Final = "import sys; sys.exit(sys.version_info < (3, 10))"
_PATIENCE_S: Final = 20


def interpreter(candidates: Iterable[str] = _OF_THE_SYSTEM) -> str:
    """The first of the system's that can, else the one that this runs on. One of the system is not the agent's to change."""
    for each in candidates:
        try:
            ended = subprocess.run([each, "-I", "-S", "-c", _CHECK], capture_output=True, timeout=_PATIENCE_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if ended.returncode == 0:
            return each
    return sys.executable
