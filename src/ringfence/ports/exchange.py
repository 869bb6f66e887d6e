"""Tokens for a server in the name of the user on whose behalf an agent acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ringfence.core.model.identifiers import Millis
from ringfence.ports.secrets import Secret


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A bearer token for one server."""

    token: Secret
    expires_at: Millis | None
    """None: nobody said, so it is good for one call."""


class TokenExchange(Protocol):
    """The authorization server that gives tokens for one server (RFC 8693)."""

    @property
    def target(self) -> str:
        """For whom its tokens are, as the log says it."""
        ...

    async def exchange(self, subject: Secret) -> Exchanged:
        """A token of this server for the user whose access token is given; never that one itself.

        Raises UnavailableError, which quotes neither: it refuses, cannot be reached, or what it gives cannot be used.
        """
        ...
