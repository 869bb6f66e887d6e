"""Runs the attempts as each user, and counts."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.escapes.attempts import CLASS_OF
from tests.escapes.machine import on_a_machine


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
        return [each for each in self.outcomes if not ran(each)]

    def contained_controls(self) -> list[dict[str, Any]]:
        """Which get nowhere without a box either: they prove nothing."""
        return [each for each in self.outcomes if not each["control"] and not each["no_control"]]


SILENT = frozenset({"ipc-11"})
"""It kills its own runner."""


def ran(outcome: dict[str, Any]) -> bool:
    return outcome["ran"] or outcome["id"] in SILENT


def users() -> tuple[str, ...]:
    """As whom: root and an ordinary user, where we may be both."""
    return ("root", "user") if os.geteuid() == 0 else ("user",)


def part(user: str, arguments: Sequence[str]) -> Part:
    """Every attempt as that user, each class on a machine of its own: one that hangs takes only its class along."""
    if "--only" in arguments:
        return _one_machine(user, arguments)
    parts = [_one_machine(user, [*arguments, "--only", each]) for each in sorted(set(CLASS_OF.values()))]
    return Part(
        user=user,
        outcomes=tuple(outcome for each in parts for outcome in each.outcomes),
        errors="".join(each.errors for each in parts),
        code=max(each.code for each in parts),
    )


def _one_machine(user: str, arguments: Sequence[str]) -> Part:
    with tempfile.TemporaryDirectory(prefix="escapes-") as directory:
        ran = on_a_machine(Path(directory), "tests.escapes.scene", *arguments, user=user)
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return Part(user=user, outcomes=tuple(lines), errors=ran.stderr[-4000:], code=ran.returncode)
