"""The smallest change that would have changed the answer. Total: a new code breaks it until it is explained."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from ringfence.core.model.verdict import ReasonCode

_WAY_OUT: Final = "egress.connect"
_LOCAL: Final = "local."


class Lever(StrEnum):
    """Where the smallest change lies."""

    CONFIGURATION = "configuration"
    OPERATOR = "operator"
    """An operator's act; no file changes."""
    CALLER = "caller"
    """The agent's side has to do something else."""
    OPERATIONS = "operations"
    """Something outside the rules is broken."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change for one reason. `path` is the key in the configuration file where the lever is configuration."""

    lever: Lever
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the entry speaks of."""

    agent: str
    tool: str
    run: str = ""
    ticket: str = ""
    underived: tuple[str, ...] = ()
    """Pointers of the arguments that no trusted source spoke for."""
    is_unasked: bool = False
    """None of the words was said by which people ask for what the tool does."""
    derived: bool = False
    """Derived tools stand under another key of the file."""

    @property
    def tool_path(self) -> str:
        return f'{"derived" if self.derived else "tools"}."{self.tool}"'

    @property
    def clearance_path(self) -> str:
        """Where it is said what may go there; of a box's way out that is the rule of its host."""
        return f"agents.{self.agent}.egress.hosts" if self.tool == _WAY_OUT else f"{self.tool_path}.clearance"


