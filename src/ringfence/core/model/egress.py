"""Whom a box may reach: rules by exact host and port, then method and path, and whose credential goes along."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.profile import Sensitivity


class EgressMode(StrEnum):
    """How much of a connection is seen."""

    TUNNEL = "tunnel"
    """TLS passes as it is, once its server name is that of the rule. Neither method nor path is seen."""
    TERMINATE = "terminate"
    """TLS ends at the proxy with the run's own authority: methods and paths are held to, and a credential can go along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """Requests that may be made of a host. Methods in upper case; a path exact, or ending in `/*` for everything below."""

    methods: frozenset[str]
    path: str
    websocket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRule:
    """One host that an agent's box may reach."""

    host: str
    """Exact, in lower case. No patterns, no addresses."""
    port: int = 443
    mode: EgressMode = EgressMode.TUNNEL
    paths: tuple[PathRule, ...] = ()
    """With `terminate`: what may be asked for; none matches means refused."""
    header: str = ""
    """With `terminate`: the header that the credential is put into, in place of whatever the client sent."""
    credential: str = ""
    """Where the secret is found that goes there (`env:NAME` and the like); empty: none."""
    prefix: str = ""
    """What stands before the secret in the header, such as `Bearer `."""
    tls: bool = True
    """False: plain HTTP inside the tunnel and behind the proxy. Only with `terminate` and `private`."""
    up_mib: int = 64
    """What a run may send to this host in all. Mebibytes."""
    down_mib: int = 4096
    addresses: tuple[str, ...] = ()
    """What the name stands for, by the operator's word: no resolver is asked, and this machine or the own network will do."""
    private: bool = False
    """The operator says that this name may be a private address (an index of packages on the own network)."""
    environment: str = ""
    """Its label, and that of its credential; empty: none."""
    clearance: Sensitivity | None = None
    """The highest confidentiality that may go there without a person. None: nobody has said."""


class Unlisted(StrEnum):
    """What happens when a box asks for a host that no rule names."""

    DENY = "deny"
    ASK = "ask"
    """A person may let this run reach it, until the run ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRules:
    """Everything that one agent's boxes may reach."""

    rules: tuple[EgressRule, ...] = ()
    unlisted: Unlisted = Unlisted.DENY

    def of(self, host: str, port: int) -> EgressRule | None:
        """The rule of one host and port."""
        return next((rule for rule in self.rules if rule.host == host and rule.port == port), None)
