"""Answers that are not JSON-RPC: an empty 202, health, a run. And the last word on a request that went wrong."""

from __future__ import annotations

from ringfence.adapters.pep.mcp_gateway.asgi import Message, Send
from ringfence.adapters.pep.mcp_gateway.render import Rendered
from ringfence.adapters.pep.mcp_gateway.run_routes import Plain
from ringfence.adapters.pep.mcp_gateway.stream import send_json


class Response:
    """`send`, remembering whether a response has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def __call__(self, message: Message) -> None:
        self._begun = True
        await self._send(message)

    async def last_word(self, rendered: Rendered) -> None:
        """Answer, where nothing has been said yet; else end what was begun."""
        if self._begun:
            await self._send({"type": "http.response.body", "body": b""})
        else:
            await send_json(self._send, rendered)


async def send_plain(send: Send, status: int, body: bytes, content_type: bytes | None, *, close: bool = False) -> None:
    """A whole response."""
    headers: list[tuple[bytes, bytes]] = []
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    if content_type is not None:
        headers.append((b"content-type", content_type))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_json_plain(send: Send, answer: Plain, *, close: bool = False) -> None:
    """A plain JSON answer."""
    await send_plain(send, answer.status, answer.body, b"application/json", close=close)
