"""Step 2: everything that one decision may see of a call, read once and frozen.

case = await gathering.gather(principal, view, call, meta)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ringfence.core.labelling import trusted_words
from ringfence.core.leaving import leaves, weight_of
from ringfence.core.ledger.charges import Plan, charges_of
from ringfence.core.mcp.client_meta import ClientMeta
from ringfence.core.model.agent import Limits
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.label import Label, join_all
from ringfence.core.model.local import Judgement
from ringfence.core.model.local_rules import Words
from ringfence.core.model.meter import Charge
from ringfence.core.model.model_use import ModelUse
from ringfence.core.model.pause import paused_ms
from ringfence.core.model.provenance import Flow
from ringfence.core.model.run import Posture, Run, RunState
from ringfence.core.model.sql import SqlText
from ringfence.core.model.stop import Reach, Stop
from ringfence.core.model.ticket import Ticket
from ringfence.core.model.tool import Tool
from ringfence.core.narrowing.grants import limited
from ringfence.core.own_tools.connecting import server_of
from ringfence.core.own_tools.handoff import HANDOFF
from ringfence.core.own_tools.local_calls import judged
from ringfence.core.rules import AgentRule
from ringfence.engine.catalogue.catalogue import AgentView, Catalogue
from ringfence.engine.hearing import Hearing
from ringfence.engine.identity.identify import Principal
from ringfence.engine.runs.handing import handing_of
from ringfence.engine.stopping.trails import Trails
from ringfence.engine.tickets import is_superseded, is_waited_for
from ringfence.engine.waiting.reading import Reading
from ringfence.engine.waiting.sql_texts import SqlTexts
from ringfence.engine.waiting.waiters import Waiters
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import CallState, Store


@dataclass(frozen=True, slots=True)
class Case:
    """One call with everything that was read about it."""

    principal: Principal
    view: AgentView | None
    call: Call
    facts: Facts
    pending: tuple[Ticket, ...]
    """The run's tickets that wait for a person."""
    meta: ClientMeta


