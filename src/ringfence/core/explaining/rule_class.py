"""What an agent may know of a reason: its class. Which rule, whose, and with what values is for operators. Pure.

Every enforcement point says the same words, so that none of them tells more than another.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

from ringfence.core.model.verdict import Reason, ReasonCode


class RuleClass(StrEnum):
    """The closed list that agents see. The first one that applies names a refusal."""

    UNKNOWN_TOOL = "unknown_tool"
    """A tool that does not exist and one that was not given to the agent: nobody can tell them apart."""
    CREDENTIAL = "credential"
    STOPPED = "stopped"
    RUN_ENDED = "run_ended"
    MALFORMED = "malformed"
    DEFINITION_CHANGED = "definition_changed"
    ARGUMENTS = "arguments"
    MODEL = "model"
    SECRET = "secret"
    LIMIT = "limit"
    FROZEN = "frozen"
    ENVIRONMENT = "environment"
    HOST = "host"
    PERMISSION = "permission"
    UNDECIDED = "undecided"
    FILES = "files"
    """A file that holds secrets, lies outside, or needs a person: which list names it is not told."""
    PROVENANCE = "provenance"
    """A value that nobody who may decide has given, or data that may not go there: nobody can tell them apart."""
    HANDOFF = "handoff"
    REPEATING = "repeating"
    TOO_FAST = "too_fast"
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_ENDED = "approval_ended"
    POLICY = "policy"
    NEEDS_APPROVAL = "needs_approval"
    UNAVAILABLE = "unavailable"
    NOT_RECORDED = "not_recorded"


RESULT_CHECK = "result schema"
"""The check that tells where a result misses its schema: places only, so that its details may be told too."""

_RANK = {rule: place for place, rule in enumerate(RuleClass)}

TEXTS = {
    RuleClass.UNKNOWN_TOOL: "unknown tool",
    RuleClass.CREDENTIAL: "credential not accepted",
    RuleClass.STOPPED: "refused: stopped by an operator",
    RuleClass.RUN_ENDED: "refused: this run has ended",
    RuleClass.MALFORMED: "refused: malformed request",
    RuleClass.DEFINITION_CHANGED: "refused: the tool is not what was approved for use; list the tools again",
    RuleClass.ARGUMENTS: "refused: the arguments do not satisfy the tool's input schema",
    RuleClass.MODEL: "refused: this model may not be used",
    RuleClass.SECRET: "refused: it holds a secret, which may not leave",
    RuleClass.LIMIT: "refused: a limit of this run is reached",
    RuleClass.FROZEN: "refused: no changes are made at this time",
    RuleClass.ENVIRONMENT: "refused: it belongs to another environment than this agent",
    RuleClass.HOST: "refused: no rule lets this run reach that host",
    RuleClass.PERMISSION: "refused: the permission rules of this run do not allow it",
    RuleClass.UNDECIDED: "refused: what this would do cannot be decided beforehand; write it as plain commands",
    RuleClass.FILES: "refused: this run may not touch these files",
    RuleClass.PROVENANCE: "refused: where this call's values or data come from does not allow it",
    RuleClass.HANDOFF: "refused: this result cannot be handed over",
    RuleClass.REPEATING: "refused: the same calls bring the same results; do something else",
    RuleClass.TOO_FAST: "refused: too many calls at once; wait a little and try again",
    RuleClass.APPROVAL_DENIED: "refused: a person has denied this call; do not repeat it",
    RuleClass.APPROVAL_ENDED: "refused: the approval has expired, was withdrawn or is used up; call the tool to ask anew",
    RuleClass.POLICY: "refused: a policy of the operator forbids this call",
    RuleClass.NEEDS_APPROVAL: "refused: this call needs a person's approval",
    RuleClass.UNAVAILABLE: "refused: the server is not available now",
    RuleClass.NOT_RECORDED: "refused: cannot be recorded now, nothing was sent; try again later",
}


def class_of(code: ReasonCode) -> RuleClass:
    """The class that stands for one reason."""
    match code:
        case ReasonCode.UNKNOWN_TOOL | ReasonCode.NOT_EXPOSED | ReasonCode.NOT_GRANTED:
            return RuleClass.UNKNOWN_TOOL
        case ReasonCode.CREDENTIAL:
            return RuleClass.CREDENTIAL
        case ReasonCode.KILLED | ReasonCode.PAUSED | ReasonCode.TOOL_DISABLED | ReasonCode.STOP_CONDITION:
            return RuleClass.STOPPED
        case ReasonCode.RUN_CLOSED | ReasonCode.RUN_EXPIRED:
            return RuleClass.RUN_ENDED
        case ReasonCode.MALFORMED:
            return RuleClass.MALFORMED
        case ReasonCode.PIN_CHANGED:
            return RuleClass.DEFINITION_CHANGED
        case ReasonCode.ARGUMENTS | ReasonCode.GRANT_BOUND:
            return RuleClass.ARGUMENTS
        case (
            ReasonCode.CALL_CAP
            | ReasonCode.SPAWN_CAP
            | ReasonCode.WALL_CLOCK
            | ReasonCode.TOO_MANY_PENDING
            | ReasonCode.SUM_CAP
            | ReasonCode.DISTINCT_CAP
            | ReasonCode.ROWS_CAP
            | ReasonCode.LEAVING_CAP
            | ReasonCode.SPEND_CAP
            | ReasonCode.TOKEN_CAP
            | ReasonCode.MODEL_CALL_CAP
            | ReasonCode.UNCOUNTABLE
            | ReasonCode.FILES_CAP
            | ReasonCode.LINES_CAP
        ):
            return RuleClass.LIMIT
        case ReasonCode.MODEL_NOT_ALLOWED | ReasonCode.UNPRICED_MODEL:
            return RuleClass.MODEL
        case ReasonCode.SECRET:
            return RuleClass.SECRET
        case ReasonCode.RATE_LIMIT | ReasonCode.CONCURRENCY:
            return RuleClass.TOO_FAST
        case ReasonCode.LOOP:
            return RuleClass.REPEATING
        case ReasonCode.FROZEN:
            return RuleClass.FROZEN
        case ReasonCode.ENVIRONMENT:
            return RuleClass.ENVIRONMENT
        case ReasonCode.HOST:
            return RuleClass.HOST
        case ReasonCode.PERMISSION:
            return RuleClass.PERMISSION
        case ReasonCode.UNDECIDED:
            return RuleClass.UNDECIDED
        case ReasonCode.SECRET_FILE | ReasonCode.OUTSIDE | ReasonCode.PROTECTED_PATH | ReasonCode.GUARD_RAIL:
            return RuleClass.FILES
        case ReasonCode.PROVENANCE | ReasonCode.RULE_OF_TWO | ReasonCode.CLEARANCE:
            return RuleClass.PROVENANCE
        case ReasonCode.HANDOFF:
            return RuleClass.HANDOFF
        case ReasonCode.APPROVAL_DENIED:
            return RuleClass.APPROVAL_DENIED
        case ReasonCode.APPROVAL_EXPIRED | ReasonCode.APPROVAL_WITHDRAWN | ReasonCode.APPROVAL_USED:
            return RuleClass.APPROVAL_ENDED
        case ReasonCode.POLICY | ReasonCode.POLICY_ERROR:
            return RuleClass.POLICY
        case (
            ReasonCode.IRREVERSIBLE
            | ReasonCode.COSTS_MONEY
            | ReasonCode.IDENTITY
            | ReasonCode.UNBOUNDED
            | ReasonCode.WORKSPACE
            | ReasonCode.APPROVED
        ):
            return RuleClass.NEEDS_APPROVAL
        case ReasonCode.UPSTREAM_UNAVAILABLE:
            return RuleClass.UNAVAILABLE
        case ReasonCode.NOT_RECORDED | ReasonCode.INTERNAL:
            return RuleClass.NOT_RECORDED
        case _:
            assert_never(code)


def naming(reasons: Iterable[Reason]) -> ReasonCode:
    """The reason that names a refusal with several: the first of the first class. Nothing may tell more than that."""
    return min((reason.code for reason in reasons), key=lambda code: _RANK[class_of(code)], default=ReasonCode.INTERNAL)


def text_of(rule: RuleClass, reasons: Iterable[Reason]) -> str:
    """The sentence for the agent. A schema's complaint is told, since it helps the model; values are masked in it."""
    if rule is RuleClass.ARGUMENTS:
        faults = [reason.detail for reason in reasons if reason.code is ReasonCode.ARGUMENTS and reason.detail]
    elif rule is RuleClass.HANDOFF:
        faults = [reason.detail for reason in reasons if reason.code is ReasonCode.HANDOFF and reason.check == RESULT_CHECK]
    else:
        return TEXTS[rule]
    return "; ".join((TEXTS[rule], *faults))
