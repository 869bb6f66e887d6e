"""Change notices: a server's word that something changed becomes a fresh listing, and that becomes news for whom it concerns.

One connection to each configured server listens, since its pins are compared as soon as it speaks up. A notice is never passed
on: the server is asked again, at most once a second, and only those agents are told whose own view differs now. Where the fresh
listing is the old one, the change has come and gone between two looks; then everybody is told who sees the server's list at
all, since their copy may be of that moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ringfence.core.model.identifiers import OWN_SERVER, AgentId, Digest, RunId, ServerId
from ringfence.core.model.run import Run
from ringfence.core.strict_json.canonical import digest_of
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.visible import may_read, visible_prompts, visible_resources, visible_templates
from ringfence.engine.waiting.waiting import settled
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.upstream import Notice, NoticeKind, Upstream

logger = logging.getLogger(__name__)

REFRESH_GAP_S = 1.0
"""Between two listings that notices of one server cause."""
FIRST_BACK_OFF_S = 1.0
LONGEST_BACK_OFF_S = 60.0
LISTS = (NoticeKind.TOOLS, NoticeKind.PROMPTS, NoticeKind.RESOURCES)


@dataclass(frozen=True, slots=True)
class News:
    """Something that one listener may know of has changed."""

    kind: NoticeKind
    server: ServerId
    uri: str = ""
    """Of an updated resource, as its server names it."""


@dataclass(slots=True, eq=False)
class Listener:
    """One open stream of an agent: what it is about, and whom to tell."""

    agent: AgentId
    servers: frozenset[ServerId]
    tell: Callable[[News], None]
    """Called in the loop; keeps its own bounds and never raises."""
    uris: frozenset[tuple[ServerId, str]] = frozenset()
    """Resources whose updates are wanted."""
    known: dict[tuple[ServerId, NoticeKind], Digest] = field(default_factory=dict[tuple[ServerId, NoticeKind], Digest])
    """What the agent saw of each list when it was last told."""
    run: RunId = RunId("")
    """Set where the stream is about all that the run sees, what is the gateway's own included."""


@dataclass(slots=True, eq=False)
class _Line:
    """The listening connection to one server."""

    upstream: Upstream
    uris: frozenset[str]
    settled: asyncio.Event
    """Set when the server has taken note, or will not for now."""
    task: asyncio.Task[None]


