"""Calls of the client's own tools that are under way: each is one call, from its decision to what its client told of it.

    work = await local.begin(presented, run, agent, name, use, event)      # before: let through, or why not
    answer = await local.told(principal, use, result, failed=False)        # after: as much of it as the agent may have

A hook tells of a use, and it is judged and sent through the enforcer like any call. What the enforcer allows lives here as the
`Upstream` of the gateway's own server `local`: the client carries it out, and the call is answered when a later hook tells what
came of it. So its decision, reservation, stops, scan and outcome are those of every call.
"""

from __future__ import annotations

import asyncio
import logging
import posixpath
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from ringfence.core.mcp.client_meta import TOOL_USE, ClientMeta
from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import CallId, Digest, RunId
from ringfence.core.model.local import LOCAL, Judgement
from ringfence.core.model.run import Run
from ringfence.core.own_tools.local_calls import LONGEST_S, OTHER, arguments_of, tool_id
from ringfence.core.rules import AgentRule
from ringfence.core.scan.scanner import Scanner
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.own_server import OwnServer
from ringfence.engine.identity.identify import Presented, Principal
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.inspection import Inspection
from ringfence.engine.local.asked import Answer, Event, ToolUse
from ringfence.engine.local.judged import Judged, Judges, no_home
from ringfence.engine.local.outcomes import OUTPUT, given
from ringfence.engine.local.under_way import UnderWay, Work, key_of
from ringfence.engine.outcome import Outcome, Returned, Waiting
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.secrets.personal_data import scan_rule, without_personal
from ringfence.engine.waiting.waiting import settled
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.files import Files
from ringfence.ports.store import Store
from ringfence.ports.upstream import Answered, NotSent, Reply, Sending, Unknown

MOST_OPEN: Final = 512
"""Calls of one run under way at once."""
_DEFINITION: Final[Mapping[str, Any]] = {"name": "local", "inputSchema": {"type": "object"}}

logger = logging.getLogger(__name__)


class ActLocally(Protocol):
    """The enforcer's way for a use of a client's tool."""

    async def __call__(
        self,
        presented: Presented,
        name: str,
        client_tool: str,
        arguments: Mapping[str, Any],
        judgement: Judgement | None,
        begun: Callable[[Call], None],
        meta: ClientMeta = ...,
        seal: Digest = ...,
    ) -> Outcome: ...


