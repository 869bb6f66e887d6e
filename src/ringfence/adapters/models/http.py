"""A model API over HTTP: the client's bytes out, with the upstream's credential in the place of the client's; bytes back.

Nothing is decompressed, so that what is metered is what the client reads; nothing is followed, so that the credential goes
where the operator said; nothing is sent twice, since nobody can know whether the first one was billed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from ringfence.errors import ConfigError, UnavailableError
from ringfence.ports.model_upstream import Lost, ModelAnswer, ModelPost, Unsent
from ringfence.ports.secrets import LateValues

REFUSED: Final = 401
_GONE: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How one model API is reached."""

    url: str
    """The base URL, as SDKs take it: without `/v1`."""
    headers: LateValues | None = field(default=None, repr=False)
    """Those of the operator's, the credential among them: looked up with each request."""
    connect_s: float = 10.0
    silence_s: float = 300.0
    """How long nothing may come, before an answer begins and within one. Models that think send pings."""
    connections: int = 4096
    keepalive_s: float = 4.0
    """Less than what common servers keep (5 s), so that a kept connection is rarely closed under a request."""
    head_bytes: int = 32 * 1024


def check_model_options(options: ModelOptions) -> None:
    """Raises ConfigError."""
    try:
        url = urlsplit(options.url)
        _ = url.port
    except ValueError as error:
        raise ConfigError("the URL cannot be read") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ConfigError("the URL is not http or https with a host")
    if url.username is not None or url.password is not None or url.fragment or url.query:
        raise ConfigError("the URL must not carry a login, a query or a fragment")


class HttpModel:
    """Use inside one running loop, and close it. Implements `ports.model_upstream.ModelUpstream`."""

    def __init__(self, options: ModelOptions) -> None:
        check_model_options(options)
        self._options = options
        self._base = options.url.rstrip("/")
        self._connections: aiohttp.ClientSession | None = None

    async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> ModelAnswer | Unsent | Lost:
        try:
            own = await self._own()
        except UnavailableError as error:
            return Unsent(f"the upstream's credential cannot be had: {error}")
        headers = {name: value for name, value in post.headers if name not in own}
        headers |= own | {"accept-encoding": "identity"}
        try:
            target = URL(f"{self._base}{post.target}", encoded=True)
        except ValueError:
            return Unsent("the target is no URL")
        connections = self._open()
        if not may_send():
            return Unsent("it was stopped before anything left")
        try:
            answer = await connections.request(
                post.method, target, data=post.body or None, headers=headers, allow_redirects=False
            )
        except aiohttp.ClientConnectorError as error:
            return Unsent(f"it cannot be reached: {type(error).__name__}")
        except aiohttp.ConnectionTimeoutError:
            return Unsent("it cannot be reached in time")
        except _GONE as error:
            return Lost(f"no answer came: {type(error).__name__}")
        if answer.status == REFUSED and self._options.headers is not None:
            self._options.headers.doubt()
        return _Answer(answer)

    async def close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    async def _own(self) -> dict[str, str]:
        values = self._options.headers
        if values is None:
            return {}
        found = values.fresh()
        return {name.lower(): value for name, value in (found if found is not None else await values.read()).items()}

    def _open(self) -> aiohttp.ClientSession:
        if self._connections is None:
            options = self._options
            self._connections = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=options.connections, keepalive_timeout=options.keepalive_s),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=options.connect_s, sock_connect=options.connect_s, sock_read=options.silence_s
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("user-agent", "accept", "content-type"),
                max_line_size=options.head_bytes,
                max_field_size=options.head_bytes,
            )
        return self._connections


class _Answer:
    """Implements `ports.model_upstream.ModelAnswer`."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in self._answer.headers.items()}

    async def read(self) -> bytes:
        try:
            return await self._answer.content.readany()
        except (*_GONE, asyncio.IncompleteReadError) as error:
            raise UnavailableError(f"the answer broke off: {type(error).__name__}") from None

    def close(self) -> None:
        # After the end of an answer its connection has been given back already, and this does nothing.
        self._answer.close()
