"""Boxes of servers, as the engine sees them: in whose name their processes reach others, what stops them, what the log says.

A process that serves one run reaches others in the name of that run, by the rules of the server. One that serves several, or
only lists tools, does so in the name of the server itself, in its standing run. Either way the call names the server, so what
stops the server stops it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.binding import BindingKind, bound_to
from ringfence.core.model.identifiers import AgentId, RunId, ServerId, ToolId
from ringfence.core.model.run import Posture, Run, RunState
from ringfence.core.model.stop import Reach, StopMode
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.core.rules import server_agent
from ringfence.engine.identity.identify import Presented
from ringfence.engine.identity.reaching import reach_of
from ringfence.engine.ids import Ids
from ringfence.engine.runs.runs import GATEWAY, NotDone, Runs
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store

OF_RUN, OF_AGENT = "run:", "agent:"
"""How the principal of a process begins that serves one run, or the runs of one agent."""
TASK = "what the server's processes reach from their boxes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """One process of a server in a box."""

    server: ServerId
    agent: AgentId
    """Whose name stands in the log: the agent that it serves alone, or the server's own."""
    run: RunId | None
    """None: it has no way out and serves no single run."""
    presented: Presented | None
    """What its way out stands for; None: it has none."""
    reach: Reach


class ServerBoxBook:
    """All of them of one gateway."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, runs: Runs) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._runs = runs
        self._standing = asyncio.Lock()
        self._kept: dict[RunId, Presented] = {}

    async def adopt(self, server: ServerId, principal: str, *, way_out: bool) -> ServerProcess:
        """A process that is about to start. Raises UnavailableError where the run that it would serve is over."""
        whose = principal.partition("|")[0]
        if whose.startswith(OF_RUN):
            run = await self._store.run(RunId(whose.removeprefix(OF_RUN)))
            if run is None or run.state is not RunState.OPEN:
                raise UnavailableError(f"run {whose.removeprefix(OF_RUN)} is over")
            return await self._of(run, server, way_out=way_out)
        name = server_agent(server)
        above = (AgentId(whose.removeprefix(OF_AGENT)),) if whose.startswith(OF_AGENT) else ()
        if way_out:
            return await self._of(await self._standing_run(name), server, way_out=True, above=above)
        reach = Reach(name, (), server, ToolId(""), above)
        return ServerProcess(server=server, agent=name, run=None, presented=None, reach=reach)

    async def started(self, process: ServerProcess, told: Mapping[str, Any]) -> None:
        """Record that it is about to start. Durable when this returns. Raises UnavailableError."""
        await self._note(process, f"server {process.server} started in a box", told)

    async def ended(self, process: ServerProcess, told: Mapping[str, Any]) -> None:
        """Record how it ended. Raises UnavailableError."""
        why = told.get("why") or f"exit code {told.get('code')}"
        await self._note(process, f"server {process.server} ended in its box: {why}", told)

    def killed(self, process: ServerProcess) -> str:
        """Why it has to end now; empty: it may go on. What cannot be read fresh ends it."""
        try:
            stops = self._store.stops_on(process.reach)
        except UnavailableError as error:
            return str(error)
        return next((f"killed by {stop.by}" for stop in stops if stop.mode is StopMode.KILL), "")

    async def _of(self, run: Run, server: ServerId, *, way_out: bool, above: tuple[AgentId, ...] = ()) -> ServerProcess:
        reach = await reach_of(self._store, run, server)
        reach = Reach(reach.agent, reach.runs, reach.server, reach.tool, (*reach.above, *above))
        presented = await self._presented(run, server) if way_out else None
        return ServerProcess(server=server, agent=run.agent, run=run.id, presented=presented, reach=reach)

    async def _presented(self, run: Run, server: ServerId) -> Presented:
        """What stands for the run within this process. Processes of one standing run share it, so that rows do not pile up."""
        if run.standing and (known := self._kept.get(run.id)) is not None:
            return known
        binding = bound_to(BindingKind.BOX, self._ids.box())
        credential = await self._runs.add_credential(run.id, binding=binding, lasting=True)
        if isinstance(credential, NotDone):
            raise UnavailableError(credential.why)
        presented = Presented(credential, Posture.BOXED, frozenset({binding}), server=server)
        if run.standing:
            self._kept[run.id] = presented
        return presented

    async def _standing_run(self, agent: AgentId) -> Run:
        async with self._standing:
            found = next((run for run in await self._store.runs() if run.agent == agent and run.standing), None)
            if found is not None:
                return found
            binding = bound_to(BindingKind.BOX, self._ids.box())
            opened = await self._runs.open(agent, TASK, by=GATEWAY, trusted=False, standing=True, binding=binding)
            if isinstance(opened, NotDone):
                raise UnavailableError(opened.why)
            return opened.run

    async def _note(self, process: ServerProcess, summary: str, body: Mapping[str, Any]) -> None:
        entry = Entry(
            kind=EntryKind.RUN if process.run is not None else EntryKind.GATEWAY,
            at=self._clock.now(),
            summary=summary[:200],
            run=process.run,
            agent=process.agent,
            by=GATEWAY,
            body={"server": process.server, **body},
        )
        receipt = await self._store.record(Unit((entry,)))
        if isinstance(receipt, Conflict):
            raise UnavailableError(receipt.detail)
        await receipt.durable()
