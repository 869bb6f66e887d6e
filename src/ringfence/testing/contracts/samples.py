"""Small valid values for the contract suites; every argument that a test does not care about has a default."""

from __future__ import annotations

from ringfence.core.definitions.pins import Pin, PinKind
from ringfence.core.model.identifiers import AgentId, CallId, Digest, OperatorName, RunId, ServerId, TicketId, ToolId
from ringfence.core.model.meter import Charge, MeterKind
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.run import Credential, Run
from ringfence.core.model.stop import Reach, Scope, ScopeKind, Stop, StopMode
from ringfence.core.model.ticket import Ticket, Vote
from ringfence.core.model.verdict import Gate, ReasonCode
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import OpenRun, Reserve, Unit

AGENT = AgentId("support")
SERVER = ServerId("orders")
TOOL = ToolId("orders.refund")


def an_entry(
    summary: str = "something happened", *, kind: EntryKind = EntryKind.DECISION, at: int = 1000, **fields: str
) -> Entry:
    """`fields`: run, agent, tool, call, decision."""
    return Entry(
        kind=kind,
        at=at,
        summary=summary,
        run=RunId(fields["run"]) if "run" in fields else None,
        agent=AgentId(fields["agent"]) if "agent" in fields else None,
        tool=ToolId(fields["tool"]) if "tool" in fields else None,
        call=CallId(fields["call"]) if "call" in fields else None,
        decision=fields.get("decision"),
        body={},
    )


def a_run(name: str = "run-1", *, ancestors: tuple[str, ...] = (), opened_at: int = 1) -> Run:
    return Run(
        id=RunId(name),
        agent=AGENT,
        task="answer the tickets",
        task_trusted=True,
        opened_by="operator:ada",
        opened_at=opened_at,
        expires_at=None,
        ancestors=tuple(RunId(ancestor) for ancestor in ancestors),
    )


def a_credential(name: str = "hash-1", *, run: str = "run-1", binding: str = "") -> Credential:
    return Credential(hash=name, agent=AGENT, run=RunId(run), expires_at=5000, binding=binding)


def opening(name: str = "run-1", *, ancestors: tuple[str, ...] = (), credential: str | None = None, opened_at: int = 1) -> Unit:
    run = a_run(name, ancestors=ancestors, opened_at=opened_at)
    presented = None if credential is None else a_credential(credential, run=name)
    return Unit((an_entry("run opened", kind=EntryKind.RUN, run=name),), (OpenRun(run, presented),))


def reserving(
    call: str, *caps: tuple[str, int | None], charges: tuple[Charge, ...] = (), at: int = 0, counts: bool = True
) -> Unit:
    """A decision that holds one call for the run and its ancestors, and what it is charged."""
    chain = tuple((RunId(run), cap) for run, cap in caps)
    return Unit(
        (an_entry("allowed", call=call, decision="allow"),), (Reserve(CallId(call), TOOL, chain, charges, at, counts=counts),)
    )


def a_charge(meter: str, kind: MeterKind, *, cap: int, amount: int = 1, span: int = 0) -> Charge:
    return Charge(meter, kind, cap, amount, span)


def a_ticket(
    name: str = "ticket-1",
    *,
    digest: str = "digest-1",
    run: str = "run-1",
    quorum: int = 1,
    created_at: int = 1000,
    approvable: bool = True,
) -> Ticket:
    return Ticket(
        id=TicketId(name),
        call=CallId(f"call-of-{name}"),
        digest=Digest(digest),
        agent=AGENT,
        run=RunId(run),
        tool=TOOL,
        server=SERVER,
        upstream_name="refund",
        pin=Digest("pin"),
        arguments=b'{"amount":5}',
        shown=b'{"amount":5}',
        gates=(Gate(ReasonCode.COSTS_MONEY, quorum),),
        created_at=created_at,
        expires_at=9000,
        card_digest=Digest("card"),
        card=b"{}",
        approvable=approvable,
    )


def a_vote(operator: str = "ada", *, approve: bool = True, at: int = 2000) -> Vote:
    return Vote(operator=OperatorName(operator), approve=approve, reason="seen", at=at)


def a_stop(
    name: str = "stop-1",
    *,
    kind: ScopeKind = ScopeKind.EVERYTHING,
    target: str = "",
    agent: str | None = None,
    reason: str = "",
) -> Stop:
    scope = Scope(kind, target, None if agent is None else AgentId(agent))
    return Stop(id=name, mode=StopMode.KILL, scope=scope, reason=reason, by="operator:ada", at=3000)


def a_reach(*runs: str) -> Reach:
    return Reach(AGENT, tuple(RunId(run) for run in runs or ("run-1",)), SERVER, TOOL)


def an_operator(name: str = "ada", *, role: Role = Role.ADMIN) -> Operator:
    return Operator(name=OperatorName(name), role=role, credential_hash=f"hash-of-{name}")


def a_pin(name: str = "refund", *, digest: str = "digest-1", era: str = "modern", server: str = "orders") -> Pin:
    return Pin(
        server=ServerId(server),
        kind=PinKind.TOOL,
        name=name,
        era=era,
        capabilities=Digest("capabilities"),
        digest=Digest(digest),
        definition=b'{"name":"refund"}',
        by="gateway",
        at=1000,
    )
