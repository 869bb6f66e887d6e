"""The bridge's side of the agents' unix socket: opening a run, keeping it alive, and posting messages."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp

from ringfence.adapters.wire.sse import SseParser
from ringfence.errors import RequestError, UnavailableError

_BASE = "http://localhost"
_CONNECT_S = 5.0
_QUICK = aiohttp.ClientTimeout(total=15.0)
_PATIENT = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=120.0)
"""A silent answer carries a comment every 15 seconds, so a longer silence means that nobody is there."""
_ANSWER_LIMIT = 32 << 20
_BUSY = (409, 429)
"""The stream that was lost is still taken for open, or there are too many."""
_GONE = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class OpenRun:
    """The bridge's own run."""

    id: str
    credential: str
    expires_in_s: float | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the gateway would not do, in its words."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class Link:
    """One unix socket. Every method raises UnavailableError where the gateway is not there."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._client = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(socket), limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        await self._client.close()

    async def open_run(self, agent: str, task: str) -> OpenRun | Refusal:
        """A new run of this agent, in the name of the local user."""
        found = await self._plain("/runs", {}, {"agent": agent, "task": task})
        return found if isinstance(found, Refusal) else OpenRun(found["run"], found["credential"], found.get("expires_in_s"))

    async def renew(self, run: OpenRun) -> OpenRun | Refusal:
        """Move the run's expiry."""
        found = await self._plain("/runs/renew", _bearer(run.credential), None)
        return found if isinstance(found, Refusal) else OpenRun(run.id, run.credential, found.get("expires_in_s"))

    async def close_run(self, run: OpenRun) -> Refusal | None:
        """End the run."""
        found = await self._plain("/runs/close", _bearer(run.credential), None)
        return found if isinstance(found, Refusal) else None

    async def post(
        self, path: str, credential: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncGenerator[tuple[bytes, str | None]]:
        """The messages that answer one, each with the session id that came with the response."""
        base = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        sent = {**base, **_bearer(credential), **headers}
        try:
            async with self._client.post(
                _BASE + path, data=body, headers=sent, timeout=_PATIENT, allow_redirects=False
            ) as response:
                session = response.headers.get("mcp-session-id")
                if response.content_type != "text/event-stream":
                    message = await response.content.read(-1)
                    if message:
                        yield message, session
                    return
                events = SseParser(_ANSWER_LIMIT)
                async for chunk in response.content.iter_any():
                    for event in events.feed(chunk):
                        yield event.data, session
        except _GONE as error:
            raise UnavailableError(self._not_there(error)) from error
        except RequestError as error:
            raise UnavailableError(f"the gateway's answer cannot be read: {error}") from error

    async def listen(
        self,
        path: str,
        credential: str,
        headers: Mapping[str, str],
        hear: Callable[[bytes], Awaitable[None]],
        on_open: Callable[[], Awaitable[None]],
    ) -> bool:
        """Hand on each message of a session's own stream until it ends. False where there is no such stream."""
        sent = {"accept": "text/event-stream", **_bearer(credential), **headers}
        try:
            async with self._client.get(_BASE + path, headers=sent, timeout=_PATIENT, allow_redirects=False) as response:
                if response.status in _BUSY or response.status >= 500:
                    raise UnavailableError(f"the gateway gives no stream now (status {response.status})")
                if response.status != 200 or response.content_type != "text/event-stream":
                    return False
                await on_open()
                events = SseParser(_ANSWER_LIMIT)
                async for chunk in response.content.iter_any():
                    for event in events.feed(chunk):
                        await hear(event.data)
                return True
        except _GONE as error:
            raise UnavailableError(self._not_there(error)) from error
        except RequestError as error:
            raise UnavailableError(f"the gateway's stream cannot be read: {error}") from error

    async def _plain(self, path: str, headers: Mapping[str, str], value: Any) -> dict[str, Any] | Refusal:
        body = b"" if value is None else json.dumps(value).encode()
        sent = {"content-type": "application/json", **headers}
        try:
            async with self._client.post(
                _BASE + path, data=body, headers=sent, timeout=_QUICK, allow_redirects=False
            ) as response:
                raw = await response.read()
                status = response.status
        except _GONE as error:
            raise UnavailableError(self._not_there(error)) from error
        try:
            answer = json.loads(raw)
        except ValueError as error:
            raise UnavailableError(f"the gateway answered {status} with something else than JSON") from error
        if not isinstance(answer, dict):
            raise UnavailableError(f"the gateway answered {status} with something else than an object")
        found = cast("dict[str, Any]", answer)
        if status == 200:
            return found
        error = found.get("error")
        told = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
        return Refusal(str(told.get("message", f"status {status}")), str(told.get("remedy", "")))

    def _not_there(self, error: BaseException) -> str:
        why = str(error) or type(error).__name__
        return f"no gateway answers on {self._socket}: {why}"


def _bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}
