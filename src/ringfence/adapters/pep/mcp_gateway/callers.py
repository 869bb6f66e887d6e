"""Who sent a request: what its head and its connection show, put together before the engine is asked.

A caller that cannot be believed is a `BadProof` where its own proof is at fault, which it is told; whatever is wrong with its
credential is one public message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ringfence.adapters.pep.mcp_gateway.headers import Scheme
from ringfence.adapters.pep.mcp_gateway.parse import Head
from ringfence.adapters.pep.mcp_gateway.peer import Peer
from ringfence.adapters.pep.mcp_gateway.places import Place
from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.binding import mismatch
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.run import Posture
from ringfence.engine.identity.identify import Presented, Principal, Vouched, identify
from ringfence.engine.runs.anonymous import Anonymous
from ringfence.engine.runs.outsiders import Outsiders
from ringfence.ports.clock import Clock
from ringfence.ports.identity import BadProof, Outside, Outsider, Proofs, Proven
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

_MOST_SAID = 1000
"""Characters of a line that holds the name of a subject, which somebody else has chosen."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What is presented, and the proof that came with it."""

    presented: Presented
    proven: Proven | None = None


def looks_like_token(credential: str) -> bool:
    """Whether it is an issuer's token (RFC 7515, section 3.1): ours have no dots."""
    return credential.count(".") == 2


def _until(peer: Peer) -> Millis | None:
    return peer.certificate.until if peer.certificate is not None else None


class Callers:
    """Turns heads into callers, and callers into principals."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        posture_of: Callable[[Peer], Posture],
        anonymous: Anonymous | None,
        proofs: Proofs | None,
        outside: Outside | None = None,
        outsiders: Outsiders | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._posture_of = posture_of
        self._anonymous = anonymous
        self._proofs = proofs
        self._outside = outside
        self._outsiders = outsiders

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Of DPoP proofs; none where they are not accepted."""
        return self._proofs.algorithms if self._proofs is not None else ()

    def unread(self, credential: str, peer: Peer) -> Presented:
        """Of a request whose head could not be read: what it takes to note it under a known principal."""
        return Presented(credential, self._posture_of(peer), peer.senders(self._clock.now()))

    async def caller(self, head: Head, peer: Peer) -> Caller | BadProof:
        """What came with a request."""
        senders = peer.senders(self._clock.now())
        proven: Proven | None = None
        if head.presented_as is Scheme.DPOP or "dpop" in head.headers:
            found = self._proven(head)
            if isinstance(found, BadProof):
                return found
            proven = found
            senders |= {proven.binding}
        posture = self._posture_of(peer)
        if (outsider := await self._outsider(head, peer)) is not None:
            # Nobody is told why; without anything that could be known, the answer is the same as to a stranger.
            return Caller(Presented("", posture, senders, await self._vouched(outsider, senders), until=_until(peer)), proven)
        credential = head.credential or await self._standing_for(head, peer)
        return Caller(Presented(credential, posture, senders, until=_until(peer)), proven)

    async def principal(self, caller: Caller) -> Principal | None:
        """The known agent behind a caller, whose proof is used up by it. None: the reason is in the operators' log."""
        found = await identify(self._store, self._clock, caller.presented)
        if not isinstance(found, Principal):
            logger.warning("refused: %s", found.reason.detail)
            return None
        if caller.proven is not None and (self._proofs is None or not self._proofs.first_use(caller.proven)):
            logger.warning("refused: a DPoP proof of run %s was used before, or there are too many to remember", found.run)
            return None
        return found

    def _proven(self, head: Head) -> Proven | BadProof:
        if self._proofs is None:
            return BadProof("DPoP is not offered here")
        if head.presented_as is not Scheme.DPOP or not head.credential:
            return BadProof("a DPoP proof came without a credential under the DPoP scheme")
        if "dpop" not in head.headers:
            return BadProof("a credential under the DPoP scheme came without a proof")
        return self._proofs.check(head.headers["dpop"], method=head.verb, url=head.url, credential=head.credential)

    async def _outsider(self, head: Head, peer: Peer) -> Outsider | str | None:
        """Who it is by the word of somebody outside; None: nobody outside is to be asked."""
        if self._outside is None or self._outsiders is None or head.place is Place.OPEN_RUN:
            return None
        if head.credential:
            return await self._outside.by_token(head.credential) if looks_like_token(head.credential) else None
        shown = peer.certificate
        if shown is None or not shown.uris or self._clock.now() >= shown.until or "authorization" in head.headers:
            return None
        return self._outside.by_certificate(shown.uris, shown.thumbprint, shown.until)

    async def _vouched(self, outsider: Outsider | str, senders: frozenset[str]) -> Vouched | None:
        admitted = outsider
        if self._outsiders is not None and isinstance(outsider, Outsider):
            # Before the first sight of a subject opens its run: a thief is not its first sight.
            admitted = mismatch(outsider.binding, senders) or await self._outsiders.admit(outsider)
        if isinstance(admitted, Vouched):
            return admitted
        logger.warning("not let in: %s", plain(str(admitted), _MOST_SAID))
        return None

    async def _standing_for(self, head: Head, peer: Peer) -> str:
        """What stands in for a credential that was not even tried: that of the box; or the anonymous agent's, from this machine
        and only for MCP itself."""
        if peer.box is not None:
            return "" if "authorization" in head.headers else peer.box.credential
        if self._anonymous is None or not peer.loopback or "authorization" in head.headers or head.place is not Place.MCP:
            return ""
        return await self._anonymous.credential(peer.uid)
