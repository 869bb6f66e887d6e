"""The hook endpoint as an ASGI application: what a coding agent's client asks before and after it uses its own tools.

Read `_serve` first. One event is one POST, at `/hook` or `/hook/CLIENT`, with the run's credential as bearer token. It is
answered with status 200 whatever it says: clients take every other status for a hook that has failed, and some go on then. So
whatever happens in here, the answer is an object that refuses, in the form that this client and this event know.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final

from ringfence.adapters.pep.hook.dialects.claude_code import ClaudeCode
from ringfence.adapters.pep.hook.dialects.codex import Codex
from ringfence.adapters.pep.hook.dialects.dialect import Dialect, Malformed
from ringfence.adapters.pep.hook.parse import parsed
from ringfence.adapters.pep.hook.settings import HookLimits
from ringfence.adapters.served.asgi import Receive, Scope, Send
from ringfence.adapters.served.body import Unread, read_body
from ringfence.adapters.served.budget import Budget
from ringfence.adapters.served.headers import bearer_in, not_json, possible, read_headers
from ringfence.core.model.local_rules import Client
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.enforce import Enforcer
from ringfence.engine.identity.identify import Presented, Unidentified, first_known
from ringfence.engine.local.asked import Answer, Event, Say
from ringfence.engine.local.hooks import Hooks
from ringfence.engine.local.outcomes import UNAVAILABLE, stranger
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

PATH: Final = "/hook"
DIALECTS: Final[Mapping[Client, Dialect]] = {Client.CLAUDE_CODE: ClaudeCode(), Client.CODEX: Codex()}
MOST_OF_STRANGERS: Final = 256 << 10
"""Bytes of an event of somebody who is not known that are read, so as to refuse it in its own form; beyond them, in any."""
_UNSERVED: Final = Answer(say=Say.REFUSE, why="ringfence: refused: this host or origin is not served")

logger = logging.getLogger(__name__)

Who = Callable[[Mapping[str, Any], str], Sequence[Presented]]
"""What is presented: by a connection (its scope), with a credential that its client showed, or none. The first that is known
counts."""


def is_hook(path: str) -> bool:
    """Whether a path is the hook endpoint's."""
    return path == PATH or path.startswith(f"{PATH}/")


@dataclass(slots=True)
class _Heard:
    """As much as is known of one event: what a refusal is written by."""

    dialect: Dialect
    event: Event | None = None


