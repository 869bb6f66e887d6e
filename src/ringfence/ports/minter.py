"""Credentials that are made for one call, may do only what its tool needs, and are gone after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.model.credential import MintedGrant
from ringfence.core.model.identifiers import CallId, Millis, RunId
from ringfence.ports.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a tool's call has to be able to do, and for how long. Seconds."""

    grants: tuple[MintedGrant, ...]
    lifetime_s: float
    statement_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """One credential, in force."""

    id: str
    """Names it in the log and to `revoke`; no secret."""
    values: Mapping[str, Secret]
    """By name, as the kind of minter has them: `dsn`, `user`, `password`."""
    expires_at: Millis
    """It can open nothing from then on, whether or not it was revoked."""


class Minter(Protocol):
    """One system that credentials are made in. What this minter has made is told from everything else by its id."""

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
