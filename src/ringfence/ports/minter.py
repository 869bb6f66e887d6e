"""Credentials that are made for one call, may do only what its tool needs, and are gone after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.model.credential import MintedGrant
from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId
from ringfence.ports.secrets import Secret, SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccount:
    """Where roles are assumed in AWS, and with which credential of the gateway's own."""

    region: str
    endpoint: str
    """Of STS: `https://sts.REGION.amazonaws.com`."""
    key_id: SecretRef
    secret: SecretRef
    token: SecretRef | None = None
    """Where that credential is a temporary one."""
    source_identity: bool = False
    """Name the agent as the source identity."""
    tags: bool = False
    """Name agent, run and call in session tags. Each call has a credential of its own then."""


MinterPlace = SecretRef | AwsAccount
"""What a minter is made of: the address of a Postgres, or an account of AWS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a tool's call has to be able to do, and for how long. Seconds."""

    grants: tuple[MintedGrant, ...] = ()
    statement_s: float = 0
    role: str = ""
    """ARN of a role to assume, instead of grants."""
    policy: str = ""
    """The session policy that narrows the role, as JSON text."""
    lifetime_s: float
    margin_s: float = 0
    """What is handed out lasts at least this long."""
    agent: AgentId = AgentId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """One credential, in force."""

    id: str
    """Names it in the log and to `revoke`; no secret."""
    values: Mapping[str, Secret]
    """By name, as the kind of minter has them: `dsn`, `user`, `password`; `access_key_id`, `secret_access_key`,
    `session_token`, `json`."""
    expires_at: Millis
    """It can open nothing from then on, whether or not it was revoked."""


class Minter(Protocol):
    """One system that credentials are made in. What this minter has made is told from everything else by its id.

    Some systems (AWS STS) cannot end what they gave: there `expires_at` is the end, `revoke` and `sweep` only forget, and the
    same credential may be handed out again to a call of the same run that needs exactly the same.
    """

    async def mint(self, need: Need, run: RunId, call: CallId) -> Minted:
        """Make a credential that can do exactly what is needed. Raises UnavailableError; then nothing was left behind that
        `sweep` does not find, and nothing with more rights than were asked for was ever handed out."""
        ...

    async def revoke(self, minted: str) -> None:
        """End it, with whatever it has opened. Of one that is gone already nothing happens.

        Raises UnavailableError: it may still be in force until it expires, and the next sweep takes it.
        """
        ...

    async def sweep(self) -> tuple[str, ...]:
        """End whatever this minter has made whose call is over: everything but what is in force in this process. Answers what
        was ended. Raises UnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of connections; a second time does nothing. Ends no credential."""
        ...
