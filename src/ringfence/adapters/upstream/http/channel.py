"""One POST to an upstream and what comes back, with every wait and every buffer bounded."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, cast

import aiohttp
from aiohttp import ClientTimeout, hdrs

from ringfence.adapters.upstream.backoff import Jitter, no_jitter
from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http.connections import Connections, NoConnectionError
from ringfence.adapters.upstream.http.reach import Reach
from ringfence.adapters.upstream.http.secrets import AUTHORIZATION, SecretHeaders
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.upstream.room import NO_ROOM, MayKeep, Reserved
from ringfence.adapters.web.connection import Connection
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Id, Notification, Request, Result, classify, same_id
from ringfence.adapters.wire.mcp import JSON_TYPE, SESSION_HEADER, SSE_TYPE
from ringfence.adapters.wire.sse import SseParser
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.upstream import NotSent, Unknown, keep_all

NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""What aiohttp says of a stream that could not be opened."""
MAX_REFUSAL = 65_536
"""Bytes read of the body of a 4xx or 5xx."""

_SESSION, _JSON, _SSE = SESSION_HEADER.encode(), JSON_TYPE.encode(), SSE_TYPE.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A whole HTTP answer. `message` is None where the body was no JSON-RPC answer to the request."""

    status: int
    message: Result | ErrorAnswer | None
    session: str | None
    """`Mcp-Session-Id`, as sent."""


Listener = Callable[[Request | Notification], None]
"""Hears what comes before the answer; must not block, and must not raise."""


class HttpChannel:
    """Kept connections to one URL: no redirects, no cookies, no proxies from the environment, no decompression."""

    def __init__(self, options: HttpOptions, jitter: Jitter = no_jitter) -> None:
        self.options = options
        self.reach = Reach(options, jitter)
        self.secrets = SecretHeaders(options.late_headers)
        self._connections = Connections(options)
        self._streams: aiohttp.ClientSession | None = None
        self._closed = False
        self._ids = 0

    def next_id(self) -> int:
        """Unique over all principals, so that a stray answer never matches."""
        self._ids += 1
        return self._ids

    async def post(
        self,
        headers: Mapping[str, str],
        body: GuardedBody,
        *,
        identity: Id | None,
        deadline: float,
        listener: Listener | None = None,
        may_keep: MayKeep = keep_all,
    ) -> Received | NotSent | Unknown:
        """Send one message and read its answer.

        `identity` is the request's id; None for what has no answer. `deadline` is in loop time. Never raises for what the
        server does. However it ends, no byte of the body leaves afterwards. `may_keep` is asked for room for the answer.
        """
        if (secret := self.secrets.fresh(headers)) is None:
            try:
                async with asyncio.timeout_at(deadline):
                    secret = await self.secrets.lines(headers)
            except TimeoutError:
                return NotSent("the deadline passed while a secret was looked up")
            except UnavailableError as error:
                return NotSent(str(error))
        if refusal := self.reach.enter(body):
            return NotSent(refusal)
        exchange = _Exchange(self.options, identity, deadline, listener, may_keep)
        begun = asyncio.get_running_loop().time()
        try:
            received = await exchange.run(self._connections, headers, body, secret)
            self.reach.answered()
            if received.status == 401 and AUTHORIZATION not in headers:
                self.secrets.refused()
            return received
        except NoConnectionError as error:
            self.reach.failed(error.reason, asyncio.get_running_loop().time() - begun)
            why = f"no connection was made ({error})"
        except TimeoutError:
            why = "the deadline passed"
        except OSError as error:
            why = f"the connection failed ({type(error).__name__})"
        except (RequestError, UnavailableError) as error:
            why = str(error)
        finally:
            self.reach.leave(body)
            if not exchange.finished:
                body.abort()
        if exchange.answer is not None:
            # The answer was whole; what is wrong is only how the stream ended.
            return exchange.received()
        if body.left:
            return Unknown(f"{why} after the call was sent")
        return NotSent("withheld at the last look" if body.withheld else f"{why} before anything was sent")

    async def delete(self, headers: Mapping[str, str]) -> None:
        """End a legacy session, as well as that goes."""
        try:
            async with asyncio.timeout(self.options.cancel_s):
                headers = await self.secrets.joined(headers)
                async with self.streams().delete(self.options.url, headers=headers, allow_redirects=False):
                    pass
        except (TimeoutError, aiohttp.ClientError, OSError, UnavailableError):
            return

    def streams(self) -> aiohttp.ClientSession:
        """For what stays open without an end, and for farewells: never takes a connection from a call.

        Raises UnavailableError when closed.
        """
        if self._streams is None or self._closed:
            self._streams = self._new(self.options.max_streams)
        return self._streams

    def _new(self, connections: int) -> aiohttp.ClientSession:
        if self._closed:
            raise UnavailableError("the upstream is closed")
        options = self.options
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=options.keepalive_s, ttl_dns_cache=10),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=options.connect_s),
            headers=dict(options.headers),
            skip_auto_headers=(hdrs.USER_AGENT,),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        self._closed = True
        self._connections.close()
        if self._streams is not None:
            await self._streams.close()


class _Exchange:
    """The state of one POST."""

    def __init__(
        self, options: HttpOptions, identity: Id | None, deadline: float, listener: Listener | None, may_keep: MayKeep
    ) -> None:
        self._options = options
        self._room = Reserved(may_keep)
        self._identity = identity
        self._deadline = deadline
        self._listener = listener
        self._now = asyncio.get_running_loop().time
        self._events = 0
        self._status = 0
        self._session: str | None = None
        self.answer: Result | ErrorAnswer | None = None
        self.finished = False
        """The answer was read to its end: the connection can be kept."""

    def received(self) -> Received:
        return Received(status=self._status, message=self.answer, session=self._session)

    async def run(self, connections: Connections, headers: Mapping[str, str], body: GuardedBody, secret: str) -> Received:
        options = self._options
        head = connections.head(headers, len(body), secret)
        first = min(self._deadline, self._now() + options.connect_s + options.first_byte_s)
        connection = connections.idle()
        if connection is None:
            async with asyncio.timeout_at(first):
                connection = await connections.take()
        try:
            transport = connection.begin(first)
            body.hand_over(transport, lambda data: cast(asyncio.WriteTransport, transport).write(head + data))
            await connection.head()
            connection.reschedule(self._deadline)
            await self._read(connection)
            self.finished = connection.is_complete
        finally:
            if not self.finished:
                body.abort()
            connections.give_back(connection)
        return self.received()

    async def _read(self, response: Connection) -> None:
        """Fill in the answer. Raises RequestError where the answer is none."""
        self._status = status = response.status
        headers = dict(reversed(response.lines))  # the first of several lines with one name
        session = headers.get(_SESSION)
        self._session = None if session is None else session.decode("latin-1").strip()
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise RequestError("the server's answer is compressed")
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if status >= 400:
            self.answer = refusal(await whole(response, MAX_REFUSAL), self._identity) if kind == _JSON else None
        elif self._identity is None:
            # A notification was accepted or not; a body says nothing more.
            await whole(response, MAX_REFUSAL)
        elif status != 200:
            raise RequestError(f"the server answered with HTTP status {status}")
        elif kind == _JSON:
            self._take(await whole(response, self._options.max_response, self._room))
        elif kind == _SSE:
            await self._stream(response)
        else:
            raise RequestError("the server's answer is neither JSON nor an event stream")
        if status == 200 and self._identity is not None and self.answer is None:
            raise RequestError("the server's answer ended without a result")

    async def _stream(self, response: Connection) -> None:
        parser = SseParser(self._options.max_event)
        size = 0
        while chunk := await response.read():
            size += len(chunk)
            if size > self._options.max_response:
                self._spoil("the server's answer is too large")
            try:
                events = parser.feed(chunk)
            except RequestError as error:
                self._spoil(str(error))
            for event in events:
                self._events += 1
                if self._events > self._options.max_events:
                    self._spoil("the server sent too many events")
                if event.name == "message" and event.data:
                    self._take(event.data)
            if self.answer is not None:
                response.reschedule(min(self._deadline, self._now() + self._options.tail_s))

    def _take(self, data: bytes) -> None:
        try:
            if self.answer is None:
                self._room.settle(data)
            message = classify(parse_strict(data))
        except RequestError as error:
            self._spoil(NO_ROOM if str(error) == NO_ROOM else f"the server's answer cannot be read: {error}")
        if isinstance(message, Request | Notification):
            # The call has ended with its answer: what is asked afterwards is asked of nobody.
            if self._listener is not None and self.answer is None:
                self._listener(message)
            return
        if self.answer is not None:
            self._spoil("the server answered twice")
        if not same_id(message.id, self._identity):
            self._spoil("the server answered another request")
        self.answer = message

    def _spoil(self, why: str) -> NoReturn:
        """What comes after an answer can still show that the answer is worth nothing."""
        self.answer = None
        raise RequestError(why)


async def whole(response: Connection, most: int, room: Reserved | None = None) -> bytes:
    """A bounded body. Raises RequestError where it is larger, or there is no room for it."""
    parts: list[bytes] = []
    size = 0
    while chunk := await response.read():
        size += len(chunk)
        if size > most:
            raise RequestError("the server's answer is too large")
        if room is not None:
            room.grow(len(chunk))
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def refusal(data: bytes, identity: Id | None) -> ErrorAnswer | None:
    """The JSON-RPC error in the body of a 4xx or 5xx; its id may be missing, since the server may not have read ours."""
    try:
        message = classify(parse_strict(data))
    except RequestError:
        return None
    if isinstance(message, ErrorAnswer) and (message.id is None or same_id(message.id, identity)):
        return message
    return None
