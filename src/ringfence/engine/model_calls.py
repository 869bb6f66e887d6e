"""Requests to models that are under way: each is one call, from its decision to an outcome that says what it used.

    given = await models.ask(presented, post, asking, client)

The messages proxy reads a request and hands it over; here it is sent through the enforcer like any call, with the most that it
can use. What the enforcer allows lives here as the `Upstream` of the gateway's own server `model`: the request goes out, its
answer is passed on piece by piece, and what it used is what its outcome is settled at. Stops are read before each piece with no
await in between; a kill ends the answer where it is, a pause only keeps the next one waiting.

The end of an answer is kept back until its outcome is recorded: whoever has read it finds what it did not use free again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Protocol

from ringfence.core.metering.body import read_json
from ringfence.core.metering.bound import Bound
from ringfence.core.metering.observed import ToolUse
from ringfence.core.metering.request import ModelRequest
from ringfence.core.metering.rules import ModelRules
from ringfence.core.metering.shrinking import with_max_tokens
from ringfence.core.metering.stream import Cut, CutKind, Forward, MessageStream
from ringfence.core.metering.tokens import Usage
from ringfence.core.metering.usage import UNKNOWN, Settled, read_answer, refused, settled
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.model.model_use import MODEL, NOTHING_USED, ModelUse
from ringfence.core.model.stop import Reach, StopMode
from ringfence.core.model_caps import Room
from ringfence.core.modelling import DEFINITION, LONGEST_S, MESSAGES, Act, Asked, asked, shortened, used_of
from ringfence.engine.catalogue import Catalogue
from ringfence.engine.identify import Presented, Principal, identify
from ringfence.engine.outcome import Outcome
from ringfence.engine.own_server import OwnServer
from ringfence.engine.reaching import reach_of
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.model_upstream import Lost, ModelAnswer, ModelPost, ModelUpstream
from ringfence.ports.model_upstream import Unsent as NothingLeft
from ringfence.ports.store import Store
from ringfence.ports.upstream import Answered, NotSent, Reply, Sending

READ_ON_S: Final = 30.0
"""How long an answer is read on for what it used, when its client has gone away."""
HOLD_S: Final = 20.0
"""How long a request waits for a pause to end."""
LOOK_S: Final = 0.25
TAIL_S: Final = 0.2
"""How long the connection may stay open after the end of an answer before it is given up."""
LARGEST_ANSWER: Final = 64 << 20
"""Bytes of an answer that is no stream."""
LARGEST_ERROR: Final = 1 << 20
LARGEST_TAIL: Final = 1 << 20
MOST_USES: Final = 32
"""Tool uses of one answer that its entry tells."""
OPENS: Final = 200
EVENTS: Final = "text/event-stream"

logger = logging.getLogger(__name__)


class Client(Protocol):
    """Whoever waits for an answer. Only a stream begins before its outcome is known."""

    @property
    def is_gone(self) -> bool: ...

    def watch(self, gone: Callable[[], None]) -> None:
        """Have something told when it goes away."""
        ...

    async def begin(self, status: int, headers: Mapping[str, str]) -> None: ...

    async def write(self, data: bytes) -> None:
        """Waits while it reads more slowly. To one that is gone, nothing is written."""
        ...

    async def break_off(self, last: bytes, *, at_once: bool) -> None:
        """End what was begun. `at_once`: what it has not taken yet, it does not get any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What was read of a request."""

    act: Act
    request: ModelRequest | None = None
    """None: it names no model."""
    digest: str
    """SHA-256 of its body; empty: it has none."""
    said: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the client says of itself: recorded, not believed."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer, or the end of one."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """What came of a request."""

    outcome: Outcome
    answer: Whole | None = None
    """To be given out now that it is recorded. None: there is none, or what was begun has been ended."""
    has_begun: bool = False
    """The client has the beginning: `answer` is the rest."""
    cut: CutKind | None = None
    """Why it was ended from our side."""


Begun = Callable[[CallId, Asked], None]
Smaller = Callable[[Room], Asked | None]


class Ask(Protocol):
    """The enforcer's way for a request. `begun` is told which call it is and how it is asked, before it is decided."""

    async def __call__(self, presented: Presented, given: Asked, smaller: Smaller, begun: Begun) -> Outcome: ...


@dataclass(slots=True, eq=False, kw_only=True)
class _Work:
    """One request from its reading to its end."""

    post: ModelPost
    asking: Asking
    asked: Asked
    rules: ModelRules
    client: Client
    run: RunId | None = None
    task: asyncio.Task[Reply] | None = None
    ending: tuple[CutKind, str] | None = None
    """Why it is ended from our side."""
    stream: MessageStream = field(default_factory=MessageStream)
    has_begun: bool = False
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    whole: bytes | None = None
    tail: bytearray = field(default_factory=bytearray)
    used: ModelUse | None = None

    def cut(self, kind: CutKind, message: str) -> None:
        if self.ending is None and self.task is not None and not self.task.done():
            self.ending = (kind, message)
            self.task.cancel()


