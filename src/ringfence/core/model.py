"""The values that everything else speaks of. Frozen, validated when built.

Times are integer milliseconds since the Unix epoch. Counts and money are integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, NewType

AgentId = NewType("AgentId", str)
RunId = NewType("RunId", str)
ServerId = NewType("ServerId", str)
ToolId = NewType("ToolId", str)
"""Canonical `server.tool`."""
TicketId = NewType("TicketId", str)
CallId = NewType("CallId", str)
"""Joins the entries of one call: decision, approval, outcome."""
OperatorName = NewType("OperatorName", str)
Digest = NewType("Digest", str)
"""Lower-case hex SHA-256 over RFC 8785 canonical JSON."""
Millis = int

Json = None | bool | int | float | str | list[Any] | dict[str, Any]


class Level(IntEnum):
    """What a decision says; the strictest wins."""

    ALLOW = 0
    ASK = 1
    DENY = 2
    HALT = 3


class ReasonCode(StrEnum):
    """Why. Closed and documented (docs/reasons.md): a new code breaks every match that forgot it."""

    # standing
    KILLED = "killed"
    PAUSED = "paused"
    TOOL_DISABLED = "tool_disabled"
    RUN_CLOSED = "run_closed"
    RUN_EXPIRED = "run_expired"
    # identity
    CREDENTIAL = "credential"
    # exposure
    UNKNOWN_TOOL = "unknown_tool"
    NOT_EXPOSED = "not_exposed"
    PIN_CHANGED = "pin_changed"
    # arguments
    ARGUMENTS = "arguments"
    # limits
    CALL_CAP = "call_cap"
    WALL_CLOCK = "wall_clock"
    TOO_MANY_PENDING = "too_many_pending"
    # blast radius: the gates that a person opens
    IRREVERSIBLE = "irreversible"
    COSTS_MONEY = "costs_money"
    IDENTITY = "identity"
    UNBOUNDED = "unbounded"
    # approvals
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    APPROVAL_USED = "approval_used"
    APPROVED = "approved"
    # the machinery
    NOT_RECORDED = "not_recorded"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    INTERNAL = "internal"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """One reason of a decision. `detail` is for operators only; the agent sees the code's class."""

    code: ReasonCode
    check: str
    detail: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Gate:
    """What a person has to open before a call may go on. Bound to a ticket by value."""

    code: ReasonCode
    quorum: int = 1
    """How many distinct operators must approve."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says."""

    level: Level
    reasons: tuple[Reason, ...] = ()
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The join of all verdicts."""

    level: Level
    reasons: tuple[Reason, ...] = ()
    gates: tuple[Gate, ...] = ()
    """Gates still closed. Empty unless the level is ASK."""
    consumes: TicketId | None = None
    """The approved ticket that this decision uses up."""


# --- tools -----------------------------------------------------------------------------------------------------------


class Effect(StrEnum):
    READ = "read"
    WRITE = "write"


class Sensitivity(StrEnum):
    """Confidentiality of what a tool reads, in rising order."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    REGULATED = "regulated"


