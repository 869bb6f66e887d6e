"""Requests to models that are under way: each is one call, from its decision to an outcome that says what it used.

    given = await models.ask(presented, post, asking, client)

The messages proxy reads a request and hands it over; here it is sent through the enforcer like any call, with the most that it
can use. What the enforcer allows lives here as the `Upstream` of the gateway's own server `model`: the request goes out, its
answer is passed on piece by piece (`passing`), and what it used is what its outcome is settled at (`settling`). Stops are read
before each piece with no await in between; a kill ends the answer where it is, a pause only keeps the next one waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ringfence.core.ledger.model_caps import Room
from ringfence.core.ledger.running_out import with_likely
from ringfence.core.metering.request import ModelRequest
from ringfence.core.metering.rules import ModelRules
from ringfence.core.metering.shrinking import with_max_tokens
from ringfence.core.metering.stream import CutKind, error_event
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.model.model_use import MODEL, ModelUse
from ringfence.core.model.stop import Reach, StopMode
from ringfence.core.own_tools.modelling import DEFINITION, LONGEST_S, MESSAGES, Act, Asked, asked, shortened
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.own_server import OwnServer
from ringfence.engine.identity.identify import Presented
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.models.asking import NOT_RECORDED, Ask, Asking, Client, Given, Whole
from ringfence.engine.models.learning import Learning
from ringfence.engine.models.noted import Noted
from ringfence.engine.models.passing import break_off, receive
from ringfence.engine.models.pausing import wait_for_pause
from ringfence.engine.models.settling import LostAnswer, account_of
from ringfence.engine.models.upstreams import ModelUpstreams
from ringfence.engine.models.work import Work
from ringfence.engine.outcome import Ambiguous, Refused
from ringfence.engine.stopping.inflight import Inflight
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.model_upstream import Lost, ModelAnswer, ModelPost, ModelUpstream
from ringfence.ports.model_upstream import Unsent as NothingLeft
from ringfence.ports.store import Store
from ringfence.ports.upstream import Answered, NotSent, Reply, Sending, Unknown

CUT_AT_ONCE: Final = 8
"""Answers that a stop has cut and that are settled at the same time."""
READ_ON_S: Final = 30.0
"""How long an answer is read on for what it used, when its client has gone away."""

logger = logging.getLogger(__name__)


class ModelCalls(OwnServer):
    """All requests to models of one gateway."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        noted: Noted,
        upstreams: Mapping[str, ModelUpstream] | None = None,
        redactor: Redactor | None = None,
        inflight: Inflight | None = None,
    ) -> None:
        """`redactor` knows the credentials of upstreams, which are for no agent; by `inflight` a stop reaches what is given."""
        super().__init__(DEFINITION, "http")
        self._noted = noted
        self._redactor = redactor if redactor is not None else Redactor()
        self._inflight = inflight if inflight is not None else Inflight()
        self._learning = Learning()
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._upstreams = ModelUpstreams(upstreams or {})
        self._ask: Ask | None = None
        self._asked: dict[CallId, Work] = {}
        self._open: dict[CallId, Work] = {}
        self._used: dict[CallId, ModelUse] = {}
        self._reading_on: set[asyncio.Task[None]] = set()
        self._cut_ones = asyncio.Semaphore(CUT_AT_ONCE)

    def use(self, ask: Ask) -> None:
        """The enforcer's way in, which in turn has this for its upstream."""
        self._ask = ask

    async def replace(self, upstreams: Mapping[str, ModelUpstream]) -> None:
        """Other upstreams from now on. One that is gone is closed when its last answer has ended."""
        await self._upstreams.replace(upstreams)

    @property
    def under_way(self) -> int:
        return len(self._open)

    # --- what the proxy asks

    async def ask(self, presented: Presented, post: ModelPost, asking: Asking, client: Client) -> Given:
        """Decide, send, pass on, record. Raises UnavailableError where it cannot be decided."""
        assert self._ask is not None  # INVARIANT: `use` comes first
        rules = self._catalogue.rules.models
        assert rules is not None  # INVARIANT: without them the proxy serves nothing
        given = self._as_asked(rules, asking, asking.request, len(post.body))
        work = Work(post=post, asking=asking, asked=given, rules=rules, client=client)
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
            return None if less is None else self._as_asked(rules, asking, less, len(post.body))

        client.watch(partial(self._gone, work))
        await wait_for_pause(self._store, self._clock, presented, client)
        try:
            outcome = await self._ask(presented, given, smaller, begun, asking.meta)
        finally:
            for call in calls:
                self._asked.pop(call, None)
                self._used.pop(call, None)
        if isinstance(outcome, Refused) and outcome.ran_out is not None:
            return Given(replace(outcome, ran_out=with_likely(outcome.ran_out, work.asked.likely)))
        if work.ending is not None:
            return Given(outcome, None, work.has_begun, work.ending[0])
        if isinstance(outcome, Ambiguous):
            # It could not be recorded, so neither it nor its end is given out.
            if work.has_begun:
                await client.break_off(error_event(CutKind.FAULT, f"ringfence: {NOT_RECORDED}"), at_once=False)
            return Given(outcome, None, work.has_begun)
        if not work.has_begun and work.whole is None:
            return Given(outcome)
        if work.reach is not None and (why := self._stopped(work.reach)) is not None:
            # The stop has come between its outcome and its client.
            if work.has_begun:
                await client.break_off(b"", at_once=True)
            return Given(outcome, None, work.has_begun, why[0])
        if work.whole is None:
            return Given(outcome, Whole(work.status, {}, bytes(work.tail)), has_begun=True, reach=work.reach)
        return Given(outcome, Whole(work.status, work.headers, self._kept_back(work, work.whole)), reach=work.reach)

    def giving(self, given: Given, drop: Callable[[], None]) -> AbstractContextManager[None]:
        """A block in which what came of a request is given out; enter it with no await after `ask`. Where a stop comes over it,
        `drop` is called: its client gets nothing more."""
        return nullcontext() if given.reach is None else self._inflight.giving(given.reach, drop)

    # --- what the actor asks

    def cut(self, call: CallId) -> asyncio.Task[NotSent | None] | None:
        """A stop has come over it: end it now. The task is done once it has ended for its client and the upstream."""
        known = self._open.get(call)
        if known is None:
            return None
        known.cut(CutKind.KILLED, "stopped by an operator")
        return known.task

    def close_run(self, run: RunId, why: str) -> None:
        """End what a run has open."""
        for work in list(self._open.values()):
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
        run = await self._store.run(RunId(sending.principal.removeprefix("run:")))
        if run is None:
            return NotSent("its run is not there any more")
        reach = await reach_of(self._store, run, MODEL, MESSAGES)
        upstream = self._upstreams.take(work.asked.upstream)
        if upstream is None:
            return NotSent(f"the upstream {work.asked.upstream} is not there any more")
        work.run, work.reach = run.id, reach
        work.task = task = asyncio.ensure_future(self._exchange(work, upstream, sending, reach))
        self._open[sending.call] = work
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
            await self._upstreams.give_back(upstream)
        if (nothing_left := task.result()) is not None:
            return nothing_left
        if work.ending is not None and work.ending[0] is CutKind.KILLED:
            # A stop that has cut hundreds is acknowledged before what each of them used is worked out.
            async with self._cut_ones:
                await asyncio.sleep(0)
        return self._settled(work, sending.call)

    def _gone(self, work: Work) -> None:
        async def read_on() -> None:
            await self._clock.sleep(READ_ON_S)
            work.cut(CutKind.SILENT, "")

        if work.task is not None and not work.task.done():
            waiting = asyncio.ensure_future(read_on())
            self._reading_on.add(waiting)
            waiting.add_done_callback(self._reading_on.discard)
            work.task.add_done_callback(lambda _: waiting.cancel())

    async def _exchange(self, work: Work, upstream: ModelUpstream, sending: Sending, reach: Reach) -> NotSent | None:
        """From the first byte out to the last one on. Cut by cancelling it, with `ending` saying why."""
        answer: ModelAnswer | None = None
        lost = ""
        try:
            found = await upstream.send(work.post, lambda: not work.client.is_gone and sending.may_send())
            if isinstance(found, NothingLeft):
                return NotSent(found.why)
            if isinstance(found, Lost):
                lost = found.why
            else:
                answer, work.status = found, found.status
                work.headers = {name: self._redactor.text(value) for name, value in found.headers.items()}
                if work.client.is_gone:
                    self._gone(work)
                await receive(work, found, partial(self._stopped, reach), self._masked)
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
            await break_off(work)
        return None

    def _stopped(self, reach: Reach) -> tuple[CutKind, str] | None:
        """Whether nothing more may be passed on: no await, so that nothing comes between the look and the bytes (I6)."""
        try:
            if any(stop.mode is not StopMode.PAUSE for stop in self._store.stops_on(reach)):
                return CutKind.KILLED, "stopped by an operator"
        except UnavailableError:
            return CutKind.FAULT, "it cannot be known whether this was stopped"
        return None

    def _settled(self, work: Work, call: CallId) -> Reply:
        account, most = account_of(work), work.asked.most
        if isinstance(account, LostAnswer):
            return Unknown(account.why)
        if account.used.micro > most.micro or account.used.tokens > most.tokens:
            logger.error("call %s used more than its bound: %s of %s", call, account.used, most)
        self._used[call] = account.used
        if work.asking.request is not None and account.facts["exact"]:
            self._learning.note(work.asking.request, account.used)
        if work.run is not None:
            self._noted.of(work.run).note_again({"body": {"model": dict(account.facts)}})
        return Answered({"content": [], "structuredContent": dict(account.facts), "isError": account.is_error})

    def _kept_back(self, work: Work, body: bytes) -> bytes:
        """An answer without the operator's secrets. Servers quote the request that they do not like, headers and all."""
        if work.status < 300 and work.asking.act is Act.MESSAGES:
            return body  # the model's own words, and it was never told any
        return self._masked(body)

    def _masked(self, body: bytes) -> bytes:
        said = body.decode("utf-8", "replace")
        masked = self._redactor.text(said)
        return body if masked == said else masked.encode()

    def _as_asked(self, rules: ModelRules, asking: Asking, request: ModelRequest | None, size: int) -> Asked:
        learnt = self._learning.of(request)
        return asked(rules, asking.act, request, asking.digest, size, asking.said, asking.secrets, learnt)

    async def close(self) -> None:
        """End every answer where it is; each has its outcome recorded. Then let go of the upstreams."""
        for work in list(self._open.values()):
            work.cut(CutKind.FAULT, "the gateway is stopping")
        ended: list[Awaitable[Any]] = [work.task for work in list(self._open.values()) if work.task is not None]
        await asyncio.gather(*ended, return_exceptions=True)
        await self._upstreams.close()