class LocalCalls(OwnServer):
    """All of one gateway."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        approvals: Approvals,
        scanner: Scanner,
        judges: Judges | None = None,
        files: Files | None = None,
        home_of: Callable[[AgentRule], str] = no_home,
        ignores_case: bool = False,
    ) -> None:
        """Without `judges` nothing can be let through. `home_of`: the home directory of the user that an agent's client is;
        `ignores_case`: whether its file system takes `A` for `a`.
        """
        super().__init__(_DEFINITION, "hook")
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._approvals = approvals
        self._scanner = scanner
        self._judged = Judged(clock=clock, judges=judges, files=files, home_of=home_of, ignores_case=ignores_case)
        self._act: ActLocally | None = None
        self._asked: dict[CallId, Work] = {}
        self._under_way = UnderWay()
        self._tasks: set[asyncio.Task[Outcome]] = set()

    def use(self, act: ActLocally) -> None:
        """The enforcer's way in, which in turn has this for its upstream."""
        self._act = act

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    # --- before

    async def begin(
        self, presented: Presented, run: Run, agent: AgentRule | None, name: str, use: ToolUse, event: Event
    ) -> Work:
        """Judge it and send it through the enforcer; done as soon as it may go on, or is refused.

        If who waits is cancelled, the client went away, and what is decided after that is not let through.
        """
        assert self._act is not None  # INVARIANT: `use` comes first
        rule = scan_rule(self._catalogue.rules, LOCAL, tool_id(name), run.agent)
        arguments = without_personal(arguments_of(name, use.client_tool, use.input, event.cwd), rule, self._scanner)
        given_input: Mapping[str, Any] = arguments["input"]
        judgement = await self._judged.of(run, agent, name, use.client_tool, given_input, event.cwd)
        seal = await self._judged.seal(judgement)
        loop = asyncio.get_running_loop()
        content = given_input.get("content") if name == "Write" else None
        work = Work(
            run=run.id,
            tool=tool_id(name),
            conversation=event.session,
            agent=event.agent,
            use=use.use,
            key=key_of(use.client_tool, given_input),
            judgement=judgement,
            content=content if isinstance(content, str) else None,
            granted=loop.create_future(),
            reply=loop.create_future(),
        )

        def begun(call: Call) -> None:
            if not work.is_gone:
                work.call = call.id
                self._asked[call.id] = work

        vendor = {TOOL_USE: use.use} if use.use else {}
        meta = ClientMeta(vendor=vendor, said=event.said)
        work.task = asyncio.ensure_future(self._act(presented, name, use.client_tool, arguments, judgement, begun, meta, seal))
        self._tasks.add(work.task)
        work.task.add_done_callback(partial(self._ended, work))
        try:
            await asyncio.wait({work.task, work.granted}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            work.is_gone = True
            work.end(NotSent("its client went away before it heard of it"))
            raise
        finally:
            if work.call is not None:
                self._asked.pop(work.call, None)
        return work

    def began(self, run: RunId, cwd: str) -> None:
        """A client says where it begins."""
        if posixpath.isabs(cwd):
            self._judged.began(run, cwd)

    def is_at_work(self, run: RunId) -> bool:
        """Whether a tool of the run's client is in use, as far as anybody has told."""
        return bool(self._under_way.of(run))

    def is_let_through(self, run: RunId, client_tool: str, given_input: Mapping[str, Any]) -> bool:
        """Whether just this use is in its client's hands: what the client asks its person about has been decided here."""
        return self._under_way.holds(run, client_tool, given_input)

    # --- after

    async def told(self, principal: Principal, use: ToolUse, result: Any, *, failed: bool) -> Answer | None:
        """What the agent may have of what a use brought; None: no such use is under way. Raises UnavailableError."""
        work = self._under_way.find(principal.run, use)
        if work is None or work.task is None:
            return None
        work.end(Answered({"content": [], "structuredContent": {OUTPUT: result}, **({"isError": True} if failed else {})}))
        return given(await asyncio.shield(work.task), result)

    def looked_at(self, principal: Principal, use: ToolUse, result: Any) -> Answer:
        """What may be had of a result that belongs to no call that is known: it is scanned all the same."""
        inspection = Inspection(
            self._scanner, scan_rule(self._catalogue.rules, LOCAL, tool_id(use.tool or OTHER), principal.agent)
        )
        return given(inspection.outcome(Returned({"content": [], "structuredContent": {OUTPUT: result}}, "")), result)

    def end_of(self, run: RunId, why: str, *, conversation: str, agent: str | None = None) -> None:
        """Nothing more will be told of a client's uses; of those of one of its subagents, where `agent` is given."""
        self._under_way.end(run, why, conversation=conversation, agent=agent)

    # --- what the engine asks

    def cut(self, call: CallId) -> asyncio.Future[Reply] | None:
        """A stop has come over it. The client may still be at it: nobody knows what comes of it, and nobody hears of it."""
        work = self._under_way.get(call)
        if work is None:
            return None
        work.end(Unknown("stopped by an operator"))
        return work.reply

    def close_run(self, run: RunId, why: str) -> None:
        self._under_way.end(run, why)
        self._judged.forget(run)

    async def call(self, sending: Sending) -> Reply:
        """Let the client go on, and answer when it has told what came of it."""
        work = self._asked.pop(sending.call, None)
        if work is None or work.is_gone or work.judgement is None:
            return NotSent("nobody waits for this call")
        if len(self._under_way.of(work.run)) >= MOST_OPEN:
            return NotSent(f"{MOST_OPEN} calls of the run are under way")
        run = await self.run(work.run)
        work.reach = await reach_of(self._store, run, LOCAL, work.tool)
        if work.is_gone or not sending.may_send():
            return NotSent("it was stopped before anything was done")
        self._under_way.add(sending.call, work)
        self._judged.let_through(run, work.judgement, work.content)
        work.granted.set_result(sending.arguments)
        try:
            await settled([asyncio.shield(work.reply)], self._clock, min(sending.deadline_s, LONGEST_S))
            return work.reply.result() if work.reply.done() else Unknown("the client has told nothing more of it")
        finally:
            self._under_way.remove(sending.call, work)

    async def close(self) -> None:
        """The gateway is stopping; what came of what is under way is not known."""
        for work in self._under_way:
            work.end(Unknown("the gateway is stopping"))
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._judged.close()

    def _ended(self, work: Work, task: asyncio.Task[Outcome]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            logger.error("a call of a client's own tool could not be decided or recorded: %s", error)
        elif work.is_gone and isinstance(outcome := task.result(), Waiting):
            self._approvals.let_go(outcome.ticket.id)

    async def run(self, run: RunId) -> Run:
        """Raises UnavailableError."""
        found = await self._store.run(run)
        if found is None:
            raise UnavailableError(f"run {run} has a credential but no record")
        return found
