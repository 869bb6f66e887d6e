"""One party that is asked over HTTP: bounded in time and size; no redirect, no proxy, no cookie, nothing decompressed.

Calls of agents do not go this way: see `adapters.upstream` and `adapters.pep.egress`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from ringfence.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class WebAnswer:
    status: int
    media_type: str
    """Without its parameters."""
    body: bytes


class WebClient:
    """Use inside one running loop, and close it. Connections are made when something is asked.

    `whom` begins the text of every error. `answer_s` is all that one answer may take, connecting included. `keeps_connections`
    is off where a request is not to be repeated: a kept connection that the other side has closed would fail it.
    `quotes_errors` shows what the network said, which may hold the address: only where that is no secret.
    """

    def __init__(self, whom: str, answer_s: float, *, keeps_connections: bool = True, quotes_errors: bool = False) -> None:
        self._whom = whom
        self._answer_s = answer_s
        self._keeps_connections = keeps_connections
        self._quotes_errors = quotes_errors
        self._connections: aiohttp.ClientSession | None = None

    async def get(self, url: str, headers: Mapping[str, str], *, most: int) -> WebAnswer:
        """Raises UnavailableError where nothing whole comes back in time, or more than `most` bytes."""
        return await self._ask("GET", url, headers, None, most, cut=False)

    async def post(
        self, url: str, headers: Mapping[str, str], data: bytes | Mapping[str, str], *, most: int, cut: bool = False
    ) -> WebAnswer:
        """As `get`, with a body, or with a form. With `cut` an answer that is too long ends there instead of being an error."""
        return await self._ask("POST", url, headers, data, most, cut=cut)

    async def tell(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """As `post`, for the status alone: what else is answered is not waited for."""
        return (await self.post(url, headers, body, most=0, cut=True)).status

    async def close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | Mapping[str, str] | None, most: int, *, cut: bool
    ) -> WebAnswer:
        if self._connections is None:
            self._connections = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=not self._keeps_connections),
                timeout=aiohttp.ClientTimeout(total=self._answer_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"user-agent": "ringfence", "accept-encoding": "identity"},
            )
        try:
            # Never on to another place: what the request holds, a credential perhaps, is for this one.
            async with self._connections.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
                return WebAnswer(answer.status, answer.content_type, await self._body(answer.content, most, cut=cut))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            why = (str(error)[:200] if self._quotes_errors else "") or type(error).__name__
            raise UnavailableError(f"{self._whom} does not answer: {why}") from None

    async def _body(self, content: aiohttp.StreamReader, most: int, *, cut: bool) -> bytes:
        body = bytearray()
        room = most if cut else most + 1
        while len(body) < room and (piece := await content.readany()):
            body += piece
        if len(body) > most and not cut:
            raise UnavailableError(f"{self._whom} answered with more than {most} bytes")
        return bytes(body[:most])
