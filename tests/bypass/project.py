"""The project that the everyday commands are run in, and the permission lists of its team.

project.txt holds the files: a line `-- PATH --`, then the text until the next such line. They are one text and no tree,
so that no test runner, linter or dependency scanner takes them for files of this repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

HERE = Path(__file__).parent
SETTINGS = HERE / "settings.json"
FILES = HERE / "project.txt"

_HEADING = re.compile(r"^-- (\S+) --\n", re.MULTILINE)


def files() -> Mapping[str, str]:
    """Texts by path, relative to the project."""
    before, *pieces = _HEADING.split(FILES.read_text(encoding="utf-8"))
    if before:
        raise ValueError("project.txt starts with a heading")
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def rules() -> Mapping[str, tuple[str, ...]]:
    """The lists `deny`, `ask` and `allow` of settings.json."""
    settings = cast("dict[str, dict[str, list[str]]]", json.loads(SETTINGS.read_text(encoding="utf-8")))
    return {name: tuple(texts) for name, texts in settings["permissions"].items()}


def lay_out(root: Path) -> None:
    """Write the project into `root`, which exists, with settings.json as the client's project settings."""
    for path, text in {**files(), ".claude/settings.json": SETTINGS.read_text(encoding="utf-8")}.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        if text.startswith("#!"):
            target.chmod(0o755)
