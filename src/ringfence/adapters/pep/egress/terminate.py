"""A connection whose TLS ends here: one request after another is judged, admitted, and made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ringfence.adapters.pep.egress.denial import denial
from ringfence.adapters.pep.egress.exchange import UNANSWERED, Exchange
from ringfence.adapters.pep.egress.gate import Gate
from ringfence.adapters.pep.egress.settings import Settings
from ringfence.adapters.pep.egress.upstream import Upstream
from ringfence.adapters.pep.egress.wire import Stream
from ringfence.core.egress.body import NO_BODY
from ringfence.core.egress.head import MOST_INSIDE, length_of_head
from ringfence.core.egress.headers import is_sendable, request_head
from ringfence.core.egress.matching import has
from ringfence.core.egress.opening import Admitted, NotAdmitted, Opening, Refusal
from ringfence.core.egress.request import Request, request_of
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.identity.identify import Presented
from ringfence.errors import UnavailableError

_STOPPED: Final = Refusal("stopped", 403, "stopped before anything left")
_NO_CREDENTIAL: Final = Refusal("credential", 502, "the credential cannot be had, or cannot stand in a header")
_ASTRAY: Final = Refusal("host", 403, "the gate's path rule does not have this request")


class Terminated:
    """The requests of one connection, in order."""

    def __init__(
        self,
        box: Stream,
        opening: Opening,
        upstream: Upstream,
        *,
        presented: Presented,
        gate: Gate,
        redactor: Redactor,
        settings: Settings,
        using: set[Admitted],
        touched: Callable[[], None],
    ) -> None:
        """`using`: where what is in use is looked for when somebody stops it."""
        self._box, self._opening, self._upstream = box, opening, upstream
        self._presented, self._gate, self._redactor, self._settings = presented, gate, redactor, settings
        self._using, self._touched = using, touched
        self._data = b""
        """What has been read and not been used."""

    async def run(self) -> None:
        """Until either side has had enough. Raises OSError."""
        try:
            while await self._one():
                pass
        finally:
            self._upstream.drop()

    async def _one(self) -> bool:
        """One request. False: the last one of this connection."""
        head = await self._head()
        if head is None:
            return False
        if isinstance(head, Refusal):
            return await self._refuse(self._opening, head)
        request = request_of(head, self._opening.host, self._opening.port)
        if isinstance(request, Refusal):
            return await self._refuse(self._opening, request)
        opening = Opening(self._opening.host, self._opening.port, request.method, request.path, websocket=request.websocket)
        admitted = await self._gate.admit(self._presented, opening)
        if isinstance(admitted, NotAdmitted):
            is_kept = request.framing == NO_BODY and not request.closes
            answer = denial(
                admitted.status,
                admitted.code,
                admitted.entry or "",
                admitted.why_public,
                closes=not is_kept,
                bodiless=request.method == "HEAD",
            )
            return await self._say(answer) and is_kept
        self._using.add(admitted)
        try:
            return await self._admitted(opening, request, admitted)
        finally:
            self._using.discard(admitted)
            await self._gate.ended(admitted)

    async def _admitted(self, opening: Opening, request: Request, admitted: Admitted) -> bool:
        rule = admitted.rule
        if admitted.path is None or not has(admitted.path, request.method, request.path, websocket=request.websocket):
            return await self._refuse(opening, _ASTRAY)
        secret = await self._secret(admitted)
        if isinstance(secret, Refusal):
            return await self._refuse(opening, secret)
        connected = await self._upstream.connected()
        if isinstance(connected, Refusal):
            return await self._refuse(opening, connected)
        outside, is_kept = connected

        def moved(up: int, down: int) -> bool:
            self._touched()
            return self._gate.moved(admitted, up, down)

        head = request_head(request, rule.host, rule.port, header=rule.header, secret=secret)
        exchange = Exchange(self._box, outside, moved, self._touched, self._redactor)
        data, self._data = self._data, b""
        if not self._gate.lives(admitted):
            return await self._refuse(opening, _STOPPED)
        refusal = await exchange.run(request, head, data, is_kept=is_kept)
        if refusal is not None:
            self._upstream.drop()
            return await self._cut(opening, refusal) if exchange.has_begun else await self._refuse(opening, refusal)
        self._data = exchange.rest
        if not exchange.is_reusable:
            self._upstream.drop()
        return exchange.is_kept

    async def _secret(self, admitted: Admitted) -> str | Refusal | None:
        """Looked up now; from now on it is masked."""
        rule = admitted.rule
        if not rule.credential:
            return None
        try:
            secret = await self._gate.secret(admitted)
        except UnavailableError:
            secret = None
        if secret is None or not is_sendable(rule.header, secret):
            return _NO_CREDENTIAL
        self._redactor.learn(secret)
        return secret

    async def _head(self) -> bytes | Refusal | None:
        """The next request's; None: there is none."""
        try:
            if not self._data:
                async with asyncio.timeout(self._settings.kept_s):
                    self._data = await self._box.read()
            if not self._data:
                return None
            async with asyncio.timeout(self._settings.head_s):
                seen = 0
                while (length := length_of_head(self._data, MOST_INSIDE, seen)) is None:
                    seen = len(self._data)
                    piece = await self._box.read()
                    if not piece:
                        return None
                    self._data += piece
        except TimeoutError:
            return Refusal("timeout", 408, "the head did not come in time") if self._data else None
        if isinstance(length, Refusal):
            return length
        head, self._data = self._data[:length], self._data[length:]
        return head

    async def _refuse(self, opening: Opening, refusal: Refusal) -> bool:
        if refusal is not UNANSWERED:
            entry = await self._gate.refused(self._presented, opening, refusal)
            await self._say(denial(refusal.status, refusal.code, entry))
        return False

    async def _cut(self, opening: Opening, refusal: Refusal) -> bool:
        """In the middle of an answer: the box sees it broken off, not whole."""
        await self._gate.refused(self._presented, opening, refusal)
        self._box.abort()
        return False

    async def _say(self, answer: bytes) -> bool:
        self._box.write(answer)
        await self._box.drain()
        return True
