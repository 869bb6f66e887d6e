"""Who calls: from what a client presents to an agent and its run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.core.model.binding import UNBOUND, BindingKind, kind_of, mismatch
from ringfence.core.model.identifiers import AgentId, Millis, RunId, ServerId
from ringfence.core.model.run import Credential, Posture
from ringfence.core.model.verdict import Reason, ReasonCode
from ringfence.core.rules import server_agent
from ringfence.ports.clock import Clock
from ringfence.ports.secrets import Secret
from ringfence.ports.store import Store

NOBODY: Final[frozenset[str]] = frozenset()
"""The transport says nothing about the sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Whom an authority outside vouches for, as the enforcement point has checked a moment ago."""

    key: str
    """Of the row that names its run (`engine.runs.outsiders`)."""
    run: RunId
    """Which run that was."""
    until: Millis
    """When that word ends."""
    binding: str
    """From whom alone it is accepted."""
    still: Callable[[], bool]
    """Whether the operator's configuration still has it so."""
    token: Secret | None = None
    """The access token that was shown, for an exchange; never kept longer than the request that brought it."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What came with a request. An id that the client asserts is never among it."""

    credential: str
    """The bearer credential, verbatim; empty when there was none."""
    posture: Posture
    """What the enforcement point knows of who shares what with this client."""
    senders: frozenset[str] = NOBODY
    """What the transport says of the sender, each a `core.model.binding`: never what the client merely asserts."""
    vouched: Vouched | None = None
    """Instead of a credential."""
    server: ServerId | None = None
    """It is the box of this server that asks, on behalf of the run: what it reaches is the server's."""
    until: Millis | None = None
    """When the certificate among the senders expires: calls that are held, and streams, outlive the moment they came in."""

    def senders_at(self, now: Millis) -> frozenset[str]:
        """Those that still count."""
        if self.until is None or now < self.until:
            return self.senders
        return frozenset(sender for sender in self.senders if kind_of(sender) is not BindingKind.CERTIFICATE)

    @property
    def key(self) -> str:
        """Under which its row is found; empty: nothing was presented."""
        if self.vouched is not None:
            return self.vouched.key
        return hash_of(self.credential) if self.credential else ""


@dataclass(frozen=True, slots=True)
class Principal:
    """A known agent with its run."""

    agent: AgentId
    run: RunId
    credential_hash: str
    posture: Posture
    binding: str = UNBOUND
    """To whom what it presented is bound, so that what it is given can be bound to the same."""
    until: Millis | None = None
    """When the word of an authority outside ends; None: it showed a credential of ours."""


@dataclass(frozen=True, slots=True)
class Unidentified:
    """One public meaning; `reason` is for the operators' logger."""

    reason: Reason
    has_ended: bool = False
    """It was a credential of ours, from whom it is accepted, until it or its run ended."""


def asking(presented: Presented, principal: Principal) -> AgentId:
    """Whose rules count for a way out: a server's in its box, else the agent's."""
    return principal.agent if presented.server is None else server_agent(presented.server)


def hash_of(credential: str) -> str:
    """How credentials are stored: SHA-256 of a 256-bit random value needs no stretching."""
    return hashlib.sha256(credential.encode()).hexdigest()


async def identify(store: Store, clock: Clock, presented: Presented) -> Principal | Unidentified:
    """The run that a credential names. Whether the run may still act is for the `standing` check to say."""
    key, now = presented.key, clock.now()
    senders = presented.senders_at(now)
    if not key:
        return _unknown("no credential was presented")
    credential = await store.credential(key)
    if credential is None:
        return _unknown("the credential is not known")
    why = mismatch(credential.binding, senders) if presented.vouched is None else ""
    has_ended = presented.vouched is None and not why
    if credential.revoked:
        return _unknown(f"the credential of run {credential.run} is revoked", has_ended=has_ended)
    if credential.expires_at is not None and now >= credential.expires_at:
        return _unknown(f"the credential of run {credential.run} has expired", has_ended=has_ended)
    if why:
        return _unknown(f"the credential of run {credential.run} came from another sender: {why}")
    if presented.vouched is not None and (why := _no_longer(presented.vouched, credential, senders, now)):
        return _unknown(f"the identity behind run {credential.run}: {why}")
    if presented.vouched is None:
        return Principal(credential.agent, credential.run, key, presented.posture, credential.binding)
    vouched = presented.vouched
    return Principal(credential.agent, credential.run, key, presented.posture, vouched.binding, vouched.until)


async def first_known(store: Store, clock: Clock, shown: Sequence[Presented]) -> tuple[Presented, Principal] | Unidentified:
    """Of all that came with one request the first that is known; else why the first was not."""
    why: Unidentified | None = None
    for presented in shown:
        found = await identify(store, clock, presented)
        if isinstance(found, Principal):
            return presented, found
        why = why or found
    return why or _unknown("no credential was presented")


def _no_longer(vouched: Vouched, credential: Credential, senders: frozenset[str], now: Millis) -> str:
    if vouched.run != credential.run:
        return f"it had run {vouched.run} when it was looked at"
    if now >= vouched.until:
        return "it has expired"
    if not vouched.still():
        return "the configuration does not map it to this agent any more"
    return mismatch(vouched.binding, senders)


def _unknown(why: str, *, has_ended: bool = False) -> Unidentified:
    return Unidentified(Reason(ReasonCode.CREDENTIAL, "identify", why), has_ended)
