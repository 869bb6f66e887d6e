"""What somebody outside says of a caller, and whether it is to be believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.model.identifiers import Millis
from ringfence.ports.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A proof that holds by itself. Whether it was used before is for `Proofs.first_use` to say."""

    binding: str
    """`jkt:...`: the key whose possession it proves."""
    mark: bytes
    """Of this one proof of this key."""


@dataclass(frozen=True, slots=True)
class BadProof:
    """A proof that is not accepted."""

    why: str
    """For the operators' log."""
    nonce: str = ""
    """Where a proof with this nonce would do: the client shall come again with it."""


class Proofs(Protocol):
    """Proof of possession of a key, one for each request (RFC 9449)."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The signatures that are accepted, as clients are told."""
        ...

    def check(self, proof: str, *, method: str, url: str, credential: str) -> Proven | BadProof:
        """Whether a proof was made for this request and this credential, a moment ago. Nothing is remembered of it."""
        ...

    def first_use(self, proven: Proven) -> bool:
        """Remember a proof for as long as it could be used again. False: it was used before, or no more can be remembered.

        Only for proofs of a key that a known credential is bound to, so that strangers cannot fill the memory.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outsider:
    """Somebody whom a configured authority vouches for, and the agent that the operator maps them to."""

    subject: str
    """Who it is, in one unambiguous text: `["ISSUER","CLIENT","SUBJECT"]`, or a SPIFFE id."""
    agent: str
    until: Millis
    """When the authority's word ends."""
    binding: str
    """From whom alone it is accepted; empty: from whoever has its token."""
    still: Callable[[], bool]
    """Whether the operator's configuration, as it is now, would map it to this agent."""
    token: Secret | None = None
    """The access token that says so, where one does: for an exchange, while the request is open that brought it."""


class Outside(Protocol):
    """Authorities outside that the operator has configured. Answers with why, for the operators' log, where it is nobody."""

    async def by_token(self, token: str) -> Outsider | str:
        """Whose access token this is (a JWT, RFC 9068)."""
        ...

    def by_certificate(self, uris: Sequence[str], thumbprint: str, until: Millis) -> Outsider | str:
        """Whose verified client certificate this is, by the URIs that it was issued for (SPIFFE X.509-SVID)."""
        ...
