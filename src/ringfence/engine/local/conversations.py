"""Which conversations use a run, and when the end of one is the end of the run.

A client asks with a run's credential, whichever of its conversations asks: their ids are its word. So nothing is given by them;
all that they can do is end what the holder of the credential could leave alone just as well. A run is ended with a client's
conversation where a person has left it for good and nobody else is known to use the run.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from ringfence.core.model.identifiers import RunId
from ringfence.core.model.run import Posture, Run, RunState
from ringfence.engine.identity.identify import Presented, Principal
from ringfence.engine.local.asked import Event
from ringfence.engine.local.noting import word
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.runs.runs import GATEWAY, NotDone, Runs
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

MOST_RUNS: Final = 10_000
MOST_OF_ONE: Final = 32
"""Conversations of one run that are told apart. Beyond them it ends as if no client had said anything."""

logger = logging.getLogger(__name__)


class Conversations:
    """Of all runs, as far as this process has heard."""

    def __init__(self, *, store: Store, clock: Clock, runs: Runs, approvals: Approvals) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs
        self._approvals = approvals
        self._since = clock.now()
        """Runs that were opened before may be used by conversations that nobody here has heard of."""
        self._of: OrderedDict[RunId, set[str] | None] = OrderedDict()
        """None: more than are told apart."""
        self._ending: set[asyncio.Task[None]] = set()

    def heard(self, run: RunId, conversation: str) -> None:
        """It goes on."""
        known = self._of.setdefault(run, set())
        self._of.move_to_end(run)
        if known is not None:
            known.add(conversation)
            if len(known) > MOST_OF_ONE:
                self._of[run] = None
        if len(self._of) > MOST_RUNS:
            self._of.popitem(last=False)
            self._since = self._clock.now()

    async def ended(self, presented: Presented, principal: Principal, event: Event) -> None:
        """A client says that one has ended; the run ends with it where it was left for good and was the last. Raises
        UnavailableError.
        """
        known = self._of.get(principal.run, set())
        if known is None:
            return
        known.discard(event.session)
        if not event.is_for_good or known or presented.posture is Posture.BOXED:
            return
        run = await self._store.run(principal.run)
        if run is None or not _is_its_clients(run) or run.opened_at < self._since:
            return
        if self._of.get(run.id):
            return  # another has begun meanwhile
        # A client goes away without hearing the answer: what has begun is done all the same.
        task = asyncio.ensure_future(self._end(principal, f"its client has ended ({word(event.source)})"))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        await asyncio.shield(task)

    def forget(self, run: RunId) -> None:
        """It has ended."""
        self._of.pop(run, None)

    async def close(self) -> None:
        """The gateway is stopping: what is being ended is ended first."""
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _end(self, principal: Principal, why: str) -> None:
        by = f"agent:{principal.agent}"
        try:
            closed = await self._runs.close(principal.run, by=by, why=why)
            if isinstance(closed, NotDone):
                logger.info("run %s was not ended with its client: %s", principal.run, closed.why)
                return
            await self._approvals.withdraw_run(principal.run, why, by)
        except UnavailableError as error:
            logger.warning("run %s was not ended with its client: %s", principal.run, error)


def _is_its_clients(run: Run) -> bool:
    """Whether nobody else answers for its end."""
    return (
        run.state is RunState.OPEN
        and not run.is_kept
        and not run.standing
        and not run.is_of_outsider
        and run.opened_by != GATEWAY
    )
