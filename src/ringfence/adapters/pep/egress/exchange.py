"""One request that was admitted, and its answer: written anew on the way out, looked into on the way back."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Final

from ringfence.adapters.pep.egress.unpacking import Unpacking
from ringfence.adapters.pep.egress.wire import Stream, Wire
from ringfence.core.egress.body import CHUNKED, NO_BODY, Body
from ringfence.core.egress.head import MOST_INSIDE, Fields, length_of_head
from ringfence.core.egress.headers import answered, response_head
from ringfence.core.egress.opening import Refusal
from ringfence.core.egress.request import Request
from ringfence.core.egress.response import Coding, Response, response_of
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.sieve import Sieve

_NOTHING_KNOWN: Final = Redactor()
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_MOST_INTERIM: Final = 16
BUDGET: Final = Refusal("budget", 403, "over the budget")
BROKEN: Final = Refusal("upstream", 502, "the server ended the connection")
UNANSWERED: Final = Refusal("unanswered", 502, "a connection that was kept ended before the answer")
"""The client hears nothing of it but the end, and tries again by its own rules."""


class Exchange:
    """Between a box's stream and a server's wire."""

    def __init__(
        self, box: Stream, outside: Wire, moved: Callable[[int, int], bool], touched: Callable[[], None], redactor: Redactor
    ) -> None:
        """`moved` counts bytes up and down, False: over the budget. `touched`: something has moved."""
        self._box, self._outside, self._moved, self._touched, self._redactor = box, outside, moved, touched, redactor
        self.has_begun = False
        """Some of the answer has gone to the box."""
        self.rest = b""
        """What the box sent behind the request."""
        self.is_kept = True
        """The box may send its next request."""
        self.is_reusable = True
        """The server may be sent the next request."""

    async def run(self, request: Request, head: bytes, data: bytes, *, is_kept: bool) -> Refusal | None:
        """`head`: as written anew. `data`: what came behind the original. `is_kept`: the wire has been used. Raises OSError."""
        if not self._moved(len(head), 0):
            return BUDGET
        self._outside.write(head)
        sending = asyncio.ensure_future(self._send(request, data))
        answering = asyncio.ensure_future(self._head(request.method, is_kept=is_kept))
        try:
            await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() and (refusal := sending.result()) not in (None, BROKEN):
                return refusal
            response = await answering
            if isinstance(response, Refusal):
                return response
            if response.status == 101:
                return await self._socket(request, response)
            is_whole = sending.done() and sending.result() is None
            refusal = await self._answer(request, response, is_whole=is_whole)
            if not is_whole:
                self.is_reusable = False
            return refusal
        finally:
            for task in (sending, answering):
                task.cancel()
            await asyncio.gather(sending, answering, return_exceptions=True)

    async def _send(self, request: Request, data: bytes) -> Refusal | None:
        """The body, framed anew."""
        body = Body(request.framing)
        if request.framing == NO_BODY:
            self.rest = data
            return None
        if request.expects:
            self._box.write(_CONTINUE)
        while True:
            content = body.feed(data)
            if isinstance(content, Refusal):
                return content
            if content:
                if not self._moved(len(content), 0):
                    return BUDGET
                self._outside.write(_chunk(content) if request.framing.chunked else content)
                try:
                    await self._outside.drain()
                except OSError:
                    return BROKEN  # it may have answered before
            if body.done:
                if request.framing.chunked:
                    self._outside.write(b"0\r\n\r\n")
                self.rest = body.rest
                return None
            data = await self._box.read()
            self._touched()
            if not data:
                return Refusal("framing", 400, "the connection ended within the body")

    async def _head(self, method: str, *, is_kept: bool) -> Response | Refusal:
        """The answer's head, past all interim ones (RFC 9110, section 15.2)."""
        data = b""
        for _ in range(_MOST_INTERIM):
            seen = 0
            while (length := length_of_head(data, MOST_INSIDE, seen)) is None:
                seen = len(data)
                piece = await self._outside.read()
                self._touched()
                if not piece:
                    return UNANSWERED if is_kept and not data else BROKEN
                if not self._moved(0, len(piece)):
                    return BUDGET
                data += piece
            if isinstance(length, Refusal):
                return Refusal("upstream", 502, length.why)
            response = response_of(data[:length], method)
            data = data[length:]
            if isinstance(response, Refusal) or response.status >= 200 or response.status == 101:
                self._outside.unread(data)
                return response
        return Refusal("upstream", 502, "too many interim answers")

    async def _answer(self, request: Request, response: Response, *, is_whole: bool) -> Refusal | None:
        looks = bool(self._redactor)
        unpacks = response.coding is not Coding.NONE and not response.bodiless
        framing = response.framing
        if framing.length is None or ((looks or unpacks) and framing != NO_BODY):
            framing = CHUNKED
        closes = request.closes or not is_whole
        self.is_kept = not closes
        self.is_reusable = not response.closes
        fields = self._masked(answered(response.fields, decoded=unpacks, keeps_length=response.bodiless))
        phrase = response.phrase if self._redactor.text(response.phrase) == response.phrase else ""
        self.has_begun = True
        self._box.write(response_head(response.status, phrase, fields, None if response.bodiless else framing, closes=closes))
        if response.framing != NO_BODY:
            # Secrets that become known from here on would change a length that was promised.
            sieve = Sieve(self._redactor if looks else _NOTHING_KNOWN)
            refusal = await self._content(response, sieve, is_chunked=framing == CHUNKED)
            if refusal is not None:
                return refusal
        await self._box.drain()
        return None

    async def _content(self, response: Response, sieve: Sieve, *, is_chunked: bool) -> Refusal | None:
        body, unpacking = Body(response.framing), Unpacking(response.coding)
        while not body.done:
            data = await self._outside.read()
            self._touched()
            if not data:
                if not body.end():
                    return BROKEN
                break
            if not self._moved(0, len(data)):
                return BUDGET
            content = body.feed(data)
            if isinstance(content, Refusal):
                return Refusal("upstream", 502, content.why)
            try:
                for piece in unpacking.pieces(content):
                    self._pass(sieve.piece(piece.decode("latin-1")).encode("latin-1"), is_chunked=is_chunked)
                    await self._box.drain()
            except zlib.error:
                return Refusal("upstream", 502, "a content that cannot be unpacked")
        self._outside.unread(body.rest)
        self._pass(sieve.rest().encode("latin-1"), is_chunked=is_chunked)
        if is_chunked:
            self._box.write(b"0\r\n\r\n")
        return None

    def _pass(self, content: bytes, *, is_chunked: bool) -> None:
        if content:
            self._box.write(_chunk(content) if is_chunked else content)

    def _masked(self, fields: Fields) -> Fields:
        """Without our secrets. A name that is one makes the field disappear."""
        text = self._redactor.text
        return tuple((name, text(value)) for name, value in fields if text(name) == name)

    async def _socket(self, request: Request, response: Response) -> Refusal | None:
        """A WebSocket that a rule allows: from here on bytes are counted, not looked into."""
        self.is_kept = self.is_reusable = False
        if not request.websocket:
            return Refusal("upstream", 502, "an upgrade that nobody asked for")
        fields = self._masked(answered(response.fields, decoded=False, keeps_length=False))
        switched = (*fields, ("Upgrade", "websocket"), ("Connection", "Upgrade"))
        self.has_begun = True
        self._box.write(response_head(101, "Switching Protocols", switched, None, closes=False))
        if self.rest:
            if not self._moved(len(self.rest), 0):
                return BUDGET
            self._outside.write(self.rest)
        ways = [
            asyncio.ensure_future(self._copy(self._box, self._outside, is_up=True)),
            asyncio.ensure_future(self._copy(self._outside, self._box, is_up=False)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _copy(self, source: Stream, target: Stream, *, is_up: bool) -> Refusal | None:
        while data := await source.read():
            self._touched()
            if not self._moved(len(data) if is_up else 0, 0 if is_up else len(data)):
                return BUDGET
            target.write(data)
            await target.drain()
        return None


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)
