"""One request to the control plane without a socket: the same path, the same checks.

Used where no gateway runs (the first `operator add`) and in tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are lower-case; of a header that came twice the last one."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    peer_uid: int | None = None,
) -> Response:
    """Send one request; with `peer_uid` as if over the unix socket from that user, else as if over TCP."""
    path, _, query = target.partition("?")
    told = {} if peer_uid is None else {"ringfence": {"unix": True, "peer_uid": peer_uid}}
    given = {"host": "localhost", **({"content-type": "application/json"} if body else {}), **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": quote(path, safe="/%").encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": None,
        "server": None,
        "extensions": told,
    }
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    outgoing: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        outgoing.append(message)

    await app(scope, receive, send)
    start = outgoing[0]
    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
    parts = [message.get("body", b"") for message in outgoing if message["type"] == "http.response.body"]
    return Response(start["status"], found, b"".join(parts))
