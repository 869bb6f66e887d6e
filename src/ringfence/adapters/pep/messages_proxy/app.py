"""The messages proxy as an ASGI application: models behind the gateway, at `/anthropic`. Read `_serve` first.

Clients are given its address as base URL and their run's credential as API key. The body goes on as it came, byte for byte, but
for masks in the place of secrets; the real key is put in on the other side and no client ever holds it. What is asked is
decided by the same engine as every tool call; what cannot be read, priced or recorded is not sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from ringfence.adapters.pep.messages_proxy.headers import credential_in, outward, said, trace
from ringfence.adapters.pep.messages_proxy.render import (
    NOT_FOUND,
    TOO_LATE,
    TOO_MANY,
    UNAVAILABLE,
    UNKNOWN,
    Rendered,
    rendered,
    unreadable,
)
from ringfence.adapters.pep.messages_proxy.routes import Route, route_of
from ringfence.adapters.pep.messages_proxy.settings import ProxyLimits
from ringfence.adapters.pep.messages_proxy.streaming import CONNECTION_KEY, ModelClient
from ringfence.adapters.served.asgi import Receive, Scope, Send
from ringfence.adapters.served.body import Unread, read_body
from ringfence.adapters.served.budget import Budget
from ringfence.adapters.served.headers import not_json, read_headers
from ringfence.core.metering.request import Unreadable
from ringfence.core.own_tools.modelling import Act
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.enforce import Enforcer
from ringfence.engine.identity.identify import Presented, Principal, Unidentified, first_known
from ringfence.engine.models.asking import Asking
from ringfence.engine.models.calls import ModelCalls
from ringfence.engine.models.observing import Observing
from ringfence.engine.models.reading import Read
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.model_upstream import ModelPost
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

_LARGE: Final = 1 << 20
Who = Callable[[Mapping[str, Any], str], Sequence[Presented]]
"""What is presented: by a connection (its scope), with a credential that its client showed, or none. The first that is known
counts: in a box every client sends something as its key, and mostly it means nothing."""


class MessagesProxy:
    """The enforcement point of models."""

    def __init__(
        self,
        *,
        models: ModelCalls,
        observing: Observing,
        enforcer: Enforcer,
        catalogue: Catalogue,
        store: Store,
        clock: Clock,
        who: Who,
        allowed_hosts: Collection[str],
        limits: ProxyLimits | None = None,
    ) -> None:
        """`allowed_hosts` are the values of `Host` that are served, with their port."""
        self._models = models
        self._observing = observing
        self._enforcer = enforcer
        self._catalogue = catalogue
        self._store = store
        self._clock = clock
        self._who = who
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._limits = limits or ProxyLimits()
        self._room = Budget[str](free=0, per_key=self._limits.bodies_bytes_per_run, total=self._limits.bodies_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3. Nothing that happens in here lets a request through that was not decided."""
        if scope["type"] != "http":
            return
        extensions: Mapping[str, Any] = scope.get("extensions") or {}
        client = ModelClient(receive, send, extensions.get(CONNECTION_KEY), self._limits.break_off_s)
        try:
            last = await self._serve(scope, receive, client)
        except UnavailableError as error:
            logger.warning("denied, because something cannot be read fresh: %s", error)
            last = UNAVAILABLE
        except Exception:
            logger.exception("denied, because of a fault in the gateway")
            last = UNAVAILABLE
        finally:
            await client.close()
        if last is not None:
            await _answer(client, last)

    async def _serve(self, scope: Scope, receive: Receive, client: ModelClient) -> Rendered | None:
        headers = read_headers(scope["headers"])
        if headers is None:
            return unreadable(400, "a header stands twice that may stand once")
        if headers.get("host", "").lower() not in self._hosts or "origin" in headers:
            return Rendered(403, "permission_error", "this host or origin is not served")
        route = route_of(scope["method"], scope["path"], scope.get("query_string", b""))
        if route is None or self._catalogue.rules.models is None:
            return NOT_FOUND
        credential = credential_in(headers)
        known = await self._known(self._who(scope, credential)) if credential is not None else None
        if known is None:
            return UNKNOWN
        presented, principal = known
        with closing(self._room.share(principal.run)) as share:
            body = b""
            if route.has_body:
                if why := not_json(headers, "the body"):
                    return await self._unreadable(presented, Unreadable(why))
                found = await read_body(receive, share, most=self._limits.body_bytes, seconds=self._limits.body_s)
                if isinstance(found, Unread):
                    return self._unread(found)
                body = found
            if route.act not in (Act.MESSAGES, Act.COUNT):
                return await self._ask(presented, principal, route, headers, body, scope["method"], client)
            read = await self._observing.read(principal, route.act, body)
            if isinstance(read, Unreadable):
                return await self._unreadable(presented, read)
            return await self._ask(presented, principal, route, headers, read, scope["method"], client)

    def _unread(self, why: Unread) -> Rendered | None:
        match why:
            case Unread.LEFT:
                return None
            case Unread.TOO_LARGE:
                return unreadable(413, f"the body is larger than {self._limits.body_bytes} bytes")
            case Unread.NO_ROOM:
                return TOO_MANY
            case Unread.LATE:
                return TOO_LATE

    async def _known(self, shown: Sequence[Presented]) -> tuple[Presented, Principal] | None:
        found = await first_known(self._store, self._clock, shown)
        if not isinstance(found, Unidentified):
            return found
        logger.warning("refused: %s", found.reason.detail)
        return None

    async def _ask(
        self,
        presented: Presented,
        principal: Principal,
        route: Route,
        headers: Mapping[str, str],
        given: Read | bytes,
        method: str,
        client: ModelClient,
    ) -> Rendered | None:
        """`given`: a body as it came where nothing is read of it."""
        read = None if isinstance(given, bytes) else given
        body = given if isinstance(given, bytes) else given.body
        digest = await _digest(body)
        about = said(headers)
        if read is not None and read.request.user:
            about["user"] = read.request.user
        post = ModelPost(method=method, target=route.target, headers=outward(headers), body=body)
        asking = Asking(
            act=route.act,
            request=read.request if read is not None else None,
            digest=digest,
            said=about,
            secrets=read.secrets if read is not None else None,
            meta=trace(headers),
        )
        if read is not None:
            await self._observing.note(principal, read.request, digest)
        came = await self._models.ask(presented, post, asking, client)
        if read is not None:
            self._observing.decided(principal, read, came.outcome.entry or "")
        if came.has_begun:
            with self._models.giving(came, client.drop):
                await client.end(came.answer.body if came.answer is not None else b"")
                await client.taken(self._limits.taken_s)
            return None
        if came.answer is None:
            return rendered(came.outcome, came.cut, principal.agent, principal.run, self._clock.now())
        if came.answer.status in (401, 407) or 300 <= came.answer.status < 400:
            logger.error("a model's API answered %d: look at its URL and credential", came.answer.status)
            return Rendered(502, "api_error", "the gateway is not let in by the model's API", {"x-should-retry": "false"})
        with self._models.giving(came, client.drop):
            await client.whole(came.answer.status, came.answer.headers, came.answer.body)
            await client.taken(self._limits.taken_s)
        return None

    async def _unreadable(self, presented: Presented, found: Unreadable) -> Rendered:
        refused = await self._enforcer.refuse_malformed(presented, found.why)
        return unreadable(found.status, found.why, refused.entry)


async def _digest(body: bytes) -> str:
    """SHA-256, empty of nothing. Of what is large beside the loop, which would stand still for milliseconds."""
    if len(body) < _LARGE:
        return hashlib.sha256(body).hexdigest() if body else ""
    return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()


async def _answer(client: ModelClient, last: Rendered) -> None:
    if client.has_begun:
        await client.break_off(b"", at_once=True)
        return
    headers = {"content-type": "application/json", "request-id": last.entry, **last.headers}
    await client.whole(last.status, {name: value for name, value in headers.items() if value}, last.body)
