"""An upstream server over stdio, of either era."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.adapters.upstream.answers import InputRequired, reply_of
from ringfence.adapters.upstream.backoff import Jitter, no_jitter
from ringfence.adapters.upstream.describing import Declared, described, discovered
from ringfence.adapters.upstream.hearing import Hearing
from ringfence.adapters.upstream.logs import LEVELS
from ringfence.adapters.upstream.notices import Notices, topics_of
from ringfence.adapters.upstream.options import CATALOGUE, StdioOptions
from ringfence.adapters.upstream.outgoing import Outgoing, outgoing
from ringfence.adapters.upstream.room import Room
from ringfence.adapters.upstream.rounds import in_rounds
from ringfence.adapters.upstream.stdio_link import CallBack, Link
from ringfence.adapters.upstream.stdio_processes import Processes
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import Era, modern_meta
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NOTHING_DECLARED, Described, Health, Notice, NotSent, Reply, Sending, Unknown

logger = logging.getLogger(__name__)


class StdioUpstream:
    """Implements `ringfence.ports.upstream.Upstream`.

    What holds for the guard: `may_send` is asked right before the one synchronous step that gives the whole line to the
    pipe (see `Link.send`); where it says no, no byte of it leaves.
    """

    def __init__(self, options: StdioOptions, jitter: Jitter = no_jitter) -> None:
        self._options = options
        self.oddities: Counter[str] = Counter()
        """What servers sent that they should not have, by kind."""
        self._processes = Processes(options, self.oddities, jitter)

    async def describe(self, declared: Mapping[str, Any] = NOTHING_DECLARED) -> Described:
        try:
            async with asyncio.timeout(self._options.list_s):
                link = await self._processes.link(CATALOGUE, canonical_bytes(dict(declared)))
                asking = _Asking(link, self._options.list_s, self._options.max_listing, declared)
                said = await described(asking.ask, link.era or Era.LEGACY, await asking.declared())
                return replace(said, declared=dict(declared))
        except TimeoutError as error:
            raise UnavailableError("the server does not say what it has: the deadline passed") from error

    async def listen(
        self,
        uris: frozenset[str],
        on_notice: Callable[[Notice], None],
        on_listening: Callable[[], None] | None = None,
    ) -> None:
        link = await self._processes.link(CATALOGUE)
        asking = _Asking(link, self._options.ask_s, self._options.max_listing)
        topics = topics_of((await asking.declared()).capabilities, uris)
        if not topics:
            return
        notices = Notices(topics, on_notice, on_listening)
        link.add_listener(notices)
        try:
            if link.era is Era.MODERN:
                params = {"notifications": topics.as_filter(), "_meta": modern_meta()}
                answer = await link.subscribe(canonical_bytes(params))
                if isinstance(answer, ErrorAnswer):
                    raise UnavailableError("the server refuses to tell what changes")
                why = answer.why if isinstance(answer, NotSent | Unknown) else "it ended them"
            else:
                await asking.subscribe(topics.uris)
                notices.listening()
                await link.end.wait()
                why = link.ended
            raise UnavailableError(f"the server's notices were lost: {why}")
        finally:
            link.remove_listener(notices)
            notices.close()

    # --- calling

    async def call(self, sending: Sending) -> Reply:
        if b"\n" in sending.arguments:
            return NotSent("the arguments are not canonical JSON: they hold a line break")
        request = outgoing(sending)
        if isinstance(request, NotSent):
            return request
        attempt = _Attempt(sending, request, self.oddities)
        deadline = asyncio.get_running_loop().time() + sending.deadline_s
        try:
            async with asyncio.timeout_at(deadline):
                link = attempt.link = await self._link(sending, request)
                if request.log_level is not None and link.era is Era.LEGACY:
                    await _set_level(link, request.log_level, self._options.ask_s)
                reply = await attempt.send()
                if isinstance(reply, InputRequired):
                    pause_s = self._options.round_pause_s
                    return await in_rounds(sending, reply, attempt.send, deadline=deadline, pause_s=pause_s)
                return reply
        except TimeoutError:
            if attempt.left:
                return Unknown("the deadline passed after the call was sent")
            return NotSent("the deadline passed before anything was sent")
        except UnavailableError as error:
            return NotSent(str(error))
        finally:
            if attempt.hearing.has_asked:
                await attempt.hearing.close()

    async def _link(self, sending: Sending, request: Outgoing) -> Link:
        """The process for a call. Raises UnavailableError.

        A server of both eras that may ask is spoken to in the older one for a legacy client, since only there can it ask
        while the call goes on. That takes another process, since one speaks one era. Logs are no reason for it: over stdio
        both eras have them, and a client that sets its log level in the middle of its work keeps its process.
        """
        self._processes.give(sending.principal, sending.env)
        if sending.legacy_client and sending.capabilities:
            older = await self._processes.older(sending.principal, request.capabilities)
            if older is not None:
                return older
        return await self._processes.link(sending.principal, request.capabilities)

    def health(self) -> Health:
        return self._processes.health()

    async def forget(self, principal: str) -> None:
        await self._processes.forget(principal)

    async def close(self) -> None:
        await self._processes.close()


class _Attempt:
    """One call."""

    __slots__ = ("_request", "_sending", "hearing", "left", "link")

    def __init__(self, sending: Sending, request: Outgoing, oddities: Counter[str]) -> None:
        self._sending = sending
        self._request = request
        self.hearing = Hearing(sending, oddities)
        self.link: Link | None = None
        self.left = False

    async def send(self, more: bytes = b"") -> Reply | InputRequired:
        link, request, hearing = self.link, self._request, self.hearing
        if link is None:
            return NotSent("the server process is not started")
        era = link.era or Era.LEGACY
        identity = link.next_id()
        hearing.begin(identity, CallBack(link, identity) if era is Era.LEGACY else None)
        line = request.line(era, identity, wants_progress=hearing.progress is not None, more=more)
        answer = await link.send(identity, line, self._may_send, hearing, self._sending.may_keep)
        return answer if isinstance(answer, NotSent | Unknown) else reply_of(answer, era, request.method)

    def _may_send(self) -> bool:
        may = self._sending.may_send()
        self.left = self.left or may
        return may


async def _set_level(link: Link, name: str, wait_s: float) -> None:
    """Once for each level that lets more through; what one call does not want is dropped by its hearing."""
    level = LEVELS.index(name)
    if "logging" in link.declared.capabilities and (link.log_level is None or level < link.log_level):
        link.log_level = level
        await link.ask("logging/setLevel", canonical_bytes({"level": name}), wait_s)


class _Asking:
    """Requests that are no calls."""

    def __init__(self, link: Link, wait_s: float, most: int, declared: Mapping[str, Any] = NOTHING_DECLARED) -> None:
        self._room = Room(most)
        self._link = link
        self._wait_s = wait_s
        self._declared = declared

    async def ask(self, method: str, params: dict[str, Any]) -> Result | ErrorAnswer:
        sent = {**params, "_meta": modern_meta(capabilities=self._declared)} if self._link.era is Era.MODERN else params
        answer = await self._link.ask(method, canonical_bytes(sent), self._wait_s, self._room.take)
        if isinstance(answer, NotSent | Unknown):
            raise UnavailableError(f"the server does not answer {method}: {answer.why}")
        return answer

    async def declared(self) -> Declared:
        return await discovered(self.ask) if self._link.era is Era.MODERN else self._link.declared

    async def subscribe(self, uris: frozenset[str]) -> None:
        """Make the process's subscriptions these ones."""
        subscribed = self._link.subscribed
        for method, changed in (("resources/unsubscribe", subscribed - uris), ("resources/subscribe", uris - subscribed)):
            for uri in sorted(changed):
                if isinstance(await self.ask(method, {"uri": uri}), ErrorAnswer):
                    logger.info("the server refuses %s of %a", method, uri)
        self._link.subscribed = set(uris)