def smallest_change(code: ReasonCode, subject: Subject) -> Change:
    """What would have let the call through, as far as this reason goes. Never a suggestion that it should be."""
    tool, agent, run = subject.tool, subject.agent, subject.run
    match code:
        case ReasonCode.KILLED:
            return Change(Lever.OPERATOR, "lift the kill: `ringfence stops` shows it, `ringfence unkill ID` lifts it")
        case ReasonCode.PAUSED:
            return Change(Lever.OPERATOR, "let it go on: `ringfence stops` shows the pause, `ringfence resume ID` lifts it")
        case ReasonCode.TOOL_DISABLED:
            return Change(Lever.OPERATOR, f"`ringfence tool enable {tool}`")
        case ReasonCode.RUN_CLOSED:
            return Change(Lever.OPERATOR, f"open a new run: `ringfence run start --agent {agent} --task ...`")
        case ReasonCode.RUN_EXPIRED:
            text = "renew the run before it expires, or let its credential live longer"
            return _configure(text, f"agents.{agent}.run_ttl")
        case ReasonCode.CREDENTIAL:
            return Change(Lever.CALLER, "present the credential of an open run")
        case ReasonCode.UNKNOWN_TOOL:
            text = f"describe {tool} in the configuration; `ringfence init` proposes a profile for what a server lists"
            return _configure(text, subject.tool_path)
        case ReasonCode.NOT_GRANTED:
            return Change(Lever.OPERATOR, f"open a run that has it: `ringfence run start --agent {agent} --tools {tool}`")
        case ReasonCode.GRANT_BOUND:
            return Change(Lever.OPERATOR, "keep within what the run was given, or open a run with a wider `--bound`")
        case ReasonCode.SPAWN_CAP:
            text = "close child runs that are done, or allow more generations, children or runs"
            return _configure(text, f"agents.{agent}.delegate")
        case ReasonCode.NOT_EXPOSED:
            return _configure(f"add {tool} to the tools of {agent}", f"agents.{agent}.tools")
        case ReasonCode.PIN_CHANGED:
            server, _, name = tool.partition(".")
            text = f"read what changed: `ringfence pins diff {server} {name}`; once an admin has approved it, ask again"
            return Change(Lever.OPERATOR, text)
        case ReasonCode.ARGUMENTS:
            text = "send arguments inside the schema, or widen what `tighten` allows (never beyond the server's own schema)"
            return _configure(text, f"{subject.tool_path}.tighten")
        case ReasonCode.CALL_CAP:
            text = f"`ringfence budget raise {run} --calls +N`, or raise the cap, or open a new run"
            return _configure(text, f"agents.{agent}.limits.calls_per_run")
        case ReasonCode.WALL_CLOCK:
            return _configure("raise the age limit, or open a new run", f"agents.{agent}.limits.wall_clock")
        case ReasonCode.TOO_MANY_PENDING:
            text = f"decide on what waits (`ringfence approvals list`), or let more wait for run {run}"
            return _configure(text, f"agents.{agent}.limits.pending_approvals")
        case ReasonCode.RATE_LIMIT:
            text = "wait, or raise the rate that the entry names (of the gateway, the agent or the tool)"
            return _configure(text, f"{subject.tool_path}.limits.rate")
        case ReasonCode.CONCURRENCY:
            text = (
                "wait until a call has ended, or raise the number that the entry names (of the gateway, agent, server or tool)"
            )
            return _configure(text, f"{subject.tool_path}.limits.concurrent")
        case ReasonCode.SUM_CAP:
            text = f"raise the cap; for this run alone `ringfence budget show {run}` and `ringfence budget raise`"
            return _configure(text, f"{subject.tool_path}.limits.sums")
        case ReasonCode.DISTINCT_CAP:
            return _configure("let it take more different values", f"{subject.tool_path}.limits.distinct")
        case ReasonCode.ROWS_CAP:
            text = f"`ringfence budget raise {run} --rows +N`, or raise the cap, or open a new run"
            return _configure(text, f"agents.{agent}.limits.rows_per_run")
        case ReasonCode.SPEND_CAP:
            text = f"`ringfence budget raise {run} --spend +N`, or raise `spend` where the detail says, or ask for less at once"
            return _configure(text, f"agents.{agent}.limits.spend")
        case ReasonCode.TOKEN_CAP:
            text = (
                f"`ringfence budget raise {run} --tokens +N`, or raise `tokens` where the detail says, or ask for less at once"
            )
            return _configure(text, f"agents.{agent}.limits.tokens")
        case ReasonCode.MODEL_CALL_CAP:
            text = f"`ringfence budget raise {run} --model-calls +N`, or raise `model_calls` where the detail says"
            return _configure(text, f"agents.{agent}.limits.model_calls")
        case ReasonCode.MODEL_NOT_ALLOWED:
            return _configure("name the model under an upstream that the agent may use", "models.upstreams")
        case ReasonCode.UNPRICED_MODEL:
            text = "give the model a price, or let an unknown one count as the dearest"
            return _configure(text, "models.prices")
        case ReasonCode.SECRET if tool.startswith(_LOCAL):
            text = "take the secret out of it; or, where it is none, have people asked (`contents: ask`)"
            return _configure(text, f"agents.{agent}.local.secrets.contents")
        case ReasonCode.SECRET:
            text = "have it masked (`secrets: mask`), or name the rule that found it under `allow_secrets`"
            return _configure(text, "models.secrets")
        case ReasonCode.UNCOUNTABLE:
            text = "send the argument as a number that is not negative, or say what a call without it counts as (`absent`)"
            return _configure(text, f"{subject.tool_path}.limits.sums")
        case ReasonCode.LOOP:
            text = "where calling again and again is how the tool is used, say `polling: true`; or allow more repeats"
            return _configure(text, f"{subject.tool_path}.limits.polling")
        case ReasonCode.STOP_CONDITION:
            text = (
                "let it go on: `ringfence stops` shows the pause, `ringfence resume ID` lifts it; of a cap on actions raise the"
                f" meter as well (`ringfence budget raise {run} --meter METER --by +N`); or change the condition"
            )
            return _configure(text, f"agents.{agent}.stop_when")
        case ReasonCode.FROZEN:
            return _configure("wait until the window is over, or change it", "limits.freeze")
        case ReasonCode.ENVIRONMENT:
            text = "give what the detail names the agent's label, or `any` where it belongs to every environment"
            return _configure(text, f"agents.{agent}.environment")
        case ReasonCode.HOST:
            text = "give the agent a rule for this host; or `unlisted: ask`, so that a person may let one run reach it"
            return _configure(text, f"agents.{subject.agent}.egress")
        case ReasonCode.PERMISSION:
            text = (
                "the detail names the rule and what it spoke of: change that rule, or add an allow rule that names it"
                " (`ringfence permissions explain` shows what a rule would do)"
            )
            return _configure(text, f"agents.{agent}.permissions")
        case ReasonCode.UNDECIDED:
            text = "have it written as plain commands; or allow exactly this text, without a `*`, once somebody has read it"
            return _configure(text, f"agents.{agent}.permissions.allow")
        case ReasonCode.SECRET_FILE:
            text = "where the file holds no secret, name it under `allow`"
            return _configure(text, f"agents.{agent}.local.secrets.allow")
        case ReasonCode.OUTSIDE:
            text = "add the folder to `roots`, or to `permissions.additionalDirectories`; or a Read or Edit rule for the path"
            return _configure(text, f"agents.{agent}.local.roots")
        case ReasonCode.PROTECTED_PATH:
            text = "where nobody runs or obeys it, name it under `unprotected`; or let a person do it"
            return _configure(text, f"agents.{agent}.local.overreach.unprotected")
        case ReasonCode.GUARD_RAIL:
            return Change(Lever.NONE, "no run changes its own rules: an operator edits them, outside of the run")
        case ReasonCode.FILES_CAP | ReasonCode.LINES_CAP:
            text = f"`ringfence budget raise {run} --meter METER --by +N`, or raise the cap, or open a new run"
            what = "files" if code is ReasonCode.FILES_CAP else "lines"
            return _configure(text, f"agents.{agent}.local.overreach.{what}")
        case ReasonCode.WORKSPACE:
            text = "protected paths are built in and `protect` adds to them: let the agent leave them alone, or a person decide"
            return _configure(text, f"agents.{subject.agent}.box")
        case ReasonCode.PROVENANCE if subject.is_unasked and not subject.underived:
            text = (
                f"let an operator ask for it in the run's own words (`ringfence run say {run}`), or review the words that the"
                " tool declares"
            )
            return _configure(text, f"{subject.tool_path}.said_as")
        case ReasonCode.PROVENANCE:
            value = f"the value of {' and '.join(subject.underived[:3])}" if subject.underived else "the value"
            text = (
                f"let an operator say {value} in the run's own words (`ringfence run say {run}`), name it under `provenance`,"
                " or declare the trusted lookup or the records that it comes from"
            )
            return _configure(text, f"agents.{agent}.provenance")
        case ReasonCode.RULE_OF_TWO:
            text = (
                "declare the tool's `clearance`, where its readers may see such data; or let a child run read the untrusted"
                f" part; or let an operator answer for what was read: `ringfence endorse {run}`, `ringfence declassify {run}`"
            )
            return _configure(text, subject.clearance_path)
        case ReasonCode.CLEARANCE:
            text = f"raise the tool's `clearance`, where its readers may see such data; or `ringfence declassify {run}`"
            return _configure(text, subject.clearance_path)
        case ReasonCode.LEAVING_CAP:
            text = f"`ringfence budget raise {run} --meter METER --by +N`, or raise `leaving` where the detail says"
            return _configure(text, f"agents.{agent}.limits")
        case ReasonCode.HANDOFF:
            return Change(
                Lever.CALLER, "hand over what the parent's schema asks for, once; take what your own children hand over"
            )
        case ReasonCode.POLICY:
            text = "the detail names the policy: change its condition, or let people approve with `@approve`; simulate it first"
            return _configure(text, "policies")
        case ReasonCode.POLICY_ERROR:
            text = "the detail says what could not be evaluated: `ringfence policy check` finds what can be found beforehand"
            return _configure(text, "policies")
        case ReasonCode.IRREVERSIBLE | ReasonCode.COSTS_MONEY | ReasonCode.IDENTITY | ReasonCode.UNBOUNDED if tool.startswith(
            _LOCAL
        ):
            text = "where it is harmless whoever asks for it, add an allow rule that names the command and not only its tool"
            return _configure(text, f"agents.{agent}.permissions.allow")
        case ReasonCode.IRREVERSIBLE:
            text = "where it can be undone, name the tool that undoes it as `inverse`; where only some calls matter, use `when`"
            return _configure(text, f"{subject.tool_path}.reversible")
        case ReasonCode.COSTS_MONEY:
            text = "where it costs nothing say so; where small sums do not matter, add a `when` on the amount"
            return _configure(text, f"{subject.tool_path}.costs_money")
        case ReasonCode.IDENTITY:
            text = "where it touches no account, role, key or permission, say so"
            return _configure(text, f"{subject.tool_path}.identity")
        case ReasonCode.UNBOUNDED:
            text = "where one call changes a small, known amount say so, or derive a narrow tool that does"
            return _configure(text, f"{subject.tool_path}.bounded")
        case ReasonCode.APPROVAL_DENIED:
            return Change(Lever.NONE, "a person said no; the denial stands until the approval would have expired")
        case ReasonCode.APPROVAL_EXPIRED:
            return _configure("ask again, or let approvals wait longer", f"agents.{agent}.approval_expiry")
        case ReasonCode.APPROVAL_WITHDRAWN:
            return Change(Lever.CALLER, "ask again, once what withdrew it is over")
        case ReasonCode.APPROVAL_USED:
            return Change(Lever.CALLER, "ask again: every further call needs its own approval")
        case ReasonCode.APPROVED:
            return Change(Lever.NONE, "nothing stood in the way; had nobody approved, the call would still wait")
        case ReasonCode.NOT_RECORDED:
            return Change(
                Lever.OPERATIONS, "give the state directory a disk that can be written; `ringfence status` says what is wrong"
            )
        case ReasonCode.UPSTREAM_UNAVAILABLE:
            return Change(Lever.OPERATIONS, "bring the server back; `ringfence status` says how it answers")
        case ReasonCode.INTERNAL:
            return Change(Lever.OPERATIONS, "the gateway's own logger holds the fault; please report it")
        case ReasonCode.MALFORMED:
            return Change(Lever.CALLER, "mend the client: the entry says what could not be read")
        case _:
            assert_never(code)


def _configure(text: str, path: str) -> Change:
    return Change(Lever.CONFIGURATION, text, path)
