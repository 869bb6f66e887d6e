"""Runs the attempts as each user, and counts."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.escapes.machine import STRANGER, command_on, environment, interpreter

DEADLINE_S = 1800


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one user's attempts came to."""

    user: str
    outcomes: tuple[dict[str, Any], ...]
    errors: str
    code: int

    def escapes(self) -> list[dict[str, Any]]:
        return [each for each in self.outcomes if each["escaped"]]

    def not_run(self) -> list[dict[str, Any]]:
        """Whose script said nothing at all: nothing is known of it."""
        return [each for each in self.outcomes if not each["ran"] and each["id"] not in SILENT]

    def contained_controls(self) -> list[dict[str, Any]]:
        """Which get nowhere without a box either: they prove nothing."""
        return [each for each in self.outcomes if not each["control"] and not each["no_control"]]


SILENT = frozenset({"ipc-11"})
"""It kills its own runner."""


def users() -> tuple[str, ...]:
    """As whom: root and an ordinary user, where we may be both."""
    return ("root", "user") if os.geteuid() == 0 else ("user",)


def part(user: str, arguments: Sequence[str]) -> Part:
    """Every attempt as that user, on a machine of its own."""
    stranger = user == "user"
    with tempfile.TemporaryDirectory(prefix="escapes-") as directory:
        folder = Path(directory)
        folder.chmod(0o755)
        (folder / "own").mkdir(mode=0o700)
        if stranger and os.geteuid() == 0:
            os.chown(folder / "own", STRANGER, STRANGER)
        command = [interpreter(stranger=stranger), "-m", "tests.escapes.scene", str(folder / "own"), *arguments]
        ran = subprocess.run(
            command_on(folder, command, stranger=stranger), env=environment(), capture_output=True, text=True, timeout=DEADLINE_S,
            cwd="/", check=False,
        )  # fmt: skip
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return Part(user=user, outcomes=tuple(lines), errors=ran.stderr[-4000:], code=ran.returncode)
