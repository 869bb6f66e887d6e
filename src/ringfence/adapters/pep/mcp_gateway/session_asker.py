"""Asking a legacy client: a JSON-RPC request on the stream of the call, answered by a POST of its own.

Source: MCP 2025-11-25, transports; the answer is matched by session and by an id that was minted here.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

from ringfence.adapters.pep.mcp_gateway.client_capabilities import can_answer
from ringfence.adapters.pep.mcp_gateway.client_results import have_models, is_answer
from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint
from ringfence.adapters.pep.mcp_gateway.foreign import plain
from ringfence.adapters.pep.mcp_gateway.legacy import Session
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.stream import Answer
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Message, Result
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.upstream import ClientAnswer, Declined, Granted, ServerRequest

_LEFT = Declined(INTERNAL_ERROR, "the client has left")


class SessionAsker:
    """Puts what a server asks during one call to the client of a session."""

    def __init__(
        self, session: Session, endpoint: Endpoint, answer: Answer, clock: Clock, entropy: Entropy, limits: GatewayLimits
    ) -> None:
        self._endpoint = endpoint
        self._session = session
        self._answer = answer
        self._clock = clock
        self._entropy = entropy
        self._limits = limits

    async def __call__(self, requests: Mapping[str, ServerRequest]) -> Mapping[str, ClientAnswer]:
        """Ask everything at once."""
        await have_models()
        answers = await asyncio.gather(*(self._ask(request) for request in requests.values()))
        return dict(zip(requests, answers, strict=True))

    async def _ask(self, request: ServerRequest) -> ClientAnswer:
        session = self._session
        if not can_answer(session.capabilities, request):
            return Declined(METHOD_NOT_FOUND, "the client does not have this capability")
        if len(session.asked) >= self._limits.asked_per_session:
            return Declined(INTERNAL_ERROR, "too many questions are open")
        self._answer.watch()
        if self._answer.gone:
            return _LEFT
        identity = "rf-" + base64.urlsafe_b64encode(self._entropy.token(18)).decode()
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        session.asked[identity] = reply
        left = asyncio.ensure_future(self._answer.left.wait())
        late = asyncio.ensure_future(self._clock.sleep(self._limits.answer_s))
        try:
            self._answer.post(
                jsonrpc.request(identity, request.method, canonical_bytes(self._endpoint.shown_request(request))), keep=True
            )
            await asyncio.wait({reply, left, late}, return_when=asyncio.FIRST_COMPLETED)
            if reply.done():
                return _read(request, reply.result())
            if left.done():
                return _LEFT
            withdrawn = canonical_bytes({"requestId": identity, "reason": "the time to answer is over"})
            self._answer.post(jsonrpc.notification("notifications/cancelled", withdrawn))
            return Declined(INTERNAL_ERROR, "the client did not answer in time")
        finally:
            del session.asked[identity]
            for waiting in (left, late, reply):
                waiting.cancel()


def _read(request: ServerRequest, message: Message) -> ClientAnswer:
    if isinstance(message, ErrorAnswer):
        return Declined(message.code, plain(message.message) or "declined by the client")
    if isinstance(message, Result) and is_answer(request.method, message.result):
        return Granted(message.result)
    return Declined(INVALID_PARAMS, "the client's answer is not a result of that method")