class Gathering:
    """Of one engine."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        waiters: Waiters,
        trails: Trails,
        hearing: Hearing,
        reading: Reading,
        sql: SqlTexts,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._waiters = waiters
        self._trails = trails
        self._hearing = hearing
        self._reading = reading
        self._sql = sql

    async def gather(
        self,
        principal: Principal,
        view: AgentView | None,
        call: Call,
        meta: ClientMeta,
        use: ModelUse | None = None,
        local: Judgement | None = None,
    ) -> Case:
        """Read once, freeze. Raises UnavailableError where anything cannot be read fresh (I3)."""
        state = await self._state(call)
        tool = view.tools.get(call.tool) if view is not None and call.server else None
        tool = judged(tool, local) if tool is not None and local is not None else tool
        sql: tuple[SqlText, ...] = ()
        if tool is not None and view is not None and self._is_sql_asked_for(call, view) and not self._is_stopped(call, state):
            sql = await self._sql.of(call, tool)
            state = await self._state(call)  # it took a while
        plan = view.plans.get(call.tool) if view is not None and tool is not None else None
        label, flow = join_all(run.label for run in state.chain), self._flow(view, state.chain)
        reach = _reach(call, state)
        stops = self._stops(call, reach)
        is_long = tool is not None and flow is not None and self._reading.is_long(call, flow, self._hearing.unread(call.run))
        if is_long and (stops or any(run.state is not RunState.OPEN for run in state.chain)):
            flow = None  # it is denied for that, whatever its values are: somebody who was stopped costs nothing more
        elif is_long and tool is not None and flow is not None:
            weighed = plan is not None and plan.weighs(label.confidentiality)
            await self._reading.read(call, tool, flow, label, weighed=weighed)
            # It took a while. What was said and given counts as it was when the call came; all else is read again.
            state, before = await self._state(call), label
            if (label := join_all(run.label for run in state.chain)) != before:
                flow = self._flow(view, state.chain)
            stops = self._stops(call, reach)
        agents = self._catalogue.rules.agents
        chain = tuple(
            Link(
                run,
                account.held + account.spent,
                limited(agents[run.agent].limits if run.agent in agents else Limits(calls_per_run=0), run.grant),
                account.extra if run.agent in agents else 0,
                run.agent == call.agent or self._agent_may(run.agent, call),
                self._paused(state, place),
            )
            for place, (run, account) in enumerate(zip(state.chain, state.accounts, strict=True))
        )
        charges, uncountable = _charges(plan, call, chain, tool, flow, label, use, local) if plan is not None else ((), ())
        facts = Facts(
            now=self._clock.now(),
            chain=chain,
            agent=view.agent if view else None,
            tool=tool,
            stops=stops,
            ticket=state.ticket,
            pending=sum(
                1 for ticket in state.pending if is_waited_for(ticket, self._waiters) or not is_superseded(ticket, call)
            ),
            posture=Posture.SEPARATE if view is not None and view.rule.only_mcp else principal.posture,
            charges=charges,
            meters=await self._store.meters([charge.meter for charge in charges]) if charges else (),
            freezes=plan.freezes if plan is not None else (),
            loops=plan.loops if plan is not None else None,
            trail=self._trails.of(call.run) if plan is not None and plan.loops is not None else None,
            uncountable=uncountable,
            quarantine=self._catalogue.quarantine(view, call),
            environments=_environments(view, *(agents[link.run.agent] for link in chain if link.run.agent in agents)),
            label=label,
            flow=flow,
            handing=await handing_of(call, self._store) if call.tool == HANDOFF else None,
            policy=self._catalogue.policy,
            sql=sql,
            local=local,
        )
        return Case(principal, view, call, facts, state.pending, meta)

    async def _state(self, call: Call) -> CallState:
        state = await self._store.call_state(call.run, Reach(call.agent, (call.run,), call.server, call.tool), call.digest)
        if state is None:
            raise UnavailableError(f"run {call.run} has a credential but no record")
        return state

    def _is_sql_asked_for(self, call: Call, view: AgentView) -> bool:
        return self._sql.are_asked_for(view.agent) and call.server in self._catalogue.rules.servers

    def _is_stopped(self, call: Call, state: CallState) -> bool:
        """Whether it is denied whatever it says."""
        return bool(self._stops(call, _reach(call, state))) or any(run.state is not RunState.OPEN for run in state.chain)

    def _flow(self, view: AgentView | None, chain: tuple[Run, ...]) -> Flow | None:
        """What is known of where the run's values come from, where somebody looks."""
        rules = view.rule.provenance if view is not None else None
        if rules is None:
            return None
        run, agents = chain[0], self._catalogue.rules.agents
        heard, forgot = self._hearing.of(run.id), self._hearing.has_forgotten(run.id, run.opened_at)
        attesting = frozenset(link.agent for link in chain if (rule := agents.get(link.agent)) and _is_attesting(rule))
        return Flow(rules=rules, words=trusted_words(chain, attesting), heard=heard, forgot=forgot)

    def _paused(self, state: CallState, place: int) -> int:
        """For how long a run of the chain was paused, where its wall clock stands still meanwhile."""
        if not (state.pauses or state.stops):
            return 0
        agent = self._catalogue.rules.agents.get(state.chain[place].agent)
        if agent is None or agent.limits.counts_pauses:
            return 0
        return paused_ms(state.chain[place:], state.pauses, state.stops, self._clock.now())

    def _stops(self, call: Call, reach: Reach) -> tuple[Stop, ...]:
        """What stops a server stops its ways out too."""
        found = self._store.stops_on(reach)
        server = server_of(call)
        return found if server is None else tuple(dict.fromkeys((*found, *self._store.stops_on(replace(reach, server=server)))))

    def _agent_may(self, agent: AgentId, call: Call) -> bool:
        """Whether the other agent of a run above has the tool, with arguments that satisfy what it was shown."""
        view = self._catalogue.view(agent)
        tool = view.tools.get(call.tool) if view is not None and call.tool in view.agent.tools else None
        return tool is not None and tool.validator is not None and bool(tool.validator.is_valid(call.shown))


def _reach(call: Call, state: CallState) -> Reach:
    above = tuple(run.agent for run in state.chain[1:])
    return Reach(call.agent, tuple(run.id for run in state.chain), call.server, call.tool, above)


def _charges(
    plan: Plan,
    call: Call,
    chain: tuple[Link, ...],
    tool: Tool | None,
    flow: Flow | None,
    label: Label,
    use: ModelUse | None,
    local: Judgement | None,
) -> tuple[tuple[Charge, ...], tuple[str, ...]]:
    """What the call costs. What leaves with it is weighed only where somebody has capped it."""
    given = label.confidentiality
    is_weighed = tool is not None and plan.weighs(given) and leaves(call, tool, flow)
    return charges_of(plan, call, chain, weight_of(call) if is_weighed else None, given, use, local)


def _environments(view: AgentView | None, *agents: AgentRule) -> frozenset[str]:
    """Labels that a call is bound to: of the agents of its chain, and of who asks in their place."""
    of_view = (view.rule.environment,) if view is not None else ()
    return frozenset(label for label in (*of_view, *(agent.environment for agent in agents)) if label)


def _is_attesting(rule: AgentRule) -> bool:
    """Whether the operator lets what is typed into the agent's client count as people's words."""
    return rule.local is not None and rule.local.words is Words.CLIENT_ATTESTED