class Notices:
    """The hub between servers that announce and agents that listen."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._lines: dict[ServerId, _Line] = {}
        self._due: dict[ServerId, set[NoticeKind]] = {}
        self._refreshed_at: dict[ServerId, float] = {}
        self._refreshing: dict[ServerId, asyncio.Task[None]] = {}
        self._to_all = False
        catalogue.watchers.append(self._look_again)

    async def run(self) -> None:
        """Listen to every configured server, whoever else listens, until cancelled."""
        self._to_all = True
        try:
            self._tune(frozenset(self._catalogue.upstreams))
            await asyncio.Event().wait()
        finally:
            self._to_all = False
            await self.close()

    def add(self, listener: Listener) -> None:
        """Begin to tell a listener. What it sees at this moment is what it is taken to know."""
        for server in listener.servers:
            for kind in LISTS:
                listener.known[server, kind] = self._seen(listener.agent, server, kind)
        self._listeners.add(listener)
        self._tune(listener.servers)

    async def listening(self, listener: Listener, seconds: float) -> None:
        """Return when every server has taken note that somebody listens; those that are slow, or gone, are not waited for."""
        waiting = [line.settled for server, line in self._lines.items() if server in listener.servers]
        late = [event.wait() for event in waiting if not event.is_set()]
        if late:
            await settled(late, self._clock, seconds)

    def change(self, listener: Listener, uris: frozenset[tuple[ServerId, str]]) -> None:
        """Other resources are wanted from now on."""
        listener.uris = uris
        self._tune(listener.servers)

    def remove(self, listener: Listener) -> None:
        """No longer; a second time does nothing."""
        self._listeners.discard(listener)
        self._tune(listener.servers)

    def opened(self, run: Run) -> None:
        """A child was opened: where it owes a result, its parent sees a tool that it may not have seen before."""
        if not run.result_schema:
            return
        for listener in tuple(self._listeners):
            if listener.run in run.ancestors[:1]:
                listener.tell(News(NoticeKind.TOOLS, OWN_SERVER))

    async def close(self) -> None:
        """Stop listening to every server."""
        self._listeners.clear()
        tasks = [*(line.task for line in self._lines.values()), *self._refreshing.values()]
        self._lines.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # listening -------------------------------------------------------------------------------------------------------

    def _tune(self, servers: frozenset[ServerId]) -> None:
        """Have exactly one line to each server that somebody listens to, for exactly the resources that are wanted."""
        for server in servers:
            upstream = self._catalogue.upstreams.get(server)
            wanted = self._to_all or any(server in listener.servers for listener in self._listeners)
            uris = frozenset(u for listener in self._listeners for s, u in listener.uris if s == server)
            line = self._lines.get(server)
            again = line is not None
            if line is not None and (upstream is not line.upstream or not wanted or uris != line.uris):
                line.task.cancel()
                del self._lines[server]
                line = None
            if line is None and wanted and upstream is not None:
                noted = asyncio.Event()
                task = asyncio.create_task(self._listen(server, upstream, uris, noted, again=again))
                self._lines[server] = _Line(upstream, uris, noted, task)

    async def _listen(
        self, server: ServerId, upstream: Upstream, uris: frozenset[str], noted: asyncio.Event, *, again: bool
    ) -> None:
        """`again`: others listened to this server a moment ago, and may have missed something since."""
        back_off = FIRST_BACK_OFF_S

        def on_listening() -> None:
            nonlocal again
            noted.set()
            if again:
                self._look(server)
            again = True

        def on_notice(notice: Notice) -> None:
            nonlocal back_off
            back_off = FIRST_BACK_OFF_S
            self._heard(server, notice)

        while True:
            try:
                await upstream.listen(uris, on_notice, on_listening)
                return  # it offers none
            except UnavailableError as error:
                logger.info("server %s is not listened to: %s; again in %g s", server, error, back_off)
            finally:
                noted.set()
            again = True
            await self._clock.sleep(back_off)
            back_off = min(2 * back_off, LONGEST_BACK_OFF_S)

    def _heard(self, server: ServerId, notice: Notice) -> None:
        if notice.kind is NoticeKind.UPDATED:
            self._updated(server, notice.uri)
        else:
            self._look(server, notice.kind)

    def _look(self, server: ServerId, *announced: NoticeKind) -> None:
        """Have the server list itself anew, soon."""
        self._due.setdefault(server, set()).update(announced)
        if server not in self._refreshing:
            self._refreshing[server] = asyncio.create_task(self._refresh(server))

    def _updated(self, server: ServerId, uri: str) -> None:
        for listener in tuple(self._listeners):
            if any(where == server and _is_within(uri, whole) for where, whole in listener.uris):
                view = self._catalogue.view(listener.agent)
                if view is not None and may_read(view, server, uri) and self._catalogue.may_hear_of(server, uri):
                    listener.tell(News(NoticeKind.UPDATED, server, uri))

    async def _refresh(self, server: ServerId) -> None:
        try:
            while server in self._due:
                gap = self._clock.monotonic() - self._refreshed_at.get(server, float("-inf"))
                if gap < REFRESH_GAP_S:
                    await self._clock.sleep(REFRESH_GAP_S - gap)
                kinds = self._due.pop(server, set())
                self._refreshed_at[server] = self._clock.monotonic()
                before = {kind: self._whole(server, kind) for kind in kinds}
                await self._catalogue.refresh(server)
                came_and_went = {kind for kind in kinds if self._whole(server, kind) == before[kind]}
                self._tell(frozenset({server}), {server: came_and_went})
        finally:
            del self._refreshing[server]

    def _look_again(self, server: ServerId | None) -> None:
        """A server has listed itself anew, or the rules were replaced: tell whoever sees something else now."""
        if server is None:
            self._tune(frozenset(self._lines) | frozenset(self._catalogue.upstreams))
        self._tell(frozenset(self._catalogue.upstreams) if server is None else frozenset({server}), {})

    # telling ---------------------------------------------------------------------------------------------------------

    def _tell(self, servers: frozenset[ServerId], announced: Mapping[ServerId, set[NoticeKind]]) -> None:
        seen: dict[tuple[AgentId, ServerId, NoticeKind], Digest] = {}
        for listener in tuple(self._listeners):
            for server in listener.servers & servers:
                for kind in LISTS:
                    key = (listener.agent, server, kind)
                    if key not in seen:
                        seen[key] = self._seen(*key)
                    if seen[key] != listener.known.get((server, kind)):
                        listener.known[server, kind] = seen[key]
                        listener.tell(News(kind, server))
                    elif kind in announced.get(server, ()) and seen[key] != _NOTHING:
                        listener.tell(News(kind, server))

    def _seen(self, agent: AgentId, server: ServerId, kind: NoticeKind) -> Digest:
        """What an agent sees of one list of a server."""
        view, described = self._catalogue.view(agent), self._catalogue.described(server)
        if view is None or described is None:
            return _NOTHING
        match kind:
            case NoticeKind.TOOLS:
                return _digest({name: dict(tool.definition) for name, tool in view.exposed(server).items()})
            case NoticeKind.PROMPTS:
                return _digest([dict(item) for item in visible_prompts(view, server, described)])
            case _:
                items = (*visible_resources(view, server, described), *visible_templates(view, server, described))
                return _digest([dict(item) for item in items])

    def _whole(self, server: ServerId, kind: NoticeKind) -> Digest:
        """One list of a server as it is, whoever may see it."""
        described = self._catalogue.described(server)
        if described is None:
            return _NOTHING
        lists = {
            NoticeKind.TOOLS: described.tools,
            NoticeKind.PROMPTS: described.prompts,
            NoticeKind.RESOURCES: (*described.resources, *described.templates),
        }
        return _digest([dict(item) for item in lists[kind]])


_NOTHING = Digest("")


def _is_within(uri: str, whole: str) -> bool:
    """A server may name a part of what was subscribed to (MCP, server/resources)."""
    return uri == whole or uri.startswith(f"{whole.rstrip('/')}/")


def _digest(value: object) -> Digest:
    """The digest of a list; of an empty one, and of one that cannot be written down, that of nothing."""
    try:
        return digest_of(value) if value else _NOTHING
    except RequestError:
        return _NOTHING
