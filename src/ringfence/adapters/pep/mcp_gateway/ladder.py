"""Waiting for a person without losing the client: hold, ask it to come back, or tell it that the approval is pending.

 modern  hold; then `input_required` with a sealed state, as many legs as configured; then `approval pending`
 legacy  hold, with progress where a token was given; then `approval pending`

The same state serves a call that its server suspended to ask the client something (`rounds.py`).

A decision during the hold sends the ticket's frozen call through the engine: that executes it, once, or says why not. Nothing
executes for a client that has left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ringfence.adapters.pep.mcp_gateway.client_call import ClientCall
from ringfence.adapters.pep.mcp_gateway.progress import Progress
from ringfence.adapters.pep.mcp_gateway.render import (
    Rendered,
    render_error,
    render_input_required,
    render_outcome,
    render_pending,
)
from ringfence.adapters.pep.mcp_gateway.rounds import Asks
from ringfence.adapters.pep.mcp_gateway.state_seal import Held, StateSeal
from ringfence.adapters.pep.mcp_gateway.stream import Answer
from ringfence.adapters.wire.mcp import Era
from ringfence.adapters.wire.mcp_names import INVALID_PARAMS
from ringfence.core.model.identifiers import RunId, TicketId
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.rules import ApprovalRules
from ringfence.engine.outcome import Outcome, Returned, Waiting
from ringfence.engine.people.approvals import Approvals
from ringfence.ports.clock import Clock

Step = Outcome | Asks | None
"""What the call came to, or what its client is asked; None: it is gone, because nobody came back for it in time."""


@dataclass(frozen=True, slots=True)
class Climb:
    """One call on its way up."""

    call: ClientCall
    run: RunId
    act: Callable[[], Awaitable[Step]]
    """Sends the call through the engine, from the start."""
    claim: Callable[[TicketId], Awaitable[Step]]
    """Sends exactly the call of a ticket through the engine."""
    resume: Callable[[str], Awaitable[Step]]
    """Goes on with a suspended call."""
    origin: Callable[[], Awaitable[str | None]]
    """The server that executes it."""
    answer: Answer
    progress: Progress | None


class Ladder:
    """The wait ladder of one gateway."""

    def __init__(self, approvals: Approvals, seal: StateSeal, clock: Clock, progress_s: float) -> None:
        self._approvals = approvals
        self._seal = seal
        self._clock = clock
        self._progress_s = progress_s

    async def climb(self, climb: Climb, rules: ApprovalRules) -> Rendered:
        """The answer to a call, waiting for a person where one has to decide."""
        call = climb.call
        leg, entry = 0, None
        if call.state is not None:
            held = self._seal.open(call.state, run=climb.run, call=call.digest())
            if held is None:
                return _stale(call)
            if held.round:
                return await self._render(climb, await climb.resume(held.round))
            leg, ticket_id = held.leg, held.ticket
        else:
            outcome = await climb.act()
            if not isinstance(outcome, Waiting):
                return await self._render(climb, outcome)
            ticket_id, entry = outcome.ticket.id, outcome.entry
        ticket = await self._hold(climb, ticket_id, rules.hold_s)
        if ticket is None or ticket.state is not TicketState.PENDING or self._clock.now() >= ticket.expires_at:
            return await self._render(climb, await self._after(climb, ticket_id, ticket))
        if call.era is Era.MODERN and leg < rules.legs:
            return render_input_required(call, self._seal.seal(Held(climb.run, ticket.id, call.digest(), leg + 1)), {})
        return render_pending(call, ticket, entry, self._clock.now())

    async def _after(self, climb: Climb, ticket_id: TicketId, ticket: Ticket | None) -> Step:
        """What a decided ticket comes to: executed once, or refused. It never asks a person anew by itself."""
        if ticket is not None and ticket.state is TicketState.WITHDRAWN and not ticket.closed_why.startswith("superseded"):
            return await climb.act()  # a stop or an ended run is in force, and the engine says which
        if ticket is not None and ticket.state is TicketState.PENDING:
            await self._approvals.expire()
        return await climb.claim(ticket_id)

    async def _render(self, climb: Climb, step: Step) -> Rendered:
        call = climb.call
        if step is None:
            return _stale(call)
        if isinstance(step, Asks):
            state = self._seal.seal(Held(climb.run, TicketId(""), call.digest(), 0, step.key))
            return render_input_required(call, state, step.requests)
        return render_outcome(call, step, self._clock.now(), await climb.origin() if isinstance(step, Returned) else None)

    async def _hold(self, climb: Climb, ticket: TicketId, seconds: float) -> Ticket | None:
        with climb.answer.abandonable():
            signs = asyncio.create_task(self._signs_of_life(climb.progress, ticket)) if climb.progress else None
            try:
                found = await self._approvals.wait(ticket, seconds)
                await asyncio.sleep(0)  # a client that has just left is noticed before anything executes for it
                return found
            finally:
                if signs is not None:
                    signs.cancel()

    async def _signs_of_life(self, progress: Progress, ticket: TicketId) -> None:
        while True:
            progress.waiting(f"waiting for a person to decide on ticket {ticket}")
            await self._clock.sleep(self._progress_s)


def _stale(call: ClientCall) -> Rendered:
    return render_error(call.era, call.id, INVALID_PARAMS, "the request state is not valid; repeat the call without it")
