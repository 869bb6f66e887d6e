"""Which variables a project's own settings would set for every command of the client.

What a command does was decided from its text; a variable that its program reads can have it do something else. The ones
that shells and loaders read are pinned (`claude_settings.py`). Programs read others, and nobody has a list of those.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final, cast

_FILES: Final = (".claude/settings.json", ".claude/settings.local.json")
_MOST: Final = 4 << 20
UNREADABLE: Final = "(settings that cannot be read)"


def project_environment(folder: Path) -> list[str]:
    """Names of the variables, for people."""
    found: set[str] = set()
    for name in _FILES:
        try:
            value = json.loads(_text(folder / name))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError, RecursionError):
            found.add(UNREADABLE)
            continue
        variables = cast(dict[str, Any], value).get("env") if isinstance(value, dict) else None
        found.update(cast(dict[str, Any], variables) if isinstance(variables, dict) else ())
    return sorted(found)


def _text(path: Path) -> bytes:
    """What an ordinary file begins with. One that never ends, or waits for a writer, is none. Raises: OSError, ValueError."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path} is no ordinary file")
        return file.read(_MOST)