class HookEndpoint:
    """The enforcement point of coding agents."""

    def __init__(
        self,
        *,
        hooks: Hooks,
        enforcer: Enforcer,
        catalogue: Catalogue,
        store: Store,
        clock: Clock,
        who: Who,
        allowed_hosts: Collection[str],
        limits: HookLimits | None = None,
    ) -> None:
        """`allowed_hosts` are the values of `Host` that are served, with their port."""
        self._hooks = hooks
        self._enforcer = enforcer
        self._catalogue = catalogue
        self._store = store
        self._clock = clock
        self._who = who
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._limits = limits or HookLimits()
        self._room = Budget[str](free=0, per_key=self._limits.bodies_bytes_per_run, total=self._limits.bodies_bytes)
        self._deciding: set[asyncio.Task[Answer]] = set()

    async def close(self) -> None:
        """The gateway is stopping: whoever waits for a person is answered now."""
        for task in self._deciding:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3. Nothing that happens in here lets anything through that was not decided."""
        if scope["type"] != "http":
            return
        named = _client_in(scope["path"])
        heard = _Heard(DIALECTS[named or Client.CLAUDE_CODE])
        try:
            answer = await self._serve(scope, receive, heard, named)
        except UnavailableError as error:
            logger.warning("refused, because something cannot be read fresh: %s", error)
            answer = UNAVAILABLE
        except Exception:
            logger.exception("refused, because of a fault in the gateway")
            answer = UNAVAILABLE
        if answer is None:
            return
        # INVARIANT: no await from here to the first byte.
        try:
            instead = answer.lastly() if answer.lastly is not None else None
            body = _written(heard.dialect.answer(heard.event, instead or answer))
        except Exception:
            logger.exception("refused, because its answer could not be written")
            body = _written(heard.dialect.answer(None, UNAVAILABLE))
        await _answer(send, body)

    async def _serve(self, scope: Scope, receive: Receive, heard: _Heard, named: Client | None) -> Answer | None:
        """None: the client has left."""
        headers = read_headers(scope["headers"])
        if headers is None:
            return _unreadable("a header stands twice that may stand once")
        if scope["method"] != "POST" or (named is None and scope["path"] != PATH):
            return _unreadable("there is no such hook")
        known = await first_known(self._store, self._clock, self._who(scope, possible(bearer_in(headers))))
        if isinstance(known, Unidentified):
            logger.warning("a hook was refused: %s", known.reason.detail)
        else:
            rule = self._catalogue.rules.agents.get(known[1].agent)
            if named is None and rule is not None and rule.local is not None:
                heard.dialect = DIALECTS[rule.local.client]
        is_stranger = isinstance(known, Unidentified)
        with closing(self._room.share("" if is_stranger else known[1].run)) as share:
            body = await read_body(receive, share, most=self._limits.body_bytes, seconds=self._limits.body_s)
            # Read before anything is refused: how to refuse depends on the event.
            read = self._read(headers, body, heard, MOST_OF_STRANGERS if is_stranger else self._limits.body_bytes)
            if headers.get("host", "").lower() not in self._hosts or "origin" in headers:
                return _UNSERVED
            if isinstance(known, Unidentified):
                return stranger(known)
            if isinstance(read, Malformed):
                await self._enforcer.refuse_malformed(known[0], read.why)
                return _unreadable(read.why)
            return await self._while_there(receive, self._hooks.heard(known[0], read))

    def _read(self, headers: Mapping[str, str], body: bytes | Unread, heard: _Heard, most: int) -> Event | Malformed:
        if isinstance(body, Unread):
            return Malformed(self._unread(body))
        if len(body) > most:
            return Malformed(f"the event is larger than {most} bytes")
        if why := not_json(headers, "the event"):
            return Malformed(why)
        try:
            event = heard.dialect.event(parsed(body))
        except RequestError as error:
            return Malformed(str(error)[:300])
        heard.event = event if isinstance(event, Event) else event.about
        return event

    def _unread(self, why: Unread) -> str:
        match why:
            case Unread.LEFT:
                return "the client has left"
            case Unread.TOO_LARGE:
                return f"the event is larger than {self._limits.body_bytes} bytes"
            case Unread.NO_ROOM:
                return "too many large events are under way"
            case Unread.LATE:
                return "the event was not complete in time"

    async def _while_there(self, receive: Receive, deciding: Coroutine[Any, Any, Answer]) -> Answer | None:
        """The answer, as long as somebody waits for it: what nobody would carry out is not let through."""
        task = asyncio.ensure_future(deciding)
        self._deciding.add(task)
        task.add_done_callback(self._deciding.discard)
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if task.cancelled():
                raise UnavailableError("the gateway is stopping")
            return task.result() if task.done() else None
        finally:
            for each in (task, leaving):
                if not each.done():
                    each.cancel()
                    with suppress(asyncio.CancelledError):
                        await each


def _client_in(path: str) -> Client | None:
    """Which client a path names; None: none that is known."""
    below = path.removeprefix(f"{PATH}/")
    return next((client for client in Client if client == below), None)


def _unreadable(why: str) -> Answer:
    return Answer(say=Say.REFUSE, why=f"ringfence: refused: {why}")


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _written(said: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(said), ensure_ascii=False, separators=(",", ":")).encode()


async def _answer(send: Send, body: bytes) -> None:
    """In one piece, so that a kept connection does not wait for an acknowledgement between two."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
