"""A `scan:` section to the rule that the engine reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.app.config.personal_section import personal_of
from ringfence.core.rules import ArgumentAction, InstructionAction, ScanRule, SecretAction


def scan_of(fields: Mapping[str, Any], personal: Mapping[str, Any] | None) -> ScanRule:
    """`personal`: what the file says of personal data where the section says nothing; None: nothing either."""
    return ScanRule(
        instructions=InstructionAction(fields.get("instructions", "flag")),
        secrets=SecretAction(fields.get("secrets", "mask")),
        arguments=ArgumentAction(fields["arguments"]) if "arguments" in fields else None,
        allow=frozenset(fields.get("allow_in_arguments", ())),
        personal=personal_of(fields.get("personal_data", personal)),
    )
