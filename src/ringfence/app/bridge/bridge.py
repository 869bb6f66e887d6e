"""`ringfence connect`: the stdio bridge that a client configures as its one MCP server.

It opens a run over the agents' unix socket, keeps it alive while its client lives, and carries each line to the gateway and
each answer back. It is a client of the data plane and decides nothing.

Source: MCP transports, stdio (one JSON-RPC message a line) and streamable HTTP, of both eras.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Id, Notification, Request, Result, classify
from ringfence.adapters.wire.lines import LineSplitter
from ringfence.adapters.wire.mcp import SESSION_HEADER, is_tool_name
from ringfence.adapters.wire.mcp_names import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    PROTOCOL_VERSION_META_KEY,
    encode_header_value,
)
from ringfence.adapters.wire.param_headers import header_map, param_headers
from ringfence.app.bridge.link import Link, OpenRun, Refusal
from ringfence.app.bridge.notices import (
    FIRST_BACK_OFF_S,
    BackOff,
    Subscription,
    keep_listening,
    list_changed,
    lists_that_change,
)
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError, UnavailableError

LINE_LIMIT = 4 << 20
DRAIN_S = 2.0
"""How long answers may take after the client has closed its end."""
RENEW_AT = 0.4
"""Share of a run's life after which it is renewed."""
_AT_ONCE = 256
_FIRST_LINE_S = 5.0
_RETRY_S = 2.0

DONE, REFUSED, UNAVAILABLE = 0, 1, 3


class Source(Protocol):
    """Where the client's lines come from; `asyncio.StreamReader` is one."""

    async def read(self, n: int, /) -> bytes:
        """Some bytes; empty at the end."""
        ...


class Sink(Protocol):
    """Where answers go."""

    async def write(self, data: bytes, /) -> None:
        """Write all of it, or raise OSError."""
        ...


@dataclass(slots=True, eq=False)
class _Flight:
    task: asyncio.Task[None]
    modern: bool
    cancelled: bool = False


async def bridge(
    *,
    socket: Path,
    agent: str,
    task: str,
    server: str | None,
    stdin: Source,
    stdout: Sink,
    stderr: Callable[[str], object] = sys.stderr.write,
    renew_at: float = RENEW_AT,
    drain_s: float = DRAIN_S,
    back_off_s: float = FIRST_BACK_OFF_S,
) -> int:
    """Bridge until the client closes its end. Answers the exit code: 0 done, 1 refused, 3 no gateway.

    `back_off_s` is the first pause before a lost stream of change notices is opened again.
    """
    link = Link(socket)
    try:
        try:
            run = await link.open_run(agent, task)
        except UnavailableError as error:
            stderr(f"ringfence: {error}\n  start it with `ringfence up`, or name its socket\n")
            await _answer_first(stdin, stdout, str(error))
            return UNAVAILABLE
        if isinstance(run, Refusal):
            stderr(f"ringfence: {run}\n")
            await _answer_first(stdin, stdout, str(run))
            return REFUSED
        return await _Bridge(link, run, server, stdout, stderr, renew_at, drain_s, back_off_s).carry(stdin)
    finally:
        await link.close()


