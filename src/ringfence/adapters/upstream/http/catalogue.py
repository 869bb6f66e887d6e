"""What is asked of an HTTP server outside any call: what it is, what it lists, what has changed."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.adapters.upstream.describing import Declared, described, discovered, items_of
from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http.aside import decline, listening_headers
from ringfence.adapters.upstream.http.back import BackChannel
from ringfence.adapters.upstream.http.channel import HttpChannel
from ringfence.adapters.upstream.http.probe import Eras
from ringfence.adapters.upstream.http.sessions import BASE_HEADERS, Session, Sessions, always
from ringfence.adapters.upstream.http.stream import Refused, follow
from ringfence.adapters.upstream.listing import TOOLS
from ringfence.adapters.upstream.notices import Notices, Topics, topics_of
from ringfence.adapters.upstream.options import CATALOGUE
from ringfence.adapters.upstream.room import MayKeep, Room
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Notification, Request, Result
from ringfence.adapters.wire.mcp import NO_CAPABILITIES, Era, modern_headers, modern_meta
from ringfence.adapters.wire.mcp_names import METHOD_NOT_FOUND
from ringfence.adapters.wire.param_headers import header_fault, header_map
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NOTHING_DECLARED, Described, Notice, NotSent, Unknown, keep_all

logger = logging.getLogger(__name__)

BUSY, BUSY_TRIES, BUSY_PAUSE_S = 409, 20, 0.1
"""A server that has not noticed yet that the last stream of this session has ended."""
NO_STREAM = (404, 405, 501)
Tools = tuple[Mapping[str, Any], ...]
ParamMaps = dict[str, dict[tuple[str, ...], str]]


class HttpCatalogue:
    """Every request goes out for the principal `CATALOGUE`, which declares no capability unless it is told to."""

    def __init__(self, channel: HttpChannel, sessions: Sessions, eras: Eras, back: BackChannel) -> None:
        self._channel = channel
        self._sessions = sessions
        self._eras = eras
        self._back = back
        self.param_maps: ParamMaps | None = None
        """By tool: which arguments a modern server wants as headers. None: not listed yet."""

    # --- what it is

    async def describe(self, declared: Mapping[str, Any]) -> Described:
        deadline = self._deadline()
        era = await self._eras.settle(CATALOGUE, NO_CAPABILITIES, deadline)
        asking = _Asking(self, era, deadline, declared)
        said = replace(await described(asking.ask, era, await self._declared(asking)), declared=dict(declared))
        if era is not Era.MODERN:
            return said
        # A call goes by the maps of every tool that was listed, whatever was declared then.
        before = self.param_maps if declared else None
        tools = self._usable(said.tools)
        self.param_maps = {**(self.param_maps or {}), **(before or {})}
        return replace(said, tools=tools)

    async def map_params(self, deadline: float) -> ParamMaps:
        """Have the tools of a modern server listed, for the headers of a call. Raises UnavailableError."""
        self._usable(await items_of(_Asking(self, Era.MODERN, deadline).ask, TOOLS))
        return self.param_maps or {}

    async def _declared(self, asking: "_Asking") -> Declared:
        return await discovered(asking.ask) if asking.era is Era.MODERN else (await asking.session()).declared

    def _usable(self, tools: Tools) -> Tools:
        usable: list[Mapping[str, Any]] = []
        maps: ParamMaps = {}
        for tool in tools:
            schema = tool["inputSchema"]
            if (fault := header_fault(schema)) is not None:
                # MCP 2026-07-28, transports: a client must leave such a tool out.
                logger.warning("tool left out: %s: %s", tool["name"], fault)
                continue
            usable.append(tool)
            if names := header_map(schema):
                maps[tool["name"]] = names
        self.param_maps = maps
        return tuple(usable)

    # --- what has changed

    async def listen(
        self, uris: frozenset[str], tell: Callable[[Notice], None], on_listening: Callable[[], None] | None = None
    ) -> None:
        deadline = self._deadline()
        era = await self._eras.settle(CATALOGUE, NO_CAPABILITIES, deadline)
        asking = _Asking(self, era, deadline)
        topics = topics_of((await self._declared(asking)).capabilities, uris)
        if not topics:
            return
        notices = Notices(topics, tell, on_listening)
        try:
            if era is Era.MODERN:
                await self._listen_modern(topics, notices)
            else:
                await self._listen_legacy(asking, topics, notices)
        finally:
            notices.close()

    async def _listen_modern(self, topics: Topics, notices: Notices) -> None:
        """Returns where the server has no such method after all."""
        identity = self._channel.next_id()
        params = canonical_bytes({"notifications": topics.as_filter(), "_meta": modern_meta()})
        body = GuardedBody(jsonrpc.request(identity, "subscriptions/listen", params), always)

        def hear(message: Request | Notification) -> None:
            if isinstance(message, Notification):
                notices.hear(message)
            else:
                self._back.oddities["request in the modern era"] += 1

        try:
            answer = await follow(
                self._channel,
                {**BASE_HEADERS, **modern_headers("subscriptions/listen")},
                hear,
                body=body,
                identity=identity,
            )
        except Refused as refused:
            if refused.answer is not None and refused.answer.code == METHOD_NOT_FOUND:
                return
            raise UnavailableError(f"the server refuses to tell what changes ({refused})") from refused
        if isinstance(answer, ErrorAnswer) and answer.code == METHOD_NOT_FOUND:
            return
        raise UnavailableError("the server ended its notices")

    async def _listen_legacy(self, asking: "_Asking", topics: Topics, notices: Notices) -> None:
        session = await asking.session()

        def hear(message: Request | Notification) -> None:
            if isinstance(message, Notification):
                notices.hear(message)
            else:
                decline(message, session, self._back)

        opened = asyncio.Event()
        stream = asyncio.create_task(self._stream(session, hear, opened.set))
        try:
            waiting = asyncio.create_task(opened.wait())
            await asyncio.wait((stream, waiting), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if opened.is_set():
                await self._subscribe(session, topics.uris)
                notices.listening()
            await stream
        finally:
            stream.cancel()
            await asyncio.wait((stream,))

    async def _stream(
        self, session: Session, hear: Callable[[Request | Notification], None], opened: Callable[[], None]
    ) -> None:
        """Returns where the server has no stream to listen to."""
        for _ in range(BUSY_TRIES):
            try:
                await follow(self._channel, listening_headers(session), hear, opened=opened)
            except Refused as refused:
                if refused.status == BUSY:
                    await asyncio.sleep(BUSY_PAUSE_S)
                    continue
                if refused.status in NO_STREAM and not (refused.status == 404 and session.id is not None):
                    return
                self._sessions.drop(CATALOGUE, session)
                raise UnavailableError(f"the server refuses its stream ({refused})") from refused
        raise UnavailableError("the server's stream is taken")

    async def _subscribe(self, session: Session, uris: frozenset[str]) -> None:
        """Make the session's subscriptions these ones."""
        asking = _Asking(self, Era.LEGACY, self._deadline())
        for method, changed in (
            ("resources/unsubscribe", session.subscribed - uris),
            ("resources/subscribe", uris - session.subscribed),
        ):
            for uri in sorted(changed):
                if isinstance(await asking.ask(method, {"uri": uri}), ErrorAnswer):
                    logger.info("the server refuses %s of %a", method, uri)
        session.subscribed = set(uris)

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._channel.options.list_s

    # --- asking

    @property
    def most_listed(self) -> int:
        return self._channel.options.max_listing

    async def ask(
        self,
        era: Era,
        method: str,
        params: dict[str, Any],
        deadline: float,
        declared: Mapping[str, Any] = NOTHING_DECLARED,
        may_keep: MayKeep = keep_all,
    ) -> Result | ErrorAnswer:
        """One request. A legacy session that is lost is opened anew, once. Raises UnavailableError."""
        for _ in range(2):
            session = None
            identity = self._channel.next_id()
            if era is Era.LEGACY:
                session = await self.session(deadline, declared)
                headers, sent = session.headers, params
            else:
                headers, sent = (
                    {**BASE_HEADERS, **modern_headers(method)},
                    {**params, "_meta": modern_meta(capabilities=declared)},
                )
            body = GuardedBody(jsonrpc.request(identity, method, canonical_bytes(sent)), always)
            received = await self._channel.post(headers, body, identity=identity, deadline=deadline, may_keep=may_keep)
            if isinstance(received, NotSent | Unknown):
                raise UnavailableError(f"the server does not answer {method}: {received.why}")
            if self._sessions.is_lost(CATALOGUE, session, received):
                continue
            if received.message is None or isinstance(received.message, ErrorAnswer):
                self._eras.doubt(received)
            if received.message is None:
                raise UnavailableError(f"the server refuses {method} (HTTP status {received.status})")
            return received.message
        raise UnavailableError(f"the server does not answer {method}: no session")

    async def session(self, deadline: float, declared: Mapping[str, Any]) -> Session:
        return await self._sessions.get(CATALOGUE, deadline, canonical_bytes(dict(declared)))


class _Asking:
    """Requests of one errand, within one deadline and one bound of memory."""

    def __init__(
        self, catalogue: HttpCatalogue, era: Era, deadline: float, declared: Mapping[str, Any] = NOTHING_DECLARED
    ) -> None:
        self._catalogue = catalogue
        self._deadline = deadline
        self._declared = declared
        self._room = Room(catalogue.most_listed)
        self.era = era

    async def ask(self, method: str, params: dict[str, Any]) -> Result | ErrorAnswer:
        return await self._catalogue.ask(self.era, method, params, self._deadline, self._declared, self._room.take)

    async def session(self) -> Session:
        return await self._catalogue.session(self._deadline, self._declared)
