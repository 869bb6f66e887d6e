"""An issuer outside that people log in at. Whom it vouches for, and what that gives them, is for the engine to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ringfence.core.model.people import Person
from ringfence.ports.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a person is offered."""

    issuer: str
    client: str
    label: str
    """On the button."""
    redirect_uri: str
    """Where the issuer sends a browser back to, exactly."""


@dataclass(frozen=True, slots=True)
class NoPerson:
    """Nobody has logged in."""

    why: str
    """For the operators' log. No code, token or secret."""
    unavailable: bool = False
    """The issuer cannot be asked now; otherwise what it or the browser said is not accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """A login that is finished in a browser elsewhere (RFC 8628)."""

    code: Secret
    """For the issuer."""
    user_code: str
    """For the person to type."""
    uri: str
    """Where to type it."""
    complete_uri: str
    """The same with the code in it; may be empty."""
    interval_s: float
    life_s: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """The person has not finished yet."""

    slower: bool = False
    """Ask less often: five seconds more between two questions."""


class PeopleIssuer(Protocol):
    """The configured issuer, or none."""

    @property
    def offer(self) -> Offer | None:
        """None: nobody logs in this way."""
        ...

    async def address(self, *, state: str, nonce: str, challenge: str) -> str | NoPerson:
        """Where to send a browser that wants to log in. `challenge`: of the verifier, by S256 (RFC 7636)."""
        ...

    async def says_issuer(self, issuer: str | None) -> NoPerson | None:
        """Whether an answer that came back names this issuer (RFC 9207); None as `issuer`: it names nobody."""
        ...

    async def redeem(self, code: str, *, verifier: str, nonce: str) -> Person | NoPerson:
        """Who it is that came back with a code. The code is spent, whatever comes of it."""
        ...

    async def device(self) -> DeviceCode | NoPerson:
        """Begin a login that is finished elsewhere."""
        ...

    async def redeem_device(self, code: Secret) -> Person | Waiting | NoPerson:
        """Who has finished it."""
        ...
