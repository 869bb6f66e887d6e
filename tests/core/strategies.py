"""Arbitrary calls and facts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ringfence.core.framing import frame
from ringfence.core.model.agent import Agent, Limits
from ringfence.core.model.call import Call
from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.grant import EVERYTHING, Grant
from ringfence.core.model.identifiers import AgentId, CallId, Digest, OperatorName, RunId, ServerId, TicketId, ToolId
from ringfence.core.model.limits import Freeze, Loops
from ringfence.core.model.meter import Charge, Meter, MeterKind
from ringfence.core.model.profile import ConditionalProfile, Effect, Sensitivity, ToolProfile
from ringfence.core.model.run import Posture, Run, RunState
from ringfence.core.model.stop import Scope, ScopeKind, Stop, StopMode
from ringfence.core.model.ticket import Ticket, TicketState, Vote
from ringfence.core.model.tool import Tool
from ringfence.core.model.trail import Trail
from ringfence.core.model.verdict import Gate, ReasonCode
from ringfence.core.narrowing.tightening import compile_schema

TOOL = ToolId("pay.refund")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": {"type": "integer", "minimum": 0, "maximum": 1000}, "order": {"type": "string", "maxLength": 8}},
    "required": ["amount"],
    "additionalProperties": False,
}

profiles = st.builds(
    ToolProfile,
    effect=st.sampled_from(Effect),
    reversible=st.booleans(),
    bounded=st.booleans(),
    costs_money=st.booleans(),
    identity=st.booleans(),
    outbound=st.booleans(),
    sensitivity=st.sampled_from(Sensitivity),
    quorum=st.integers(1, 3),
)
conditionals = st.lists(
    st.builds(
        lambda limit, profile: ConditionalProfile((Condition("/amount", Operation.LE, limit),), profile, f"amount <= {limit}"),
        st.integers(0, 50),
        profiles,
    ),
    max_size=2,
).map(tuple)
arguments = st.dictionaries(
    st.sampled_from(["amount", "order", "extra"]),
    st.one_of(st.integers(-5, 60), st.text(max_size=10), st.booleans()),
    max_size=3,
)
validators = st.sampled_from([compile_schema(SCHEMA), compile_schema(SCHEMA), compile_schema({"type": "object"}), None])


@st.composite
def tools(draw: st.DrawFn) -> Tool:
    validator = draw(validators)
    return Tool(
        id=TOOL,
        server=ServerId("pay"),
        upstream_name="refund",
        definition={"name": "refund", "inputSchema": SCHEMA},
        pin=Digest("p1"),
        profile=draw(profiles),
        conditional=draw(conditionals),
        fixed=draw(st.sampled_from([{}, {}, {"order": "fixed"}])),
        validator=validator,
        upstream_validator=draw(validators),
    )


limits = st.builds(
    Limits,
    calls_per_run=st.none() | st.integers(0, 6),
    wall_clock_s=st.none() | st.integers(0, 4),
    pending_approvals=st.integers(0, 3),
)


grants = st.builds(
    Grant,
    tools=st.sampled_from([None, None, frozenset({TOOL}), frozenset[ToolId]()]),
    bounds=st.dictionaries(
        st.sampled_from([TOOL, ToolId("pay.other")]),
        st.tuples(st.builds(Condition, st.just("/amount"), st.just(Operation.LE), st.integers(0, 200))),
        max_size=1,
    ),
    until=st.none() | st.integers(0, 8000),
)


def runs(run_id: str) -> st.SearchStrategy[Run]:
    return st.builds(
        Run,
        id=st.just(RunId(run_id)),
        agent=st.just(AgentId("support")),
        task=st.just("task"),
        task_trusted=st.booleans(),
        opened_by=st.just("operator:alice"),
        opened_at=st.integers(0, 2000),
        expires_at=st.none() | st.integers(0, 8000),
        state=st.sampled_from([RunState.OPEN, RunState.OPEN, RunState.OPEN, RunState.CLOSED]),
        grant=st.just(EVERYTHING) | grants,
    )


_may = st.sampled_from([True, True, True, True, False])
links = st.lists(st.integers(0, 2), min_size=1, max_size=3).flatmap(
    lambda seeds: st.tuples(
        *(st.builds(Link, runs(f"r{index}"), st.integers(0, 7), limits, agent_may=_may) for index in range(len(seeds)))
    )
)
stops = st.lists(
    st.builds(
        Stop,
        id=st.sampled_from(["s1", "s2"]),
        mode=st.sampled_from(StopMode),
        scope=st.just(Scope(ScopeKind.EVERYTHING)),
        reason=st.just("because"),
        by=st.just("operator:alice"),
        at=st.just(0),
    ),
    max_size=2,
).map(tuple)
gates = st.lists(
    st.builds(
        Gate,
        st.sampled_from(
            [ReasonCode.IRREVERSIBLE, ReasonCode.COSTS_MONEY, ReasonCode.IDENTITY, ReasonCode.UNBOUNDED, ReasonCode.FROZEN]
        ),
        st.integers(1, 3),
    ),
    max_size=12,
).map(tuple)


charged = st.lists(
    st.tuples(
        st.builds(Charge, st.just("open:tool/t:all"), st.just(MeterKind.OPEN), st.integers(0, 4), st.just(1)),
        st.none() | st.builds(Meter, st.just(MeterKind.OPEN), held=st.integers(0, 4), extra=st.integers(0, 1)),
    ),
    max_size=2,
).map(tuple)
freezes = st.lists(
    st.builds(
        Freeze,
        text=st.just("a window"),
        dated=st.tuples(st.integers(0, 4000), st.integers(4000, 8000)),
        asks=st.booleans(),
        reads=st.booleans(),
    ),
    max_size=2,
).map(tuple)


@st.composite
def tickets(draw: st.DrawFn, call: Call) -> Ticket:
    return Ticket(
        id=TicketId("t1"),
        call=CallId("c0"),
        digest=draw(st.sampled_from([call.digest, call.digest, Digest("other")])),
        agent=call.agent,
        run=call.run,
        tool=call.tool,
        server=call.server,
        upstream_name=call.upstream_name,
        pin=call.pin,
        arguments=call.arguments,
        shown=call.arguments,
        gates=draw(gates),
        created_at=0,
        expires_at=draw(st.integers(0, 8000)),
        card_digest=Digest("card"),
        card=b"{}",
        approvable=True,
        state=draw(st.sampled_from(TicketState)),
        votes=(Vote(operator=OperatorName("bob"), approve=True, reason="", at=1),),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Call, Facts]:
    """A call with everything that one decision may see."""
    tool = draw(tools())
    call = frame(CallId("c1"), AgentId("support"), RunId("r0"), tool, draw(arguments))
    listed = draw(st.sampled_from([tool, tool, tool, None]))
    if draw(st.integers(0, 9)) == 0 and listed is not None:
        listed = draw(tools()) if draw(st.booleans()) else listed
    exposed = draw(st.sampled_from([frozenset({TOOL}), frozenset({TOOL}), frozenset[ToolId]()]))
    agent = draw(
        st.sampled_from([Agent(id=AgentId("support"), purpose="help", tools=exposed), None])
        if draw(st.integers(0, 9)) == 0
        else st.just(Agent(id=AgentId("support"), purpose="help", tools=exposed))
    )
    charges = draw(st.just(()) | charged)
    facts = Facts(
        charges=tuple(charge for charge, _ in charges),
        meters=tuple(meter for _, meter in charges),
        freezes=draw(st.just(()) | freezes),
        loops=draw(st.none() | st.just(Loops(2, 1000))),
        trail=draw(st.none() | st.builds(Trail, st.just(((call.digest[:16], "r"),)), st.just(0), st.integers(0, 12_000))),
        uncountable=draw(st.sampled_from([(), (), ("/amount is missing",)])),
        now=draw(st.integers(0, 8000)),
        chain=draw(links),
        agent=agent,
        tool=listed,
        stops=draw(st.just(()) | stops),
        ticket=draw(st.none() | tickets(call)),
        pending=draw(st.integers(0, 4)),
        posture=Posture.SEPARATE,
        quarantine=draw(st.sampled_from(["", "", "", "its definition is not the one that was pinned"])),
    )
    return call, facts
