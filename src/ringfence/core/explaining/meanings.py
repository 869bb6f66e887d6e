"""What each reason says, in one sentence. Total: a new code breaks it until it is explained."""

from __future__ import annotations

from typing import assert_never

from ringfence.core.model.verdict import ReasonCode


def meaning(code: ReasonCode) -> str:
    """One sentence: what this reason says."""
    match code:
        case ReasonCode.KILLED:
            return "a kill in force covers this call"
        case ReasonCode.PAUSED:
            return "a pause in force covers this call"
        case ReasonCode.TOOL_DISABLED:
            return "an operator has switched this tool off"
        case ReasonCode.RUN_CLOSED:
            return "the run, or one above it, has been closed"
        case ReasonCode.RUN_EXPIRED:
            return "the run, or one above it, was not renewed in time"
        case ReasonCode.CREDENTIAL:
            return "the credential that came with the call is not known, revoked or expired"
        case ReasonCode.UNKNOWN_TOOL:
            return "no server lists a configured tool of this name"
        case ReasonCode.NOT_GRANTED:
            return "the run, or one above it, was not given this tool"
        case ReasonCode.GRANT_BOUND:
            return "the run, or one above it, was given this tool for other arguments only"
        case ReasonCode.SPAWN_CAP:
            return "as many generations, children or runs of one tree are there as may be"
        case ReasonCode.NOT_EXPOSED:
            return "this agent was not given this tool"
        case ReasonCode.PIN_CHANGED:
            return "the server's definition of the tool is not the one that was pinned, framed or approved"
        case ReasonCode.ARGUMENTS:
            return "the arguments do not satisfy the schema that the agent was shown"
        case ReasonCode.CALL_CAP:
            return "the run, or one above it, has used all the calls that it may make"
        case ReasonCode.WALL_CLOCK:
            return "the run, or one above it, is older than it may become"
        case ReasonCode.TOO_MANY_PENDING:
            return "as many approvals of this run as may wait are waiting already"
        case ReasonCode.RATE_LIMIT:
            return "calls have come faster than they may"
        case ReasonCode.CONCURRENCY:
            return "as many calls as may be under way at once are under way"
        case ReasonCode.SUM_CAP:
            return "an argument would add up to more than it may"
        case ReasonCode.DISTINCT_CAP:
            return "an argument would take more different values than it may"
        case ReasonCode.ROWS_CAP:
            return "the run, or one above it, has been given all the rows that it may have"
        case ReasonCode.SPEND_CAP:
            return "with the most that this request may cost, more would be spent on models than may"
        case ReasonCode.TOKEN_CAP:
            return "with the most that this request may use, models would take in or give out more tokens than they may"
        case ReasonCode.MODEL_CALL_CAP:
            return "as many requests as may go to models have gone"
        case ReasonCode.UNCOUNTABLE:
            return "what a limit counts is missing, or is no amount that can be counted, or nothing bounds it"
        case ReasonCode.MODEL_NOT_ALLOWED:
            return "no upstream that the agent has may be asked for this model"
        case ReasonCode.UNPRICED_MODEL:
            return "the model has no price, so nobody can say what it costs"
        case ReasonCode.SECRET:
            return "the request holds a secret, or could not be looked through for one"
        case ReasonCode.LOOP:
            return "the run repeats itself: the same calls bring the same results"
        case ReasonCode.STOP_CONDITION:
            return "the configuration of the agent says that its run stops here, so it was paused"
        case ReasonCode.FROZEN:
            return "the call falls into a freeze window"
        case ReasonCode.ENVIRONMENT:
            return "the agent, or one above it, is bound to an environment that this does not belong to"
        case ReasonCode.HOST:
            return "no egress rule of the agent has this host with this kind of request"
        case ReasonCode.PERMISSION:
            return "a permission rule forbids it or asks, or no allow rule speaks for all that it does"
        case ReasonCode.UNDECIDED:
            return "what the command does can be known only by running it"
        case ReasonCode.SECRET_FILE:
            return "it reads a file that is there to hold secrets, or shows secrets of the machine"
        case ReasonCode.OUTSIDE:
            return "it touches files outside of the folders that the run works in"
        case ReasonCode.PROTECTED_PATH:
            return "it changes a file that is run, or obeyed, without anybody looking at it"
        case ReasonCode.GUARD_RAIL:
            return "it reaches for the rules and hooks that hold the run itself"
        case ReasonCode.FILES_CAP:
            return "the run, or one above it, would change more different files than it may"
        case ReasonCode.LINES_CAP:
            return "the run, or one above it, would change more lines than it may"
        case ReasonCode.WORKSPACE:
            return "the result of the run touches protected paths, or the gate before the repository found fault with it"
        case ReasonCode.PROVENANCE:
            return "an argument that decides who, what or how much comes from no source that may decide it"
        case ReasonCode.RULE_OF_TWO:
            return "the run has read confidential data and untrusted content, and the call reaches outside"
        case ReasonCode.CLEARANCE:
            return "the run has read data that is more confidential than what may go there"
        case ReasonCode.LEAVING_CAP:
            return "as much has left for outside as may"
        case ReasonCode.HANDOFF:
            return "a result may not go from this run to its parent like this, or does not go to this run: the detail says why"
        case ReasonCode.POLICY:
            return "a policy of the operator's forbids the call, or wants a person to agree to it"
        case ReasonCode.POLICY_ERROR:
            return "the policies on this tool could not be evaluated, so the call was denied"
        case ReasonCode.IRREVERSIBLE:
            return "what the call does cannot be undone, so a person has to agree"
        case ReasonCode.COSTS_MONEY:
            return "the call costs or moves money, so a person has to agree"
        case ReasonCode.IDENTITY:
            return "the call touches accounts, roles, keys or permissions, so a person has to agree"
        case ReasonCode.UNBOUNDED:
            return "nothing bounds how much one call changes, so a person has to agree"
        case ReasonCode.APPROVAL_DENIED:
            return "a person has denied exactly this call"
        case ReasonCode.APPROVAL_EXPIRED:
            return "nobody approved it, or nobody claimed it, before the approval expired"
        case ReasonCode.APPROVAL_WITHDRAWN:
            return "the approval was withdrawn before it was used"
        case ReasonCode.APPROVAL_USED:
            return "the approval has been used: it holds for one call"
        case ReasonCode.APPROVED:
            return "people have approved exactly this call"
        case ReasonCode.NOT_RECORDED:
            return "the decision could not be written to the log, so nothing was sent"
        case ReasonCode.UPSTREAM_UNAVAILABLE:
            return "the tool's server could not be reached"
        case ReasonCode.INTERNAL:
            return "the gateway could not decide, so it denied"
        case ReasonCode.MALFORMED:
            return "what the agent's client sent cannot be read as a call"
        case _:
            assert_never(code)
