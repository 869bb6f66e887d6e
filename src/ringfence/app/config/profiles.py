"""Profile fields as read, to the profiles that the decision knows. What is omitted stays at its worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringfence.app.config.conditions import ConditionFault, parse_conditions
from ringfence.app.config.provenance_of import authority_of, lookup_of, records_of
from ringfence.core.model.identifiers import ToolId
from ringfence.core.model.profile import WORST_PROFILE, ConditionalProfile, Effect, Sensitivity, ToolProfile, Trust

_SAME = ("reversible", "bounded", "costs_money", "identity", "outbound", "quorum", "worst", "sanitiser", "memory")


def profile_of(fields: Mapping[str, Any], base: ToolProfile = WORST_PROFILE) -> ToolProfile:
    """`base` with the given fields replaced. An inverse makes a tool reversible; `reversible: false` takes the inverse away."""
    changes: dict[str, Any] = {name: fields[name] for name in _SAME if name in fields}
    if "effect" in fields:
        changes["effect"] = Effect(fields["effect"])
    if "sensitivity" in fields:
        changes["sensitivity"] = Sensitivity(fields["sensitivity"])
    if "trust" in fields:
        changes["trust"] = Trust(fields["trust"])
    if "authority" in fields:
        changes["authority"] = authority_of(fields["authority"])
    if "clearance" in fields:
        changes["clearance"] = Sensitivity(fields["clearance"])
    if "lookup" in fields:
        changes["lookup"] = lookup_of(fields["lookup"])
    if "records" in fields:
        changes["records"] = records_of(fields["records"])
    for name in ("secret", "objects", "said_as"):
        if name in fields:
            changes[name] = tuple(fields[name])
    if "inverse" in fields:
        changes["inverse"] = ToolId(fields["inverse"])
        changes["reversible"] = True
    elif fields.get("reversible") is False:
        changes["inverse"] = None
    return replace(base, **changes)


def conditional_of(entries: Sequence[Mapping[str, Any]], base: ToolProfile) -> tuple[ConditionalProfile, ...]:
    """The conditional profiles of one tool, each the base with some fields replaced. Conditions that do not parse are left out:
    the caller has reported them, and nothing is built from a file with problems."""
    found: list[ConditionalProfile] = []
    for fields in entries:
        try:
            conditions = parse_conditions(fields.get("if", ""))
        except ConditionFault:
            continue
        found.append(ConditionalProfile(conditions, profile_of(fields, base), fields["if"]))
    return tuple(found)
