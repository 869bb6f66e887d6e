"""Calls of the client's own tools that are under way: each is one call, from its decision to what its client told of it.

    answer = await local.ask(presented, principal, use, event)        # before: held while a person decides
    answer = await local.told(principal, use, result, failed)         # after: as much of it as the agent may have

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
from ringfence.core.model.stop import StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.own_tools.local_calls import LONGEST_S, OTHER, TOOLS, arguments_of, tool_id
from ringfence.core.rules import AgentRule
from ringfence.core.scan.scanner import Scanner
from ringfence.core.strict_json.canonical import JsonLimits, parse_strict
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.own_server import OwnServer
from ringfence.engine.identity.identify import Presented, Principal
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.inspection import Inspection
from ringfence.engine.local.asked import Answer, Event, Say, ToolUse
from ringfence.engine.local.judged import Judged, Judges, no_home
from ringfence.engine.local.outcomes import ENDED, KILLED, OUTPUT, PAUSED, UNAVAILABLE, given, refusal, waiting
from ringfence.engine.local.standing import LOOK_S, wait_for_pause
from ringfence.engine.local.under_way import UnderWay, Work, key_of
from ringfence.engine.outcome import Outcome, Refused, Returned, Waiting
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.runs.runs import Runs
from ringfence.engine.secrets.personal_data import scan_rule, without_personal
from ringfence.engine.waiting.waiting import settled
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.files import Files
from ringfence.ports.store import Store
from ringfence.ports.upstream import Answered, NotSent, Reply, Sending, Unknown

MOST_OPEN: Final = 512
"""Calls of one run under way at once."""
_DEFINITION: Final[Mapping[str, Any]] = {"name": "local", "inputSchema": {"type": "object"}}
_DECIDED: Final = JsonLimits(string_bytes=64 << 20)
"""What was read at the hook is read again: a file that is written may be longer than a string on the wire."""

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
        runs: Runs,
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
        self._runs = runs
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

    async def ask(self, presented: Presented, principal: Principal, use: ToolUse, event: Event) -> Answer:
        """Whether the client may go on. Held while a person, or the end of a pause, is all that is missing.

        Raises UnavailableError.
        """
        agent = self._catalogue.rules.agents.get(principal.agent)
        local = agent.local if agent is not None else None
        run = await self._run(principal.run)
        until = self._clock.monotonic() + (local.hold_s if local is not None else 0.0)
        name = use.tool if use.tool in TOOLS else OTHER
        while True:
            await wait_for_pause(self._store, self._clock, run.id, name, until)
            try:
                # The rules may be other ones by now, after a wait.
                agent = self._catalogue.rules.agents.get(principal.agent)
                work = await self._enforced(presented, run, agent, name, use, event)
            except RequestError as error:
                logger.warning("a hook of run %s told of what is no tool's input: %s", run.id, error)
                return Answer(say=Say.REFUSE, why="ringfence: refused: malformed request")
            if work.granted.done():
                return self._let_through(work, use)
            assert work.task is not None  # INVARIANT: `_enforced` has begun it
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

    async def _enforced(
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
        run = await self._run(work.run)
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

    async def _run(self, run: RunId) -> Run:
        found = await self._store.run(run)
        if found is None:
            raise UnavailableError(f"run {run} has a credential but no record")
        return found
