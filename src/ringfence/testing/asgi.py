"""Driving an ASGI application in-process, with a client that can leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST_S = 10.0
"""A test that waits longer fails instead of hanging."""


class Exchange:
    """One request and what comes back."""

    def __init__(self, app: App, scope: Scope, body: bytes) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.complete = False
        self._body: bytes | None = body
        self._left = asyncio.Event()
        self._changed = asyncio.Event()
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))
        self.task.add_done_callback(lambda _: self._changed.set())

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if self._left.is_set():
            return
        if message["type"] == "http.response.start":
            assert self.status == 0, "a response begins once"
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            assert not self.complete, "nothing follows the end"
            self.chunks.append(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        self._changed.set()

    def leave(self) -> None:
        """The client closes its connection."""
        self._left.set()

    async def until_chunks(self, count: int) -> None:
        """Return when so many pieces of the body have come."""
        async with asyncio.timeout(LONGEST_S):
            while len(self.chunks) < count and not self.task.done():
                self._changed.clear()
                await self._changed.wait()

    async def until_events(self, count: int) -> list[Any]:
        """The messages of the stream once there are so many."""
        async with asyncio.timeout(LONGEST_S):
            while len(self.events) < count and not self.task.done():
                self._changed.clear()
                await self._changed.wait()
        return self.events

    async def done(self) -> Exchange:
        """Return when the application has returned; raises what it raised."""
        # Not a time-out around the task: that would cancel the application, as no client can.
        ended, _ = await asyncio.wait({self.task}, timeout=LONGEST_S)
        assert ended, "the application has not returned"
        await self.task
        return self

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: str) -> str | None:
        """The value of a header, if it came once."""
        found = [value for key, value in self.headers if key == name.encode()]
        assert len(found) < 2, f"{name} stands twice"
        return found[0].decode() if found else None

    @property
    def json(self) -> Any:
        """The body of a plain answer."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The messages of an event stream."""
        lines = self.body.decode().splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]

    @property
    def answer(self) -> Any:
        """The last message, however it came."""
        return self.events[-1] if self.header("content-type") == "text/event-stream" else self.json


def start(
    app: App,
    method: str,
    path: str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    query: bytes = b"",
    extensions: Mapping[str, Any] | None = None,
) -> Exchange:
    """Begin a request; await `done()` for its end."""
    lines: Sequence[tuple[str, str]] = tuple(headers.items()) if isinstance(headers, Mapping) else headers
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines],
        "extensions": dict(extensions or {}),
    }
    return Exchange(app, scope, body)
