"""The provenance keys as read, to what the decision knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfence.core.definitions.roles import role_at
from ringfence.core.model.profile import Authority, Lookup, Records, Role
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.verdict import Level

_LEVELS: Final = {"ask": Level.ASK, "deny": Level.DENY, "off": Level.ALLOW}


def provenance_of(*sections: Mapping[str, Any]) -> ProvenanceRules:
    """The rules of one agent: of the file's section and the agent's own, the last mode counts and the lists add up."""
    modes = {name: fields[name] for fields in sections for name in ("underivable", "rule_of_two") if name in fields}

    def listed(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for fields in sections for value in fields.get(name, ())))

    return ProvenanceRules(
        underivable=_LEVELS[modes.get("underivable", "ask")],
        rule_of_two=_LEVELS[modes.get("rule_of_two", "ask")],
        contacts=listed("contacts"),
        hosts=listed("hosts"),
        paths=listed("paths"),
        values=listed("values"),
    )


def authority_of(value: Mapping[str, str] | Sequence[str]) -> tuple[Authority, ...]:
    """The arguments that carry authority, each with its role."""
    if isinstance(value, Mapping):
        return tuple(Authority(pointer, Role(role)) for pointer, role in value.items())
    return tuple(Authority(pointer, role_at(pointer)) for pointer in value)


def lookup_of(fields: Mapping[str, Any]) -> Lookup:
    return Lookup(tuple(fields["keys"]), tuple(fields["fields"]), fields.get("unique", True))


def records_of(fields: Mapping[str, Any]) -> Records:
    return Records(tuple(fields["names"]), tuple(fields["ids"]))
