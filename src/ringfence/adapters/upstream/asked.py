"""What a legacy server asks of the client during one call."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import Id, Request
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR, METHOD_NOT_FOUND
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError
from ringfence.ports.upstream import Asker, Declined, Granted, Sending, ServerRequest

logger = logging.getLogger(__name__)

MAX_ASKED = 64
"""Requests of the server that are answered during one call; the others get no answer."""
MAX_OPEN = 16
"""Requests that wait for the client at the same time."""
NOT_OFFERED: Final = Declined(METHOD_NOT_FOUND, "not offered")
_KEY = "0"


class Back(Protocol):
    """The way back to the server during one call."""

    def soon(self, body: bytes) -> None:
        """Send what is no act of the client: a refusal, an empty answer. As well as it goes; may outlive the call."""
        ...

    async def answer(self, body: bytes, may_send: Callable[[], bool]) -> None:
        """Send the client's answer. `may_send` is asked with no await before the first byte. Cancelled: nothing leaves."""
        ...


def is_declared(request: ServerRequest, capabilities: Mapping[str, Any]) -> bool:
    """Whether the server was told that it may ask this (MCP, client capabilities)."""
    match request.method:
        case "sampling/createMessage":
            return "sampling" in capabilities
        case "roots/list":
            return "roots" in capabilities
        case "elicitation/create":
            modes = capabilities.get("elicitation")
            if not isinstance(modes, Mapping):
                return False
            # An empty object means form only (MCP 2025-11-25, client/elicitation).
            mode = request.params.get("mode", "form")
            return isinstance(mode, str) and (mode in modes or (not modes and mode == "form"))
        case _:
            return False


class Asked:
    """Puts each request to the client while the call goes on, and brings the answer back. Ends with the call."""

    def __init__(self, sending: Sending, back: Back, oddities: Counter[str]) -> None:
        self._sending = sending
        self._back = back
        self._oddities = oddities
        self._count = 0
        self._open: dict[tuple[type, Id], asyncio.Task[None]] = {}
        self._closed = False

    def take(self, request: Request) -> None:
        if self._closed:
            return
        self._count += 1
        if self._count > MAX_ASKED:
            self._oddities["request beyond what is answered"] += 1
            return
        if request.method == "ping":
            self._back.soon(jsonrpc.result(request.id, b"{}"))
            return
        key = (type(request.id), request.id)
        asked = ServerRequest(request.method, request.params)
        ask = self._sending.on_requests
        if ask is None or len(self._open) >= MAX_OPEN or key in self._open or not self._is_declared(asked):
            self._oddities["request that was not offered"] += 1
            self._back.soon(_written(request.id, NOT_OFFERED))
            return
        task = asyncio.create_task(self._ask(request.id, asked, ask))
        self._open[key] = task
        task.add_done_callback(lambda done: self._ended(request.id, done))

    def withdraw(self, identity: object) -> None:
        """The server no longer wants to know (MCP 2025-11-25, basic/utilities/cancellation)."""
        task = self._open.get((type(identity), identity)) if isinstance(identity, int | str) else None
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """No answer leaves any more."""
        self._closed = True
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _is_declared(self, asked: ServerRequest) -> bool:
        return is_declared(asked, self._sending.capabilities)

    async def _ask(self, identity: Id, asked: ServerRequest, ask: Asker) -> None:
        answers = await ask({_KEY: asked})
        await self._back.answer(_written(identity, answers.get(_KEY, NOT_OFFERED)), self._may_send)

    def _may_send(self) -> bool:
        return not self._closed and self._sending.may_send()

    def _ended(self, identity: Id, task: asyncio.Task[None]) -> None:
        self._open.pop((type(identity), identity), None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a server's request was not answered: %r", error)
            self._back.soon(jsonrpc.error(identity, INTERNAL_ERROR, "no answer"))


def _written(identity: Id, answer: Granted | Declined) -> bytes:
    if isinstance(answer, Declined):
        return jsonrpc.error(identity, answer.code, answer.message)
    try:
        return jsonrpc.result(identity, canonical_bytes(dict(answer.result)))
    except RequestError:
        return jsonrpc.error(identity, INTERNAL_ERROR, "the answer cannot be written")
