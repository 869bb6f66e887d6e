"""People whom an issuer outside vouches for, and what the operator's configuration makes of its word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.operator import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who has logged in at an issuer, in its words. Nothing of it is a role."""

    issuer: str
    client: str
    """Whom the issuer said it to: the gateway's client id there."""
    claims: Mapping[str, Any]
    """Of the ID token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRule:
    """What everybody has in whose claim this value stands."""

    claim: str
    value: str
    role: Role
    groups: tuple[str, ...] = ()
    """The groups of approvers that they are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleRules:
    """The one issuer that is believed about people."""

    issuer: str
    client: str
    roles: tuple[RoleRule, ...]
    person: str = "sub"
    """The claim that says who it is, always and nobody else."""
    login_s: int = 8 * 3600
    """How long a login lasts."""
