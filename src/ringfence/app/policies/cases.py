"""Tests of policies as data: `*.test.yaml` beside them, each case a call and what has to be decided.

cases:
  - name: a small refund needs one person, any
    call: payments.refund
    agent: support
    arguments: {order_id: A-1001, amount_cents: 1000, reason: a dent}
    at: "14:30"
    expect: ask
    needs: [1 person]
    policies: []
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final

from ringfence.app.config.document import MAX_BYTES, parse_document
from ringfence.app.config.layout import CALLABLE_ID, NAME
from ringfence.app.config.policies import zone_of
from ringfence.app.config.problems import FatalProblem, Problems, nearest
from ringfence.app.config.shapes import Choice, FreeObject, Integer, Key, ListOf, Record, Text, Truth
from ringfence.app.policies.trial import Circumstances, Trial
from ringfence.core.model.identifiers import AgentId, Millis, ToolId
from ringfence.core.model.run import Posture
from ringfence.core.model.verdict import Decision, ReasonCode
from ringfence.errors import ConfigError

SUFFIX = ".test.yaml"
_AGAIN = "ringfence policy test"
_DAY = "2026-01-07"
"""A Wednesday, for cases that only give an hour."""
_AT = r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T])?[0-9]{2}:[0-9]{2}"

CASE: Final = Record(
    {
        "name": Key(Text("text", most=200), "What the case shows.", required=True),
        "call": Key(Text("a tool id `server.tool`", CALLABLE_ID, 120), "The tool.", required=True),
        "agent": Key(Text("an agent's name", NAME, 64), "Who calls.", required=True),
        "arguments": Key(FreeObject(), "What the agent sends."),
        "at": Key(Text('a time such as "23:30" or "2026-01-07 23:30", in quotes', _AT, 16), "Noon where absent."),
        "depth": Key(Integer(0, 100), "How many runs are above it.", default=0),
        "calls_used": Key(Integer(0, 10_000_000), "Calls that the run has used.", default=0),
        "task_trusted": Key(Truth(), "Whether an operator stated the task.", default=True),
        "posture": Key(Choice(tuple(Posture)), "Who shares what with the agent.", default="separate"),
        "expect": Key(Choice(("allow", "ask", "deny", "halt")), "The decision, with every check.", required=True),
        "policies": Key(ListOf(Text("a policy's @id", most=80)), "The policies that forbid it, all of them."),
        "needs": Key(ListOf(Text("`finance`, `2 of finance` or `2 people`", most=100)), "Whom it asks, all of them."),
        "reasons": Key(ListOf(Choice(tuple(ReasonCode))), "Reason codes, all of them."),
    },
    "a mapping with `name`, `call`, `agent` and `expect`",
)
FILE: Final = Record({"cases": Key(ListOf(CASE, most=2000), "The cases.", required=True)}, "a mapping with `cases`")


@dataclass(frozen=True, slots=True)
class Case:
    """One case with where it stands."""

    file: Path
    number: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case. Without differences it holds."""

    case: Case
    decision: str
    differences: tuple[str, ...]


def read_cases(paths: Iterable[Path]) -> list[Case]:
    """The cases of some files. Raises: ConfigError with one line per problem."""
    cases: list[Case] = []
    for path in paths:
        problems = Problems()
        try:
            with path.open("rb") as file:
                root = parse_document(file.read(MAX_BYTES + 1), problems, FILE.what)
        except FatalProblem as fatal:
            problems.found.append(fatal.problem)
            raise problems.error(str(path), _AGAIN) from None
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
        values: Mapping[str, Any] = FILE.read(root, (), problems)
        if problems.found:
            raise problems.error(str(path), _AGAIN)
        if not values["cases"]:
            # Else "0 of 0 cases hold", and a pipeline goes on.
            raise ConfigError(f"{path}: there is no case in it", remedy="docs/policies.md shows how one is written")
        cases += [Case(path, number, fields) for number, fields in enumerate(values["cases"], start=1)]
    return cases


def run_case(case: Case, trial: Trial) -> Result:
    """Decide one case and compare. Raises: ConfigError where its time does not exist."""
    fields = case.fields
    tried = trial.decide(
        AgentId(fields["agent"]),
        ToolId(fields["call"]),
        fields.get("arguments", {}),
        Circumstances(
            at=moment(fields.get("at", "12:00"), zone_of(trial.loaded.policies.timezone)),
            depth=fields.get("depth", 0),
            calls_used=fields.get("calls_used", 0),
            task_trusted=fields.get("task_trusted", True),
            posture=Posture(fields.get("posture", "separate")),
        ),
    )
    decided = tried.decision.level.name.lower()
    got: dict[str, str | list[str]] = {
        "expect": decided,
        "policies": sorted(policy.id for policy in tried.evaluation.forbidding),
        "needs": sorted(needs_of(tried.decision)),
        "reasons": sorted({reason.code.value for reason in tried.decision.reasons}),
    }
    wanted = {key: fields[key] for key in got if key in fields}
    if "needs" in wanted:
        wanted["needs"] = [_spelled_out(need) for need in wanted["needs"]]
    differences = [
        f"{key}: expected {_shown(value)}, got {_shown(got[key])}"
        for key, value in wanted.items()
        if (value if isinstance(value, str) else sorted(set(value))) != got[key]
    ]
    if differences:
        details = [f"{reason.code.value}: {reason.detail}" for reason in tried.decision.reasons if reason.detail]
        differences += details[:5]
    return Result(case, decided, (*_unknown(fields, trial), *differences))


def _unknown(fields: Mapping[str, Any], trial: Trial) -> list[str]:
    """What is misspelt, or not known yet: such a call is denied whatever the policies say, so its case would show nothing."""
    rules, agent, tool = trial.loaded.rules, fields["agent"], fields["call"]
    found: list[str] = []
    if agent not in rules.agents:
        found.append(f"agent: there is no `{agent}`{nearest(agent, rules.agents)}")
    if tool not in rules.tools:
        found.append(f"call: there is no `{tool}`{nearest(tool, rules.tools)}")
    elif tool not in trial.definitions:
        found.append(f"call: the definition of {tool} is not known")
    return found


def moment(text: str, zone: tzinfo) -> Millis:
    """A local time as milliseconds since the epoch. Raises: ConfigError."""
    full = text if len(text) > 5 else f"{_DAY} {text}"
    try:
        return int(datetime.fromisoformat(full).replace(tzinfo=zone).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"`{text}` is not a time: {error}") from error


def local_text(at: Millis, timezone: str) -> str:
    """A moment as the configured clock shows it: `2026-01-07 23:30`."""
    return datetime.fromtimestamp(at // 1000, zone_of(timezone)).strftime("%Y-%m-%d %H:%M")


def needs_of(decision: Decision) -> list[str]:
    """Whom a decision asks: `1 of finance`, `2 people`; of each group the most that a gate wants."""
    most: dict[str, int] = {}
    for gate in decision.gates:
        most[gate.group] = max(most.get(gate.group, 0), gate.quorum)
    return [
        f"{count} of {group}" if group else f"{count} {'person' if count == 1 else 'people'}" for group, count in most.items()
    ]


def _spelled_out(need: str) -> str:
    return need if re.match(r"[0-9]+ ", need) else f"1 of {need}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(sorted(set(value))) or "none"