class _Bridge:
    def __init__(
        self,
        link: Link,
        run: OpenRun,
        server: str | None,
        stdout: Sink,
        stderr: Callable[[str], object],
        renew_at: float,
        drain_s: float,
        back_off_s: float,
    ) -> None:
        self._link = link
        self._run = run
        self._path = "/mcp" if server is None else f"/mcp/{server}"
        self._stdout = stdout
        self._stderr = stderr
        self._renew_at = renew_at
        self._drain_s = drain_s
        self._back_off_s = back_off_s
        self._session: dict[str, str] = {}
        self._flights: dict[Id, _Flight] = {}
        self._param_headers: dict[str, dict[tuple[str, ...], str]] = {}
        self._writing = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._changing: tuple[str, ...] = ()
        """The lists whose changes a legacy client was told to expect."""

    async def carry(self, stdin: Source) -> int:
        """Read lines until the end, then end the run."""
        renewing = asyncio.create_task(self._renew())
        try:
            await self._read(stdin)
        except OSError:
            pass  # the client is gone, and with it whoever wanted the answers
        finally:
            renewing.cancel()
            self._stop_listening()
        flights = [flight.task for flight in self._flights.values()]
        if flights:
            _, late = await asyncio.wait(flights, timeout=self._drain_s)
            for flight in late:
                flight.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            await self._link.close_run(self._run)
        except UnavailableError as error:
            self._stderr(f"ringfence: the run ends by its own expiry: {error}\n")
            return UNAVAILABLE
        return DONE

    async def _read(self, stdin: Source) -> None:
        lines = LineSplitter(LINE_LIMIT)
        while chunk := await stdin.read(1 << 16):
            try:
                whole = lines.feed(chunk)
            except RequestError as error:
                await self._write(jsonrpc.error(None, INVALID_REQUEST, str(error)))
                return
            for line in whole:
                if line.strip():
                    await self._line(line)

    async def _line(self, line: bytes) -> None:
        try:
            message = classify(parse_strict(line))
        except RequestError:
            await self._forward(line, None, {**self._session})  # the gateway refuses it, and keeps a record
            return
        match message:
            case Result() | ErrorAnswer():
                await self._tell(line, self._session)  # the gateway knows whether it has asked
            case Notification():
                await self._notification(line, message)
            case Request(id=identity) if message.method == "initialize":
                self._session.clear()
                self._stop_listening()
                await self._request(line, message)
            case Request(id=identity):
                if len(self._flights) >= _AT_ONCE or identity in self._flights:
                    text = "too many requests at once, or this id is in use"
                    await self._write(jsonrpc.error(identity, INTERNAL_ERROR, text))
                    return
                flight = _Flight(asyncio.create_task(self._request(line, message)), _modern_version(message) is not None)
                self._flights[identity] = flight
                flight.task.add_done_callback(lambda _: self._flights.pop(identity, None))

    async def _notification(self, line: bytes, message: Notification) -> None:
        if message.method == "notifications/cancelled":
            flight = self._flights.get(message.params.get("requestId", ""))
            if flight is not None:
                flight.cancelled = True
                if flight.modern:
                    flight.task.cancel()  # closing the response is how the modern era cancels over HTTP
                    return
        await self._tell(line, {**self._session, **self._modern_headers(message)})
        if message.method == "notifications/initialized" and self._session and self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    async def _tell(self, line: bytes, headers: Mapping[str, str]) -> None:
        with suppress(UnavailableError):
            await self._forward(line, None, headers, quiet=True)

    async def _listen(self) -> None:
        """Hear what the gateway says by itself on the stream of a legacy session, for as long as it gives one."""
        session = dict(self._session)

        async def listen(on_open: Callable[[], Awaitable[None]]) -> bool:
            return await self._link.listen(self._path, self._run.credential, session, self._hear, on_open)

        await keep_listening(listen, self._catch_up, BackOff(self._back_off_s))

    async def _catch_up(self) -> None:
        for name in self._changing:
            await self._write(_one_line(list_changed(name, {})))

    async def _hear(self, raw: bytes) -> None:
        await self._write(_one_line(json.loads(raw)))

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    async def _request(self, line: bytes, message: Request) -> None:
        modern = self._modern_headers(message)
        subscription = Subscription(BackOff(self._back_off_s)) if modern and message.method == "subscriptions/listen" else None
        try:
            while True:
                try:
                    await self._forward(line, message, modern or {**self._session}, subscription=subscription)
                    return
                except UnavailableError:
                    if subscription is None or not await subscription.again():
                        raise
        except UnavailableError as error:
            self._stderr(f"ringfence: {error}\n")
            await self._write(jsonrpc.error(message.id, INTERNAL_ERROR, f"the ringfence gateway is not reachable: {error}"))

    async def _forward(
        self,
        line: bytes,
        request: Request | None,
        headers: Mapping[str, str],
        *,
        quiet: bool = False,
        subscription: Subscription | None = None,
    ) -> None:
        answered = request is None
        answers = self._link.post(self._path, self._run.credential, headers, line)
        try:
            async for raw, session in answers:
                message = json.loads(raw)
                if request is not None and "method" not in message:
                    answered = True
                    message["id"] = request.id  # null where the gateway refused before it had read the id
                    self._learn(request, message, session)
                    flight = self._flights.get(request.id)
                    if flight is not None and flight.cancelled:
                        continue
                if not quiet:
                    for shown in [message] if subscription is None else subscription.shown(message):
                        await self._write(_one_line(shown))
        except ValueError as error:
            raise UnavailableError("the gateway's answer is not JSON") from error
        finally:
            await answers.aclose()
        if not answered:
            raise UnavailableError("the answer was cut off, the outcome is unknown")

    def _learn(self, request: Request, answer: dict[str, Any], session: str | None) -> None:
        result = answer.get("result")
        if not isinstance(result, dict):
            return
        body = cast("dict[str, Any]", result)
        if request.method == "initialize" and session is not None:
            self._changing = lists_that_change(body.get("capabilities") or {})
            self._session = {SESSION_HEADER: session, MCP_PROTOCOL_VERSION_HEADER: str(body.get("protocolVersion", ""))}
        if request.method == "tools/list" and isinstance(body.get("tools"), list):
            self._param_headers = {
                tool["name"]: found
                for tool in body["tools"]
                if is_tool_name(tool.get("name")) and (found := header_map(tool.get("inputSchema")))
            }

    def _modern_headers(self, message: Request | Notification) -> dict[str, str]:
        """What a modern request says once more in its headers; empty for a legacy one."""
        version = _modern_version(message)
        if version is None:
            return {}
        headers = {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: encode_header_value(message.method)}
        named = message.params.get(NAME_BEARING_METHODS.get(message.method, ""))
        if isinstance(named, str):
            headers[MCP_NAME_HEADER] = encode_header_value(named)
            arguments = message.params.get("arguments")
            if message.method == "tools/call" and named in self._param_headers and isinstance(arguments, dict):
                headers |= param_headers(self._param_headers[named], cast("dict[str, Any]", arguments))
        return headers

    async def _renew(self) -> None:
        while (left := self._run.expires_in_s) is not None:
            await asyncio.sleep(left * self._renew_at)
            try:
                renewed = await self._link.renew(self._run)
            except UnavailableError:
                await asyncio.sleep(min(_RETRY_S, left * self._renew_at))
                continue
            if isinstance(renewed, Refusal):
                self._stderr(f"ringfence: the run has ended: {renewed}\n  restart the client to open a new one\n")
                return
            self._run = renewed

    async def _write(self, message: bytes) -> None:
        async with self._writing:
            await self._stdout.write(message + b"\n")


def _modern_version(message: Request | Notification) -> str | None:
    meta = message.params.get("_meta")
    version = cast("dict[str, Any]", meta).get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
    return encode_header_value(version) if isinstance(version, str) else None


def _one_line(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


async def _answer_first(stdin: Source, stdout: Sink, why: str) -> None:
    """Tell the client on its own channel, so that its log says more than `server exited`."""
    lines = LineSplitter(LINE_LIMIT)
    with suppress(TimeoutError, RequestError, OSError):
        async with asyncio.timeout(_FIRST_LINE_S):
            while chunk := await stdin.read(1 << 16):
                for line in lines.feed(chunk):
                    message = classify(parse_strict(line))
                    if isinstance(message, Request):
                        await stdout.write(jsonrpc.error(message.id, INTERNAL_ERROR, f"ringfence: {why}") + b"\n")
                        return
