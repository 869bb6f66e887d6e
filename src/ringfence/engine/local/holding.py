"""Whether a client may go on with a use: held while a person, or the end of a pause, is all that is missing.

answer = await holding.ask(presented, principal, use, event)
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from ringfence.core.model.stop import StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.own_tools.local_calls import OTHER, TOOLS
from ringfence.core.strict_json.canonical import JsonLimits, parse_strict
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.identity.identify import Presented, Principal
from ringfence.engine.local.asked import Answer, Event, Say, ToolUse
from ringfence.engine.local.calls import LocalCalls
from ringfence.engine.local.outcomes import ENDED, KILLED, PAUSED, UNAVAILABLE, refusal, waiting
from ringfence.engine.local.standing import LOOK_S, wait_for_pause
from ringfence.engine.local.under_way import Work
from ringfence.engine.outcome import Refused, Waiting
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.runs.runs import Runs
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store
from ringfence.ports.upstream import NotSent

_DECIDED: Final = JsonLimits(string_bytes=64 << 20)
"""What was read at the hook is read again: a file that is written may be longer than a string on the wire."""

logger = logging.getLogger(__name__)


class Holding:
    """Of one gateway."""

    def __init__(
        self, *, store: Store, clock: Clock, catalogue: Catalogue, approvals: Approvals, runs: Runs, local: LocalCalls
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._approvals = approvals
        self._runs = runs
        self._local = local

    async def ask(self, presented: Presented, principal: Principal, use: ToolUse, event: Event) -> Answer:
        """Whether the client may go on. Held while a person, or the end of a pause, is all that is missing.

        Raises UnavailableError.
        """
        agent = self._catalogue.rules.agents.get(principal.agent)
        local = agent.local if agent is not None else None
        run = await self._local.run(principal.run)
        until = self._clock.monotonic() + (local.hold_s if local is not None else 0.0)
        name = use.tool if use.tool in TOOLS else OTHER
        while True:
            await wait_for_pause(self._store, self._clock, run.id, name, until)
            try:
                # The rules may be other ones by now, after a wait.
                agent = self._catalogue.rules.agents.get(principal.agent)
                work = await self._local.begin(presented, run, agent, name, use, event)
            except RequestError as error:
                logger.warning("a hook of run %s told of what is no tool's input: %s", run.id, error)
                return Answer(say=Say.REFUSE, why="ringfence: refused: malformed request")
            if work.granted.done():
                return self._let_through(work, use)
            assert work.task is not None  # INVARIANT: `begin` has begun it
            outcome = work.task.result()
            left = until - self._clock.monotonic()
            if isinstance(outcome, Waiting):
                try:
                    # Who waits for a person uses its run: it is not to end over that.
                    await self._runs.renew(run.id, presented.credential)
                    ticket = await self._approvals.wait(outcome.ticket.id, left) if left > 0 else outcome.ticket
                finally:
                    self._approvals.let_go(outcome.ticket.id)
                if ticket is None or ticket.state is TicketState.PENDING:
                    return waiting(outcome.ticket, outcome.entry)
                if ticket.state in (TicketState.APPROVED, TicketState.DENIED):
                    continue  # it is decided anew: approved with this ticket, or denied for it
                return refusal(outcome)
            if isinstance(outcome, Refused) and {reason.code for reason in outcome.reasons} == {ReasonCode.PAUSED}:
                if left <= 0:
                    return PAUSED
                await self._clock.sleep(min(LOOK_S, left))  # a pause that cannot be waited for is not asked about all the time
                continue
            return refusal(outcome)

    def _let_through(self, work: Work, use: ToolUse) -> Answer:
        decided = parse_strict(work.granted.result(), _DECIDED)["input"]
        changed = decided if decided != use.input else None
        return Answer(say=Say.ALLOW, input=changed, lastly=partial(self._stopped_since, work))

    def _stopped_since(self, work: Work) -> Answer | None:
        """What the client is told instead of an allow that nobody has heard of yet."""
        assert work.reach is not None  # INVARIANT: it was let through
        try:
            stops = self._store.stops_on(work.reach)
        except UnavailableError:
            work.end(NotSent("it cannot be known whether it was stopped"))
            return UNAVAILABLE
        if not stops and not work.reply.done():
            return None
        work.end(NotSent("it was stopped before its client heard of it"))
        if not stops:
            return ENDED
        return PAUSED if all(stop.mode is StopMode.PAUSE for stop in stops) else KILLED