class Trust(StrEnum):
    """Integrity of what a tool returns."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProfile:
    """What a tool can do. Every default is the worst: what nobody described is not trusted."""

    effect: Effect = Effect.WRITE
    reversible: bool = False
    inverse: ToolId | None = None
    """The tool that undoes it, where there is one."""
    bounded: bool = False
    """One call changes a small, known amount of state."""
    costs_money: bool = True
    identity: bool = True
    """Touches accounts, roles, keys or permissions."""
    outbound: bool = True
    """Reaches somebody outside the organisation."""
    sensitivity: Sensitivity = Sensitivity.REGULATED
    trust: Trust = Trust.UNTRUSTED
    authority: tuple[str, ...] = ()
    """JSON pointers of the arguments that carry authority (recipient, amount, host)."""
    secret: tuple[str, ...] = ()
    """JSON pointers of the arguments whose value never enters an entry, a card or a log."""
    objects: tuple[str, ...] = ()
    """JSON pointers of the arguments that name the object touched, for `audit touched`."""
    quorum: int = 1
    """How many distinct operators a gate of this tool needs."""
    worst: str = ""
    """One sentence: the worst that one call can do. Shown on the card."""


WORST_PROFILE = ToolProfile()


class Operation(StrEnum):
    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison on an argument. An absent argument or another type never holds, so the stricter profile stays."""

    pointer: str
    operation: Operation
    operand: str | int | float | bool | tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class ConditionalProfile:
    """The profile that applies when every condition holds."""

    conditions: tuple[Condition, ...]
    profile: ToolProfile
    text: str
    """The conditions as the operator wrote them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool as one agent may see it: the upstream's definition, tightened, with its profile.

    `name` is canonical `server.tool`; `upstream_name` is what the server calls it. A derived tool has its own name and the
    `fixed` arguments that the gateway fills in.
    """

    id: ToolId
    server: ServerId
    upstream_name: str
    definition: Mapping[str, Any]
    """The MCP tool object shown to agents: tightened schema, fixed arguments removed, name untouched."""
    pin: Digest
    """Digest of the whole upstream definition as listed."""
    profile: ToolProfile
    conditional: tuple[ConditionalProfile, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    validator: Any = None
    """Compiled `jsonschema_rs` validator of the shown schema; None means the schema could not be compiled: deny."""
    upstream_validator: Any = None
    """Compiled validator of the upstream's own schema, for the arguments that a derived tool sends."""

    def profile_for(self, arguments: Mapping[str, Any]) -> ToolProfile:
        """The profile of one call: the first conditional profile whose conditions all hold, else the base."""
        for candidate in self.conditional:
            if all(holds(condition, arguments) for condition in candidate.conditions):
                return candidate.profile
        return self.profile


_ABSENT: Any = object()


def at_pointer(value: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901) or the marker that `is_absent` knows."""
    for raw in pointer.split("/")[1:]:
        part = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif (
            isinstance(value, list) and part.isascii() and part.isdigit() and str(int(part)) == part and int(part) < len(value)
        ):
            value = value[int(part)]
        else:
            return _ABSENT
    return value


def is_absent(value: Any) -> bool:
    return value is _ABSENT


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def holds(condition: Condition, arguments: Mapping[str, Any]) -> bool:
    """Whether an argument satisfies a condition; types must agree, so `"5" <= 10` is false."""
    value = at_pointer(arguments, condition.pointer)
    operand = condition.operand
    if value is _ABSENT or isinstance(value, list | dict) or value is None:
        return False
    if isinstance(operand, tuple):
        same = [item for item in operand if _kind(item) == _kind(value)]
        return condition.operation is Operation.IN and value in same
    if _kind(value) != _kind(operand):
        return False
    match condition.operation:
        case Operation.EQ:
            return bool(value == operand)
        case Operation.NE:
            return bool(value != operand)
        case Operation.IN:
            return False
        case Operation.LT | Operation.LE | Operation.GT | Operation.GE if _kind(value) != "number":
            return False
        case Operation.LT:
            return bool(value < operand)
        case Operation.LE:
            return bool(value <= operand)
        case Operation.GT:
            return bool(value > operand)
        case Operation.GE:
            return bool(value >= operand)


# --- agents, runs, operators -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run, with its subtree, may use. None means no cap was configured."""

    calls_per_run: int | None = None
    wall_clock_s: int | None = None
    pending_approvals: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A registered identity. Never an operator."""

    id: AgentId
    purpose: str
    tools: frozenset[ToolId]
    """The tools that exist for it, wildcards already resolved by the catalogue."""
    limits: Limits = Limits()
    separation: bool = False
    """The operator who opened a run may not approve for it."""
    approval_expiry_s: int = 3600
    approvers: frozenset[OperatorName] = frozenset()
    """Who may approve for this agent; empty means every approver and admin."""


class Posture(StrEnum):
    """Who shares what with the agent (DESIGN section 3)."""

    SEPARATE = "separate"
    BOXED = "boxed"
    SHARED = "shared"


class RunState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One piece of work by an agent."""

    id: RunId
    agent: AgentId
    task: str
    task_trusted: bool
    """The task was stated by an operator: it counts as trusted words."""
    opened_by: str
    """`operator:NAME`, or `agent:NAME` where the agent's own bridge opened it."""
    opened_at: Millis
    expires_at: Millis | None
    ancestors: tuple[RunId, ...] = ()
    """Parent first, root last."""
    standing: bool = False
    """The one run of a static agent credential."""
    state: RunState = RunState.OPEN


class Role(StrEnum):
    """What an operator may do; each includes the one before."""

    VIEWER = "viewer"
    APPROVER = "approver"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A person with a role."""

    name: OperatorName
    role: Role
    credential_hash: str
    """SHA-256 of a 256-bit random credential."""
    uid: int | None = None
    """The local user whose unix-socket peer this is, where one is bound."""
    added_at: Millis = 0
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What an agent's client presents, stored hashed."""

    hash: str
    agent: AgentId
    run: RunId
    expires_at: Millis | None
    revoked: bool = False


# --- stops -----------------------------------------------------------------------------------------------------------


class StopMode(StrEnum):
    KILL = "kill"
    PAUSE = "pause"
    DISABLE = "disable"
    """A tool switched off live, for everybody or for one agent."""


class ScopeKind(StrEnum):
    EVERYTHING = "everything"
    AGENT = "agent"
    RUN = "run"
    SERVER = "server"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stop reaches. A run includes its subtree. `agent` narrows a tool to one agent."""

    kind: ScopeKind
    target: str = ""
    agent: AgentId | None = None

    def __str__(self) -> str:
        text = self.kind.value if not self.target else f"{self.kind.value} {self.target}"
        return f"{text} for {self.agent}" if self.agent else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A kill, pause or disable in force until an operator lifts it."""

    id: str
    mode: StopMode
    scope: Scope
    reason: str
    by: str
    at: Millis


@dataclass(frozen=True, slots=True)
class Reach:
    """What one call touches, as stops see it."""

    agent: AgentId
    runs: tuple[RunId, ...]
    """The run and its ancestors."""
    server: ServerId
    tool: ToolId


def covers(scope: Scope, reach: Reach) -> bool:
    """Whether a stop's scope reaches a call."""
    match scope.kind:
        case ScopeKind.EVERYTHING:
            return True
        case ScopeKind.AGENT:
            return scope.target == reach.agent
        case ScopeKind.RUN:
            return scope.target in reach.runs
        case ScopeKind.SERVER:
            return scope.target == reach.server
        case ScopeKind.TOOL:
            return scope.target == reach.tool and scope.agent in (None, reach.agent)


# --- calls -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One canonical tool call. What is decided, approved, recorded and executed is `arguments`, byte for byte."""

    id: CallId
    agent: AgentId
    run: RunId
    tool: ToolId
    server: ServerId
    upstream_name: str
    pin: Digest
    arguments: bytes
    """RFC 8785 canonical JSON of what is sent upstream (a derived tool's fixed arguments filled in)."""
    shown: Mapping[str, Any]
    """The arguments as the agent gave them, parsed; a derived tool's fixed arguments are not in here."""
    value: Mapping[str, Any]
    """`arguments`, parsed. The checks read this; the upstream adapter encodes nothing else."""
    digest: Digest
    """Over agent, run, server, upstream name, tool, pin and arguments: the key of an approval."""


@dataclass(frozen=True, slots=True)
class Link:
    """One run of a call's chain, with what it has used and may use."""

    run: Run
    calls_used: int
    """Calls committed plus reserved by this run and its subtree."""
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that one decision may see, frozen."""

    now: Millis
    chain: tuple[Link, ...]
    """The run first, then its ancestors up to the root. Never empty."""
    agent: Agent | None
    """None: the agent is no longer configured, so nothing is exposed."""
    tool: Tool | None
    """None: no such tool is listed by its server."""
    stops: tuple[Stop, ...] = ()
    """Stops whose scope covers the call."""
    ticket: Ticket | None = None
    """The newest ticket with the call's digest."""
    pending: int = 0
    """Tickets of the run that wait for a person, not counting those this call would replace."""
    posture: Posture = Posture.SHARED
    quarantine: str = ""
    """Why the definition of what the call names may not be used; empty: it is the pinned one."""


# --- approvals -------------------------------------------------------------------------------------------------------


class TicketState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CONSUMED = "consumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One operator's deliberate act on a ticket."""

    operator: OperatorName
    approve: bool
    reason: str
    at: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A durable approval request, bound to one digest: agent, run, upstream, pin and arguments."""

    id: TicketId
    call: CallId
    digest: Digest
    agent: AgentId
    run: RunId
    tool: ToolId
    server: ServerId
    upstream_name: str
    pin: Digest
    arguments: bytes
    shown: bytes
    """Canonical JSON of the arguments as the agent gave them."""
    gates: tuple[Gate, ...]
    created_at: Millis
    expires_at: Millis
    card_digest: Digest
    """SHA-256 of the card's canonical bytes: what a decision has to quote."""
    card: bytes
    """The card, rendered once from the frozen call: canonical JSON (core/card.py)."""
    approvable: bool
    """False where the card cannot be shown in full: it can only be denied."""
    state: TicketState = TicketState.PENDING
    votes: tuple[Vote, ...] = ()
    closed_at: Millis | None = None
    closed_why: str = ""

    @property
    def quorum(self) -> int:
        """How many distinct operators must approve: the largest of its gates."""
        return max((gate.quorum for gate in self.gates), default=1)
