"""Serving what servers execute: from a route to an answer, with progress, questions, cancellation and the wait for people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from ringfence.adapters.pep.mcp_gateway.client_call import ClientCall, check_against_schema, read_call
from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.inbound import Inbound
from ringfence.adapters.pep.mcp_gateway.ladder import Climb, Ladder, Step
from ringfence.adapters.pep.mcp_gateway.legacy import Cancellable
from ringfence.adapters.pep.mcp_gateway.logs import Logs
from ringfence.adapters.pep.mcp_gateway.outlet import MayKeep, Outlet
from ringfence.adapters.pep.mcp_gateway.progress import Progress
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.render import Rendered, render_cancelled, render_not_recorded
from ringfence.adapters.pep.mcp_gateway.rounds import Rounds
from ringfence.adapters.pep.mcp_gateway.session_asker import SessionAsker
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.stream import Answer
from ringfence.adapters.served.budget import Budget
from ringfence.adapters.wire.mcp import Era
from ringfence.adapters.wire.mcp_names import INVALID_REQUEST
from ringfence.core.mcp.asking import granted_capabilities
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT
from ringfence.core.model.identifiers import AgentId, RunId, ServerId, TicketId
from ringfence.core.model.tool import Tool
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.given import Given
from ringfence.engine.catalogue.visible import may_read, may_use
from ringfence.engine.enforce import Enforcer
from ringfence.engine.identity.identify import Principal
from ringfence.engine.outcome import Outcome
from ringfence.engine.request import ClientSide, ToolRequest
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

Act = Callable[[ClientSide], Awaitable[Outcome]]


class Calls:
    """All calls under way at this gateway."""

    def __init__(
        self,
        *,
        enforcer: Enforcer,
        ladder: Ladder,
        catalogue: Catalogue,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        limits: GatewayLimits,
    ) -> None:
        self._enforcer = enforcer
        self._ladder = ladder
        self._catalogue = catalogue
        self._given = Given(store, catalogue)
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._limits = limits
        self._rounds = Rounds(clock, entropy, limits)
        self._under_way: Gate[RunId] = Gate(limits.calls_per_run)
        self._room: Budget[RunId] = Budget(
            free=limits.free_answer_bytes, per_key=limits.answers_bytes_per_run, total=limits.answers_bytes
        )

    async def close(self) -> None:
        """End the calls that wait for modern clients to come back: the gateway stops."""
        await self._rounds.close()

    async def serve(self, inbound: Inbound) -> Rejection | None:
        """Decide, act and answer. A rejection is left for the caller to answer; nothing has been done then."""
        call = read_call(inbound.route, inbound.head)
        if isinstance(call, Rejection):
            return call
        principal, session = inbound.principal, inbound.session
        tool = await self._tool(principal.agent, call)
        if tool is not None and call.is_tool:
            rejection = check_against_schema(call, inbound.head, tool.definition)
            if rejection is not None:
                return rejection
        if session is not None and call.id in session.calls:
            return Rejection(status=400, code=INVALID_REQUEST, message="this id is in use by another call", id=call.id)
        if not self._under_way.enter(principal.run):
            text = f"more than {self._limits.calls_per_run} calls are under way"
            retry = ((b"retry-after", b"1"),)
            return Rejection(status=429, code=INVALID_REQUEST, message=text, id=call.id, headers=retry, recorded=False)
        room = self._room.share(principal.run)
        try:
            await self._answer(call, tool, inbound, room.take)
        finally:
            # Only now has the client all of the answer.
            room.give_back()
            self._under_way.leave(principal.run)
        return None

    async def _tool(self, agent: AgentId, call: ClientCall) -> Tool | None:
        """The agent's tool behind a call, for the front's own checks; the decision comes later."""
        if call.is_claim:
            return None
        tool = self._find(agent, call)
        if tool is None:
            # Its server may not have listed its tools yet.
            await self._catalogue.ensure_listed()
            tool = self._find(agent, call)
        return tool

    def _find(self, agent: AgentId, call: ClientCall) -> Tool | None:
        view = self._catalogue.view(agent)
        if view is None:
            return None
        request = call.request
        by_name = call.is_tool
        known = view.named(request.name, request.server) if by_name else view.named_method(request.server, request.method)
        return view.tools[known] if known is not None and known in view.agent.tools else None

    async def _answer(self, call: ClientCall, tool: Tool | None, inbound: Inbound, may_keep: MayKeep) -> None:
        task = asyncio.current_task()
        assert task is not None  # INVARIANT: an ASGI application runs inside a task
        session = inbound.session
        # A legacy client that disconnects has not cancelled: its call goes on to its recorded end.
        answer = Answer(inbound.receive, inbound.send, self._limits, cancel_when_gone=call.era is Era.MODERN)
        mine = Cancellable(task)
        if session is not None:
            session.calls[call.id] = mine
        try:
            rendered = await self._outcome(call, tool, inbound, answer, may_keep)
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

    async def _outcome(
        self, call: ClientCall, tool: Tool | None, inbound: Inbound, answer: Answer, may_keep: MayKeep
    ) -> Rendered:
        progress = None
        if call.progress_token is not None:
            progress = Progress(call.progress_token, answer.post, self._clock, self._limits)
        logs, level = None, inbound.log_level()
        if level is not None:
            server = tool.server if tool is not None and call.server is None else ""
            logs = Logs(level, server, answer.post, self._limits)
        outlet = Outlet(
            progress,
            level,
            logs,
            is_legacy=call.era is Era.LEGACY,
            meta=inbound.meta(),
            may_keep=may_keep,
            left_alone=self._limits.free_answer_bytes,
        )
        enact = self._enactor(call, tool, inbound, answer, outlet)
        asked = await self._act(call, inbound)
        climb = Climb(
            call=call,
            run=inbound.principal.run,
            act=lambda: enact(asked),
            claim=lambda ticket: enact(partial(self._enforcer.claim, inbound.presented, ticket)),
            resume=lambda key: self._rounds.resume(key, call.responses, outlet),
            origin=lambda: self._origin(call, tool),
            answer=answer,
            progress=progress,
        )
        try:
            return await self._ladder.climb(climb, self._catalogue.rules.approvals)
        except UnavailableError as error:
            logger.warning("denied, because it cannot be recorded: %s", error)
            return render_not_recorded(call)

    def _enactor(
        self, call: ClientCall, tool: Tool | None, inbound: Inbound, answer: Answer, outlet: Outlet
    ) -> Callable[[Act], Awaitable[Step]]:
        """How this call is sent through the engine: by itself, or where the client may be asked so that it can be."""
        capabilities = inbound.capabilities()
        if not self._may_ask(capabilities, call, tool):
            side = outlet.once(capabilities, None)
            return lambda act: act(side)
        if inbound.session is not None:
            asker = SessionAsker(inbound.session, inbound.endpoint, answer, self._clock, self._entropy, self._limits)
            side = outlet.once(capabilities, asker)
            return lambda act: act(side)
        run = inbound.principal.run
        return lambda act: self._rounds.begin(run, capabilities, call.responses, outlet, act)

    def _may_ask(self, capabilities: Mapping[str, Any], call: ClientCall, tool: Tool | None) -> bool:
        """Whether the client can do something that the server was granted. Which server a claim goes to is known later."""
        if not capabilities or (tool is None and not call.is_claim):
            return False
        if tool is None:
            return True
        rule = self._catalogue.rules.servers.get(tool.server)
        return rule is not None and bool(granted_capabilities(capabilities, rule.grants))

    async def _act(self, call: ClientCall, inbound: Inbound) -> Act:
        if call.is_claim:
            return partial(self._enforcer.claim, inbound.presented, str(call.arguments["ticket"]))
        request = call.request
        if call.method == COMPLETE and not await self._may_refer(inbound.principal, request):
            # Suggestions about what the agent was not given: unknown, like the thing itself.
            request = ToolRequest(request.name, request.arguments, None, request.method)
        return partial(self._enforcer.enforce, inbound.presented, request)

    async def _may_refer(self, principal: Principal, request: ToolRequest) -> bool:
        view, ref = await self._given.view(principal), request.arguments["ref"]
        if view is None or request.server is None:
            return False
        if "uri" in ref:
            return may_read(view, request.server, ref["uri"])
        return may_use(view, request.server, GET_PROMPT, {"name": ref["name"]})

    async def _origin(self, call: ClientCall, tool: Tool | None) -> ServerId | None:
        if call.server is not None:
            return None
        if tool is not None:
            return tool.server
        ticket = await self._store.ticket(TicketId(str(call.arguments.get("ticket", ""))))
        return ticket.server if ticket is not None else None
