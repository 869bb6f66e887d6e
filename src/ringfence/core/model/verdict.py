"""What one check says, and what all of them come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ringfence.core.model.identifiers import TicketId


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
    NOT_GRANTED = "not_granted"
    PIN_CHANGED = "pin_changed"
    # arguments
    ARGUMENTS = "arguments"
    GRANT_BOUND = "grant_bound"
    # limits
    CALL_CAP = "call_cap"
    SPAWN_CAP = "spawn_cap"
    WALL_CLOCK = "wall_clock"
    TOO_MANY_PENDING = "too_many_pending"
    RATE_LIMIT = "rate_limit"
    CONCURRENCY = "concurrency"
    SUM_CAP = "sum_cap"
    DISTINCT_CAP = "distinct_cap"
    ROWS_CAP = "rows_cap"
    SPEND_CAP = "spend_cap"
    TOKEN_CAP = "token_cap"
    MODEL_CALL_CAP = "model_call_cap"
    UNCOUNTABLE = "uncountable"
    LOOP = "loop"
    STOP_CONDITION = "stop_condition"
    FROZEN = "frozen"
    # the agent is bound to an environment
    ENVIRONMENT = "environment"
    # the way out of a box
    HOST = "host"
    # the tools of a coding agent's own client
    PERMISSION = "permission"
    UNDECIDED = "undecided"
    SECRET_FILE = "secret_file"
    OUTSIDE = "outside"
    PROTECTED_PATH = "protected_path"
    GUARD_RAIL = "guard_rail"
    FILES_CAP = "files_cap"
    LINES_CAP = "lines_cap"
    # the way of a result out of a box
    WORKSPACE = "workspace"
    # provenance and confidentiality
    PROVENANCE = "provenance"
    RULE_OF_TWO = "rule_of_two"
    CLEARANCE = "clearance"
    LEAVING_CAP = "leaving_cap"
    # what a child run hands to its parent
    HANDOFF = "handoff"
    # which models may be asked
    MODEL_NOT_ALLOWED = "model_not_allowed"
    UNPRICED_MODEL = "unpriced_model"
    SECRET = "secret"
    # the operator's policies
    POLICY = "policy"
    POLICY_ERROR = "policy_error"
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
    group: str = ""
    """Whose approval counts: a configured group; empty: every approver's."""


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
