"""What must hold after a process was killed, judged by the upstream's own log and the gateway's audit log. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringfence.core.model.label import at_least
from ringfence.core.model.profile import Sensitivity, Trust

Executed = tuple[str, Mapping[str, Any]]
"""Tool and arguments, as the upstream logged them."""
Entry = Mapping[str, Any]


@dataclass(slots=True)
class Findings:
    """What did not hold, in words; empty lists are what everybody hopes for."""

    executed_without_entry: list[str] = field(default_factory=list[str])
    executed_twice: list[str] = field(default_factory=list[str])
    lost_tickets: list[str] = field(default_factory=list[str])
    lost_kills: list[str] = field(default_factory=list[str])
    lost_labels: list[str] = field(default_factory=list[str])
    """A result that reached its client, and whose label the run does not have."""
    other: list[str] = field(default_factory=list[str])
    """An open hold, a gap in the log, a result without its entry, a call that should have worked and did not."""

    def all(self) -> list[str]:
        return [
            *(f"executed without an entry: {text}" for text in self.executed_without_entry),
            *(f"executed twice: {text}" for text in self.executed_twice),
            *(f"lost ticket: {text}" for text in self.lost_tickets),
            *(f"lost kill: {text}" for text in self.lost_kills),
            *(f"lost label: {text}" for text in self.lost_labels),
            *self.other,
        ]

    def add(self, other: Findings) -> None:
        self.executed_without_entry += other.executed_without_entry
        self.executed_twice += other.executed_twice
        self.lost_tickets += other.lost_tickets
        self.lost_kills += other.lost_kills
        self.lost_labels += other.lost_labels
        self.other += other.other


def key_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """One text for one call, whatever the order of its keys."""
    return f"{tool} {json.dumps(arguments, sort_keys=True)}"


def without_entry(executed: Iterable[Executed], log: Iterable[Entry]) -> list[str]:
    """Executed calls for which the log holds no `allow` of exactly these arguments; each entry answers for one execution."""
    allowed = Counter(key_of(e["body"]["upstream_name"], e["body"]["arguments"]) for e in log if is_allow(e))
    done = Counter(key_of(tool, arguments) for tool, arguments in executed)
    return list((done - allowed).elements())


def too_often(executed: Iterable[Executed], due: Mapping[str, int]) -> list[str]:
    """Calls executed more often than was due: once for each request of the client, or for each approval where one is needed."""
    done = Counter(key_of(tool, arguments) for tool, arguments in executed)
    return [f"{key} ({count} times, {due.get(key, 0)} due)" for key, count in done.items() if count > due.get(key, 0)]


def open_ends(log: Sequence[Entry]) -> list[str]:
    """Gaps in the log, and allowed calls that have not come to exactly one outcome."""
    outcomes = Counter(e["call"] for e in log if e["kind"] == "outcome")
    allowed = Counter(e["call"] for e in log if is_allow(e))
    found = [f"allowed call {call} has {outcomes[call]} outcomes" for call in allowed if outcomes[call] != 1]
    found += [f"call {call} has an outcome and no decision" for call in outcomes if allowed[call] != 1]
    if [e["seq"] for e in log] != list(range(len(log))):
        found.append("the log has a gap")
    return found


def said_not_sent(executed: Iterable[Executed], log: Sequence[Entry]) -> list[str]:
    """Executed calls that the log calls `failed_not_sent`: nothing is worse than such an invitation to repeat them."""
    innocent = {e["call"] for e in log if e["kind"] == "outcome" and e["decision"] == "failed_not_sent"}
    return without_entry(executed, [e for e in log if e["call"] not in innocent])


def results_without_outcome(seen: Iterable[Executed], log: Sequence[Entry]) -> list[str]:
    """Calls whose result a client has seen: each needs a `returned` outcome."""
    returned = {e["call"] for e in log if e["kind"] == "outcome" and e["decision"] == "returned"}
    unknown = without_entry(seen, [e for e in log if e["call"] in returned])
    return [f"a client has a result that the log does not know: {key}" for key in unknown]


def returned_without_execution(executed: Iterable[Executed], log: Sequence[Entry]) -> list[str]:
    """Calls that the log calls `returned` and the upstream never executed; one that nobody saw end has to be `ambiguous`."""
    returned = {e["call"] for e in log if e["kind"] == "outcome" and e["decision"] == "returned"}
    claimed = Counter(
        key_of(e["body"]["upstream_name"], e["body"]["arguments"]) for e in log if is_allow(e) and e["call"] in returned
    )
    return list((claimed - Counter(key_of(tool, arguments) for tool, arguments in executed)).elements())


def ticket_faults(ticket: str, view: Mapping[str, Any] | None, may_be: frozenset[str], log: Iterable[Entry]) -> list[str]:
    """A ticket that somebody saw: is it there, in a state that can follow, and does the log tell the same story?"""
    if view is None:
        return [f"{ticket} is gone"]
    faults: list[str] = []
    state = view["state"]
    if state not in may_be:
        faults.append(f"{ticket} is {state}, which cannot follow: {', '.join(sorted(may_be))}")
    entries = list(log)
    used = [e for e in entries if is_allow(e) and e["body"].get("ticket") == ticket]
    if len(used) != (1 if state == "consumed" else 0):
        faults.append(f"{ticket} is {state} and {len(used)} decisions used it")
    voted = {
        (e["by"], e["decision"])
        for e in entries
        if e["kind"] == "approval" and e["body"]["ticket"] == ticket and e["decision"] in ("approved", "denied")
    }
    votes = {(f"operator:{v['operator']}", "approved" if v["decision"] == "approve" else "denied") for v in view["votes"]}
    if voted != votes:
        faults.append(f"{ticket} has the votes {sorted(votes)}, the log {sorted(voted)}")
    return faults


def stop_faults(acknowledged: str | None, in_force: Iterable[str], log: Iterable[Entry]) -> list[str]:
    """An acknowledged stop is in force, and what is in force is in the log, and the other way round."""
    stops = set(in_force)
    logged = {e["body"]["stop"] for e in log if e["kind"] == "control" and e["decision"] == "kill"}
    faults = [f"{acknowledged} was acknowledged and is not in force"] if acknowledged and acknowledged not in stops else []
    if stops != logged:
        faults.append(f"in force: {sorted(stops)}, in the log: {sorted(logged)}")
    return faults


def label_faults(seen: Iterable[Executed], label: Mapping[str, str], least: str) -> list[str]:
    """Results that a client has, against the label of their run: untrusted by now, and at least so confidential."""
    if not list(seen):
        return []
    is_lost = label["integrity"] != Trust.UNTRUSTED or not at_least(Sensitivity(label["confidentiality"]), Sensitivity(least))
    return [f"a client has a result, and its run is {label['integrity']} and {label['confidentiality']}"] if is_lost else []


def is_allow(entry: Entry) -> bool:
    return entry["kind"] == "decision" and entry["decision"] == "allow"
