"""The commands for coding agents in this process, and files on the way."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from ringfence.app.cli.root import app


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def ringfence(*arguments: str, home: Path, **environment: str) -> Said:
    """Run one command."""
    clean = {"HOME": str(home), "RINGFENCE_STATE": str(home / "none"), "RINGFENCE_OPERATOR_CREDENTIAL": "", **environment}
    result = CliRunner().invoke(app, list(arguments), env=clean)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with its mode."""
    return {
        str(file.relative_to(folder)): (file.stat().st_mode, file.read_bytes()) for file in folder.rglob("*") if file.is_file()
    }
