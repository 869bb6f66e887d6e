"""The recorded calls once more, against a configuration and policies that may be others: which decisions change.

What cannot be known again is taken from the record: a call that was stopped, over a limit or on a changed definition stays
refused. What was masked or shortened in the record cannot be replayed, and is said so: the call's digest tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.app.policies.cases import needs_of
from ringfence.app.policies.trial import Circumstances, Trial, Tried, asked_of
from ringfence.core.model.identifiers import AgentId, RunId, ToolId
from ringfence.core.model.run import Posture
from ringfence.core.model.verdict import Level
from ringfence.core.strict_json.canonical import canonical_bytes, digest_of
from ringfence.errors import RequestError

REPLAYED = frozenset({"exposure", "arguments", "policy", "blast_radius"})
"""Checks whose facts an entry and a configuration give again. The verdict of the others is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One recorded call that would be decided otherwise."""

    entry: str
    at: int
    agent: str
    tool: str
    before: str
    after: str
    asked_before: tuple[str, ...]
    asked: tuple[str, ...]
    """Whom the new decision asks."""
    policies: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """One recorded call that cannot be replayed."""

    entry: str
    tool: str
    why: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the log would have been."""

    replayed: int
    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]
    left_out: int
    """Further entries of calls that are counted already: asked again, or executed after their approval."""


def simulate(entries: Iterable[Mapping[str, Any]], trial: Trial) -> Simulation:
    """Decide every recorded call again. `entries` are leaves in the log's order; only decisions and openings of runs count."""
    runs: dict[str, Mapping[str, Any]] = {}
    used: dict[str, int] = {}
    seen: set[str] = set()
    changes: list[Change] = []
    skipped: list[Skipped] = []
    replayed = left_out = 0
    for entry in entries:
        body = entry.get("body") or {}
        if entry.get("kind") == "run" and isinstance(entry.get("run"), str):
            runs.setdefault(entry["run"], body)
        if entry.get("kind") != "decision":
            continue
        name = f"e{entry['seq']}"
        if isinstance(ticket := body.get("ticket"), str):
            # A ticket's call is decided whenever somebody comes back for it: the first time counts.
            if ticket in seen:
                left_out += 1
                continue
            seen.add(ticket)
        if any(reason.get("code") == "approved" for reason in body.get("reasons", [])):
            left_out += 1
            continue
        run = str(entry.get("run") or "")
        if (arguments := _arguments(entry, body)) is None:
            skipped.append(Skipped(name, str(entry.get("tool")), _why_not(body)))
            continue
        tried = _again(entry, body, arguments, trial, runs.get(run, {}), used.get(run, 0), _depth(run, runs))
        if entry.get("decision") == "allow":
            used[run] = used.get(run, 0) + 1
        if tried is None:
            skipped.append(Skipped(name, str(entry.get("tool")), "the tool's definition is not known here"))
            continue
        replayed += 1
        if (change := _compared(name, entry, body, tried, trial)) is not None:
            changes.append(change)
    return Simulation(replayed, tuple(changes), tuple(skipped), left_out)


def _again(
    entry: Mapping[str, Any],
    body: Mapping[str, Any],
    arguments: Mapping[str, Any],
    trial: Trial,
    run: Mapping[str, Any],
    used: int,
    depth: int,
) -> Tried | None:
    tool = ToolId(str(entry["tool"]))
    rule = trial.loaded.rules.tools.get(tool)
    if rule is not None and tool not in trial.definitions:
        return None
    shown = {name: value for name, value in arguments.items() if rule is None or name not in {**rule.fixed, **rule.hidden}}
    return trial.decide(
        AgentId(str(entry["agent"])),
        tool,
        shown,
        Circumstances(
            at=int(entry["at"]),
            depth=depth,
            calls_used=used,
            task_trusted=bool(run.get("task_trusted", True)),
            posture=_posture(body),
            run=RunId(str(entry["run"])),
        ),
    )


def again(entry: Mapping[str, Any], trial: Trial) -> Tried | str:
    """One recorded decision, decided again by itself, or why it cannot be."""
    body = entry.get("body") or {}
    if (arguments := _arguments(entry, body)) is None:
        return _why_not(body)
    return _again(entry, body, arguments, trial, {}, 0, 0) or "the tool's definition is not known here"


def _depth(run: str, runs: Mapping[str, Mapping[str, Any]]) -> int:
    """How many runs are above one."""
    above: list[str] = []
    while isinstance(parent := runs.get(run, {}).get("parent"), str) and parent not in above:
        above.append(parent)
        run = parent
    return len(above)


def _posture(body: Mapping[str, Any]) -> Posture:
    try:
        return Posture(body.get("posture", "separate"))
    except ValueError:
        return Posture.SHARED


def _arguments(entry: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The arguments, where the record has them whole: then they give the digest of the call."""
    arguments = body.get("arguments")
    if not isinstance(arguments, Mapping):
        return None
    try:
        again = digest_of(
            {
                "agent": entry.get("agent"),
                "run": entry.get("run"),
                "tool": entry.get("tool"),
                "server": body.get("server"),
                "upstream_name": body.get("upstream_name"),
                "pin": body.get("pin"),
                "arguments": canonical_bytes(arguments).decode(),
            }
        )
    except (RequestError, ValueError):
        return None
    return arguments if again == body.get("digest") else None


def _why_not(body: Mapping[str, Any]) -> str:
    if not body:
        return "its body is no longer kept"
    if set(body.get("arguments") or ()) == {"sha256", "bytes"}:
        return "its arguments are too long to be recorded"
    return "its arguments are masked in the record"


def _compared(name: str, entry: Mapping[str, Any], body: Mapping[str, Any], tried: Tried, trial: Trial) -> Change | None:
    before, asked_before, kept = _recorded(entry, body)
    decision = tried.decision
    after = "deny" if kept and decision.level < Level.DENY else decision.level.name.lower()
    needs = tuple(sorted(needs_of(decision))) if after == "ask" else ()
    if (after, needs if before == after == "ask" else ()) == (before, asked_before if before == after == "ask" else ()):
        return None
    return Change(
        entry=name,
        at=int(entry["at"]),
        agent=str(entry["agent"]),
        tool=str(entry["tool"]),
        before=before,
        after=after,
        asked_before=asked_before,
        asked=tuple(asked_of(decision, trial.loaded.rules.groups)) if after == "ask" else (),
        policies=tuple(policy.id for policy in tried.evaluation.forbidding),
        reasons=tuple(sorted({reason.code.value for reason in decision.reasons})),
    )


def _recorded(entry: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[str, tuple[str, ...], bool]:
    """What was decided, who was asked, and whether a check that is not replayed refused it."""
    level = str(entry.get("decision"))
    reasons = [reason for reason in body.get("reasons", []) if isinstance(reason, Mapping)]
    gates: dict[str, int] = {}
    for gate in body.get("gates", []):
        group = str(gate.get("group", ""))
        gates[group] = max(gates.get(group, 0), int(gate.get("quorum", 1)))
    needs = tuple(
        sorted(f"{n} of {group}" if group else f"{n} {'person' if n == 1 else 'people'}" for group, n in gates.items())
    )
    kept = level in ("deny", "halt") and any(reason.get("check") not in REPLAYED for reason in reasons)
    return level, needs, kept