class ModelCalls(OwnServer):
    """All requests to models of one gateway."""

    def __init__(
        self, *, store: Store, clock: Clock, catalogue: Catalogue, upstreams: Mapping[str, ModelUpstream] | None = None
    ) -> None:
        super().__init__(DEFINITION, "http")
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._upstreams = dict(upstreams or {})
        self._retired: list[ModelUpstream] = []
        self._ask: Ask | None = None
        self._asked: dict[CallId, _Work] = {}
        self._open: dict[CallId, tuple[_Work, ModelUpstream]] = {}
        self._used: dict[CallId, ModelUse] = {}
        self._reading_on: set[asyncio.Task[None]] = set()

    def use(self, ask: Ask) -> None:
        """The enforcer's way in, which in turn has this for its upstream."""
        self._ask = ask

    async def replace(self, upstreams: Mapping[str, ModelUpstream]) -> None:
        """Other upstreams from now on. One that is gone is closed when its last answer has ended."""
        kept = [*upstreams.values()]
        self._retired += [one for one in self._upstreams.values() if not any(one is each for each in kept)]
        self._upstreams = dict(upstreams)
        await self._close_retired()

    @property
    def under_way(self) -> int:
        return len(self._open)

    # --- what the proxy asks

    async def ask(self, presented: Presented, post: ModelPost, asking: Asking, client: Client) -> Given:
        """Decide, send, pass on, record. Raises UnavailableError where it cannot be decided."""
        assert self._ask is not None  # INVARIANT: `use` comes first
        rules = self._catalogue.rules.models
        assert rules is not None  # INVARIANT: without them the proxy serves nothing
        given = asked(rules, asking.act, asking.request, asking.digest, len(post.body), asking.said)
        work = _Work(post=post, asking=asking, asked=given, rules=rules, client=client)
        calls: list[CallId] = []

        def begun(call: CallId, final: Asked) -> None:
            if final is not given and asking.request is not None:
                most = int(final.arguments["max_tokens"])
                work.post = replace(post, body=with_max_tokens(post.body, most))
                work.asking = replace(asking, request=replace(asking.request, max_tokens=most))
            work.asked = final
            calls.append(call)
            self._asked[call] = work

        def smaller(room: Room) -> Asked | None:
            if asking.act is not Act.MESSAGES or asking.request is None:
                return None
            less = shortened(rules, asking.request, room)
            return None if less is None else asked(rules, asking.act, less, asking.digest, len(post.body), asking.said)

        client.watch(partial(self._gone, work))
        await self._wait_for_pause(presented, client)
        try:
            outcome = await self._ask(presented, given, smaller, begun)
        finally:
            for call in calls:
                self._asked.pop(call, None)
                self._used.pop(call, None)
        if work.ending is not None:
            return Given(outcome, None, work.has_begun, work.ending[0])
        if work.has_begun:
            return Given(outcome, Whole(work.status, {}, bytes(work.tail)), has_begun=True)
        if work.whole is not None:
            return Given(outcome, Whole(work.status, work.headers, work.whole))
        return Given(outcome)

    async def _wait_for_pause(self, presented: Presented, client: Client) -> None:
        """Hold a request while nothing but a pause is in its way, for a moment: most clients would only come back."""
        until = self._clock.monotonic() + HOLD_S
        while self._clock.monotonic() < until and not client.is_gone:
            if not await self._is_only_paused(presented):
                return
            await self._clock.sleep(LOOK_S)

    async def _is_only_paused(self, presented: Presented) -> bool:
        principal = await identify(self._store, self._clock, presented)
        run = await self._store.run(principal.run) if isinstance(principal, Principal) else None
        if run is None:
            return False
        stops = self._store.stops_on(await reach_of(self._store, run, MODEL, MESSAGES))
        return bool(stops) and all(stop.mode is StopMode.PAUSE for stop in stops)

    # --- what the actor asks

    def cut(self, call: CallId) -> None:
        """A stop has come over it: end it now."""
        if (known := self._open.get(call)) is not None:
            known[0].cut(CutKind.KILLED, "stopped by an operator")

    def close_run(self, run: RunId, why: str) -> None:
        """End what a run has open."""
        for work, _ in list(self._open.values()):
            if work.run == run:
                work.cut(CutKind.KILLED, why)

    def used(self, call: CallId) -> ModelUse | None:
        """What a request used; None: nobody can know, so what it held stands."""
        return self._used.get(call)

    # --- the upstream of `model`

    async def call(self, sending: Sending) -> Reply:
        """Send the request, pass its answer on, and say what it used."""
        work = self._asked.pop(sending.call, None)
        if work is None:
            return NotSent("nobody waits for this answer")
        upstream = self._upstreams.get(work.asked.upstream)
        run = await self._store.run(RunId(sending.principal.removeprefix("run:")))
        if upstream is None or run is None:
            return NotSent(f"the upstream {work.asked.upstream} is not there any more")
        reach = await reach_of(self._store, run, MODEL, MESSAGES)
        work.run = run.id
        work.task = task = asyncio.ensure_future(self._exchange(work, upstream, sending, reach))
        self._open[sending.call] = (work, upstream)
        try:
            await asyncio.wait({task}, timeout=min(sending.deadline_s, LONGEST_S))
            if not task.done():
                work.cut(CutKind.FAULT, "the answer took too long")
                await asyncio.wait({task})
        except asyncio.CancelledError:
            work.cut(CutKind.SILENT, "")
            await asyncio.wait({task})
            raise
        finally:
            del self._open[sending.call]
            await self._close_retired()
        return task.result()

    def _gone(self, work: _Work) -> None:
        async def read_on() -> None:
            await self._clock.sleep(READ_ON_S)
            work.cut(CutKind.SILENT, "")

        if work.task is not None and not work.task.done():
            waiting = asyncio.ensure_future(read_on())
            self._reading_on.add(waiting)
            waiting.add_done_callback(self._reading_on.discard)
            work.task.add_done_callback(lambda _: waiting.cancel())

    async def _exchange(self, work: _Work, upstream: ModelUpstream, sending: Sending, reach: Reach) -> Reply:
        """From the first byte out to what it used. Cut by cancelling it, with `ending` saying why."""
        answer: ModelAnswer | None = None
        lost = ""
        try:
            found = await upstream.send(work.post, lambda: not work.client.is_gone and sending.may_send())
            if isinstance(found, NothingLeft):
                return NotSent(found.why)
            if isinstance(found, Lost):
                lost = found.why
            else:
                answer, work.status, work.headers = found, found.status, found.headers
                if work.client.is_gone:
                    self._gone(work)
                await self._receive(work, found, reach)
        except UnavailableError as error:
            lost = str(error)
        except asyncio.CancelledError:
            if work.ending is None:
                raise
        finally:
            if answer is not None:
                answer.close()
        if lost and work.ending is None:
            work.ending = (CutKind.FAULT, lost)
        if work.ending is not None:
            await self._break_off(work)
        return self._settled(work, sending.call)

    async def _receive(self, work: _Work, answer: ModelAnswer, reach: Reach) -> None:
        is_stream = work.headers.get("content-type", "").partition(";")[0].strip().lower() == EVENTS
        if work.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise UnavailableError("the answer is encoded, which was not asked for")
        if is_stream and 200 <= work.status < 300 and work.asking.act is Act.MESSAGES:
            await self._pass_on(work, answer, reach)
            return
        most = LARGEST_ANSWER if work.status < 300 else LARGEST_ERROR
        whole = bytearray()
        while piece := await answer.read():
            whole += piece
            if len(whole) > most:
                raise UnavailableError(f"the answer is larger than {most} bytes")
        work.whole = bytes(whole)

    async def _pass_on(self, work: _Work, answer: ModelAnswer, reach: Reach) -> None:
        stream, client = work.stream, work.client
        work.has_begun = True
        await client.begin(work.status, work.headers)
        while not stream.is_complete:
            chunk = await answer.read()
            for command in stream.feed(chunk) if chunk else stream.finish():
                if isinstance(command, Cut):
                    raise UnavailableError(command.why)
                if not isinstance(command, Forward):
                    continue
                if stream.is_complete:
                    work.tail += command.data
                    continue
                if (why := self._is_stopped(reach)) is not None:
                    work.ending = why
                    return
                await client.write(command.data)
            if not chunk:
                return
        await self._read_tail(work, answer)

    async def _read_tail(self, work: _Work, answer: ModelAnswer) -> None:
        """What follows the end, so that the connection can be used again."""
        try:
            async with asyncio.timeout(TAIL_S):
                while len(work.tail) < LARGEST_TAIL:
                    chunk = await answer.read()
                    for command in work.stream.feed(chunk) if chunk else work.stream.finish():
                        work.tail += command.data if isinstance(command, Forward) else b""
                    if not chunk:
                        return
        except (TimeoutError, UnavailableError):
            pass
        work.stream.finish()

    def _is_stopped(self, reach: Reach) -> tuple[CutKind, str] | None:
        """Whether nothing more may be passed on: no await, so that nothing comes between the look and the bytes (I6)."""
        try:
            if any(stop.mode is not StopMode.PAUSE for stop in self._store.stops_on(reach)):
                return CutKind.KILLED, "stopped by an operator"
        except UnavailableError:
            return CutKind.FAULT, "it cannot be known whether this was stopped"
        return None

    async def _break_off(self, work: _Work) -> None:
        assert work.ending is not None  # INVARIANT: the caller looked
        kind, message = work.ending
        last = work.stream.cut(kind, f"ringfence: {message}" if message else "")
        work.tail.clear()
        if work.has_begun:
            await work.client.break_off(last, at_once=kind is CutKind.KILLED)

    def _settled(self, work: _Work, call: CallId) -> Reply:
        found, uses, stop_reason = _usage_of(work)
        used = used_of(found.usage, work.rules, work.asked.most) if found is not None else NOTHING_USED
        most = work.asked.most
        if used.micro > most.micro or used.tokens > most.tokens:
            logger.error("call %s used more than its bound: %s of %s", call, used, most)
        self._used[call] = used
        facts: dict[str, Any] = {
            "end": _end_of(work),
            "status": work.status,
            "micro": used.micro,
            "tokens_in": used.tokens_in,
            "tokens_out": used.tokens_out,
            "exact": found is None or found.is_exact,
            "stop_reason": stop_reason,
            "bytes": work.stream.forwarded if work.has_begun else len(work.whole or b""),
            "request_id": work.headers.get("request-id", "")[:OPENS],
        }
        if found is not None:
            facts |= _usage_facts(found.usage)
        if work.ending is not None and work.ending[1]:
            facts["why"] = work.ending[1][:OPENS]
        if uses:
            facts["tool_uses"] = [
                {"id": each.id, "name": each.name, "kind": each.kind, "arguments": each.arguments or "", "bytes": each.size}
                for each in uses[:MOST_USES]
            ]
        return Answered({"content": [], "structuredContent": facts, "isError": work.status >= 400 or work.status == 0})

    async def close(self) -> None:
        """End every answer where it is; each has its outcome recorded. Then let go of the upstreams."""
        for work, _ in list(self._open.values()):
            work.cut(CutKind.FAULT, "the gateway is stopping")
        ended: list[Awaitable[Any]] = [work.task for work, _ in list(self._open.values()) if work.task is not None]
        await asyncio.gather(*ended, return_exceptions=True)
        for upstream in (*self._upstreams.values(), *self._retired):
            await upstream.close()

    async def _close_retired(self) -> None:
        used = [upstream for _, upstream in self._open.values()]
        gone = [one for one in self._retired if not any(one is each for each in used)]
        self._retired = [one for one in self._retired if not any(one is each for each in gone)]
        for one in gone:
            await one.close()


