"""Masking the gateway's own secrets in what a server says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ringfence.core.scan.redactor import Redactor
from ringfence.ports.upstream import Described


def described_without(described: Described, redactor: Redactor) -> Described:
    """The same with every known secret masked."""
    if not redactor:
        return described

    def listed(items: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
        return tuple(redactor.value(item) for item in items)

    return replace(
        described,
        capabilities=redactor.value(described.capabilities),
        instructions=redactor.text(described.instructions),
        tools=listed(described.tools),
        resources=listed(described.resources),
        templates=listed(described.templates),
        prompts=listed(described.prompts),
        richer=described_without(described.richer, redactor) if described.richer is not None else None,
        left_out=tuple(redactor.text(line) for line in described.left_out),
    )
