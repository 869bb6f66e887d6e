"""From an ASGI scope to what the control plane wants to know of a request. Bodies are bounded in size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from starlette.types import Message, Receive, Scope

from ringfence.app.control.auth import Connection
from ringfence.app.control.sessions import COOKIE
from ringfence.errors import RequestError

LARGEST_BODY: Final = 128 * 1024
BODY_S: Final = 30.0
"""How long a body may take to arrive."""
DRAIN_S: Final = 2.0
"""How long an early answer waits for the rest of the body."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class TooLarge(RequestError):
    """The body passes `LARGEST_BODY`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One request without its body."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    """Lower-case names; where a header came twice, the values joined by a comma, so that no two readers differ."""
    scheme: str
    connection: Connection

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def is_unsafe(self) -> bool:
        return self.method not in SAFE


def incoming(scope: Scope) -> Incoming:
    """What the request says before anybody is known."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    told: Mapping[str, Any] = scope.get("extensions", {}).get("ringfence", {})
    return Incoming(
        method=scope["method"],
        path=scope["path"],
        query=scope.get("query_string", b""),
        headers=headers,
        scheme=scope.get("scheme", "http"),
        connection=Connection(
            unix=told.get("unix", False) is True,
            peer_uid=told.get("peer_uid"),
            authorization=headers.get("authorization"),
            cookie=_cookie(headers.get("cookie", "")),
        ),
    )


def _cookie(header: str) -> str | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header)
    except CookieError:
        return None
    return jar[COOKIE].value if COOKIE in jar else None


class Body:
    """A request's body on its way, so that an early answer can first let the rest arrive.

    A client that is still sending when its connection closes sees a broken pipe instead of the answer.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0
        self._ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read what is left, within `LARGEST_BODY` and `DRAIN_S`."""
        try:
            async with asyncio.timeout(DRAIN_S):
                while not self._ended and self._size <= LARGEST_BODY:
                    await self.receive()
        except TimeoutError:
            return


async def read_all(receive: Receive) -> bytes:
    """The body. Raises: TooLarge, RequestError where it comes too slowly or its sender leaves."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise RequestError("the body did not come whole")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > LARGEST_BODY:
                    raise TooLarge(f"the body is larger than {LARGEST_BODY} bytes")
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        raise RequestError(f"the body took longer than {BODY_S:.0f} s") from error
