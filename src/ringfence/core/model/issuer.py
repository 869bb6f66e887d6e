"""Who outside is believed about agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One issuer of access tokens. One of `file` and `jwks_url` is given."""

    url: str
    """As its tokens say it, compared as it is."""
    audience: str
    file: str = ""
    """The path of a JWK set, absolute."""
    jwks_url: str = ""
    agents: Mapping[str, Mapping[str, str]]
    """Claim, its value, agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """Nobody else is anybody."""

    issuers: tuple[Issuer, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict[str, str])
    """SPIFFE id, agent."""
