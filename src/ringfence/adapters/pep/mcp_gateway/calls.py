"""Serving one `tools/call`: from a route to an answer, with progress, cancellation and the wait for people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mcp_types import INVALID_REQUEST

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Send
from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.ladder import Climb, Ladder
from ringfence.adapters.pep.mcp_gateway.legacy import Cancellable, Session
from ringfence.adapters.pep.mcp_gateway.parse import Head, Route
from ringfence.adapters.pep.mcp_gateway.progress import Progress
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.render import Rendered, render_cancelled, render_not_recorded
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.stream import Answer
from ringfence.adapters.pep.mcp_gateway.tool_call import ToolCall, check_against_schema, read_call
from ringfence.adapters.wire.mcp import Era
from ringfence.core.model import AgentId, RunId, TicketId, Tool
from ringfence.engine.catalogue import Catalogue
from ringfence.engine.enforce import ClientSide, Enforcer, ToolRequest
from ringfence.engine.identify import Presented, Principal
from ringfence.engine.outcome import Outcome
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock

logger = logging.getLogger(__name__)


class Calls:
    """All calls under way at this gateway."""

    def __init__(self, enforcer: Enforcer, ladder: Ladder, catalogue: Catalogue, clock: Clock, limits: GatewayLimits) -> None:
        self._enforcer = enforcer
        self._ladder = ladder
        self._catalogue = catalogue
        self._clock = clock
        self._limits = limits
        self._under_way: Gate[RunId] = Gate(limits.calls_per_run)

    async def serve(
        self,
        head: Head,
        route: Route,
        principal: Principal,
        presented: Presented,
        session: Session | None,
        receive: Receive,
        send: Send,
    ) -> Rejection | None:
        """Decide, act and answer. A rejection is left for the caller to answer; nothing has been done then."""
        call = read_call(route, head.server)
        if isinstance(call, Rejection):
            return call
        if not call.is_claim and (tool := await self._tool(principal.agent, call)) is not None:
            rejection = check_against_schema(call, head, tool.definition)
            if rejection is not None:
                return rejection
        if session is not None and call.id in session.calls:
            return Rejection(status=400, code=INVALID_REQUEST, message="this id is in use by another call", id=call.id)
        if not self._under_way.enter(principal.run):
            text = f"more than {self._limits.calls_per_run} calls are under way"
            retry = ((b"retry-after", b"1"),)
            return Rejection(status=429, code=INVALID_REQUEST, message=text, id=call.id, headers=retry, recorded=False)
        try:
            await self._answer(call, principal, presented, session, receive, send)
        finally:
            self._under_way.leave(principal.run)
        return None

    async def _tool(self, agent: AgentId, call: ToolCall) -> Tool | None:
        """The agent's tool of that name at that endpoint, for the front's own checks; the decision comes later."""
        tool = self._find(agent, call)
        if tool is None:
            # Its server may not have listed its tools yet.
            await self._catalogue.ensure_listed()
            tool = self._find(agent, call)
        return tool

    def _find(self, agent: AgentId, call: ToolCall) -> Tool | None:
        view = self._catalogue.view(agent)
        if view is None:
            return None
        known = view.named(call.name, call.server)
        return view.tools[known] if known is not None and known in view.agent.tools else None

    async def _answer(
        self, call: ToolCall, principal: Principal, presented: Presented, session: Session | None, receive: Receive, send: Send
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # INVARIANT: an ASGI application runs inside a task
        # A legacy client that disconnects has not cancelled: its call goes on to its recorded end.
        answer = Answer(receive, send, self._limits, cancel_when_gone=call.era is Era.MODERN)
        mine = Cancellable(task)
        if session is not None:
            session.calls[call.id] = mine
        try:
            rendered = await self._outcome(call, principal, presented, answer)
        except asyncio.CancelledError:
            if not (answer.gone or mine.cancelled):
                raise
            # The client's own doing, and recorded by now: the task itself goes on to its end.
            while task.cancelling():
                task.uncancel()
            rendered = render_cancelled(call)
        finally:
            if session is not None:
                session.calls.pop(call.id, None)
            await answer.close()
        if not answer.gone:
            await answer.finish(rendered)

    async def _outcome(self, call: ToolCall, principal: Principal, presented: Presented, answer: Answer) -> Rendered:
        progress = None
        if call.progress_token is not None:
            progress = Progress(call.progress_token, answer.post, self._clock, self._limits)
        client = ClientSide(on_progress=progress)

        def claim(ticket: TicketId) -> Awaitable[Outcome]:
            return self._enforcer.claim(presented, ticket, client)

        climb = Climb(call, principal.run, self._act(call, presented, client), claim, answer, progress)
        try:
            return await self._ladder.climb(climb, self._catalogue.rules.approvals)
        except UnavailableError as error:
            logger.warning("denied, because it cannot be recorded: %s", error)
            return render_not_recorded(call)

    def _act(self, call: ToolCall, presented: Presented, client: ClientSide) -> Callable[[], Awaitable[Outcome]]:
        if call.is_claim:
            return lambda: self._enforcer.claim(presented, str(call.arguments["ticket"]), client)
        request = ToolRequest(call.name, call.arguments, call.server)
        return lambda: self._enforcer.enforce(presented, request, client)
