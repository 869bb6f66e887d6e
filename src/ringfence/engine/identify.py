"""Who calls: from what a client presents to an agent and its run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from ringfence.core.model.binding import mismatch
from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.run import Posture
from ringfence.core.model.verdict import Reason, ReasonCode
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

NOBODY: Final[frozenset[str]] = frozenset()
"""The transport says nothing about the sender."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What came with a request. An id that the client asserts is never among it."""

    credential: str
    """The bearer credential, verbatim; empty when there was none."""
    posture: Posture
    """What the enforcement point knows of who shares what with this client."""
    senders: frozenset[str] = NOBODY
    """What the transport says of the sender, each a `core.model.binding`: never what the client merely asserts."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A known agent with its run."""

    agent: AgentId
    run: RunId
    credential_hash: str
    posture: Posture


@dataclass(frozen=True, slots=True)
class Unidentified:
    """One public meaning; `reason` is for the operators' logger."""

    reason: Reason


def hash_of(credential: str) -> str:
    """How credentials are stored: SHA-256 of a 256-bit random value needs no stretching."""
    return hashlib.sha256(credential.encode()).hexdigest()


async def identify(store: Store, clock: Clock, presented: Presented) -> Principal | Unidentified:
    """The run that a credential names. Whether the run may still act is for the `standing` check to say."""
    if not presented.credential:
        return _unknown("no credential was presented")
    hashed = hash_of(presented.credential)
    credential = await store.credential(hashed)
    if credential is None:
        return _unknown("the credential is not known")
    if credential.revoked:
        return _unknown(f"the credential of run {credential.run} is revoked")
    if credential.expires_at is not None and clock.now() >= credential.expires_at:
        return _unknown(f"the credential of run {credential.run} has expired")
    if why := mismatch(credential.binding, presented.senders):
        return _unknown(f"the credential of run {credential.run} came from another sender: {why}")
    return Principal(credential.agent, credential.run, hashed, presented.posture)


def _unknown(why: str) -> Unidentified:
    return Unidentified(Reason(ReasonCode.CREDENTIAL, "identify", why))