def _usage_of(work: _Work) -> tuple[Settled | None, Sequence[ToolUse], str]:
    """What was used, which tools were asked for, and why the answer ended. None: nothing is generated by such a request."""
    request, bound = work.asking.request, work.asked.bound
    if work.asking.act is not Act.MESSAGES or request is None or not isinstance(bound, Bound):
        return None, (), ""
    if work.status >= 300:
        return refused(request), (), ""
    if work.has_begun:
        return settled(work.stream.reported, request, bound), work.stream.uses, work.stream.stop_reason
    if work.whole is None:
        return settled(UNKNOWN, request, bound), (), ""
    try:
        answer = read_answer(read_json(work.whole))
    except RequestError:
        return settled(UNKNOWN, request, bound), (), ""
    return settled(answer.reported, request, bound), answer.uses, answer.stop_reason


def _usage_facts(usage: Usage) -> dict[str, Any]:
    tokens = usage.all_tokens
    kinds = ("plain", "write_5m", "write_1h", "read", "output")
    return {
        "model": usage.model,
        "tokens": {kind: getattr(tokens, kind) for kind in kinds if getattr(tokens, kind)},
        **({"server_tools": dict(usage.tools)} if usage.tools else {}),
    }


def _end_of(work: _Work) -> str:
    """How the answer ended, in a word."""
    if work.ending is not None:
        words = {CutKind.KILLED: "killed", CutKind.SILENT: "client_gone", CutKind.FAULT: "broken"}
        return words.get(work.ending[0], "cut")
    if work.has_begun:
        return "complete" if work.stream.is_complete else ("error" if work.stream.error else "unfinished")
    return "complete" if 200 <= work.status < 300 else "refused"
