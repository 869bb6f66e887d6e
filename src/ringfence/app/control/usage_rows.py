"""What models were used for, from the log's entries alone: requests, tokens and money by agent, tree, model or day. Pure.

A request counts at what its outcome says. One whose outcome nobody knows counts at the most that it could use, as it does on
the meters; one that was provably not sent, or refused, counts for nothing; one that is under way is named and not yet counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ringfence.app.control.times import iso
from ringfence.core.modelling import Act
from ringfence.core.shortfall import as_amount

UNKNOWN: Final = "(unknown)"
NOBODY: Final = "(none)"


class By(StrEnum):
    """What the rows are."""

    AGENT = "agent"
    TEAM = "team"
    TREE = "tree"
    """A run with all that were opened below it: one task."""
    RUN = "run"
    MODEL = "model"
    UPSTREAM = "upstream"
    DAY = "day"
    """Of UTC."""


@dataclass(slots=True)
class Row:
    """One of them."""

    of: str
    requests: int = 0
    under_way: int = 0
    at_most: int = 0
    """Requests that count at the most that they could use."""
    tokens_in: int = 0
    tokens_out: int = 0
    micro: int = 0
    trees: set[str] = field(default_factory=set[str])

    def view(self) -> dict[str, Any]:
        tasks = len(self.trees)
        return {
            "of": self.of,
            "requests": self.requests,
            "under_way": self.under_way,
            "at_most": self.at_most,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "spend": as_amount(self.micro),
            "tasks": tasks,
            "spend_per_task": as_amount(-(-self.micro // tasks)) if tasks else None,
        }


def roots_of(opened: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The root of each run's tree, from the entries that say who opened it. One without a parent is its own."""
    parents = {str(entry["run"]): str(entry["body"]["parent"]) for entry in opened if entry["body"].get("parent")}
    roots: dict[str, str] = {}
    for run in parents:
        line = [run]
        while (above := parents.get(line[-1])) is not None and above not in line:
            line.append(above)
        roots[run] = line[-1]
    return roots


def usage_rows(
    entries: Iterable[Mapping[str, Any]], by: By, roots: Mapping[str, str], teams: Mapping[str, str], until: int | None = None
) -> list[Row]:
    """From decisions and outcomes of requests to models to rows, the dearest first. `until`: those decided before it."""
    listed = list(entries)
    outcomes = {entry["call"]: entry for entry in listed if entry["kind"] == "outcome"}
    rows: dict[str, Row] = {}
    for entry in listed:
        if entry["kind"] != "decision" or entry["decision"] != "allow" or (until is not None and entry["at"] >= until):
            continue
        if entry["body"].get("arguments", {}).get("act", Act.MESSAGES) != Act.MESSAGES:
            continue
        outcome = outcomes.get(entry["call"])
        if outcome is not None and outcome["decision"] == "failed_not_sent":
            continue
        tree = roots.get(entry["run"], entry["run"])
        key = _KEYS[by](entry, outcome, tree, teams)
        row = rows.setdefault(key, Row(key))
        row.trees.add(tree)
        row.requests += 1
        if outcome is None:
            row.under_way += 1
            continue
        used = outcome["body"].get("model")
        if not isinstance(used, Mapping):
            row.at_most += 1
            used = entry["body"].get("arguments", {}).get("most", {})
        row.tokens_in += used.get("tokens_in", 0)
        row.tokens_out += used.get("tokens_out", 0)
        row.micro += used.get("micro", 0)
    return sorted(rows.values(), key=lambda row: row.of if by is By.DAY else (-row.micro, row.of))


def _asked(entry: Mapping[str, Any], name: str) -> str:
    return str(entry["body"].get("arguments", {}).get(name) or UNKNOWN)


def _model(entry: Mapping[str, Any], outcome: Mapping[str, Any] | None) -> str:
    """Who answered; else who was asked."""
    used = outcome["body"].get("model") if outcome is not None else None
    answered = used.get("model") if isinstance(used, Mapping) else None
    return str(answered or _asked(entry, "model"))


_Key = Callable[[Mapping[str, Any], Mapping[str, Any] | None, str, Mapping[str, str]], str]
_KEYS: Final[Mapping[By, _Key]] = {
    By.AGENT: lambda entry, _outcome, _tree, _teams: str(entry.get("agent") or UNKNOWN),
    By.TEAM: lambda entry, _outcome, _tree, teams: teams.get(str(entry.get("agent")), NOBODY) or NOBODY,
    By.TREE: lambda _entry, _outcome, tree, _teams: tree,
    By.RUN: lambda entry, _outcome, _tree, _teams: str(entry["run"]),
    By.MODEL: lambda entry, outcome, _tree, _teams: _model(entry, outcome),
    By.UPSTREAM: lambda entry, _outcome, _tree, _teams: _asked(entry, "upstream"),
    By.DAY: lambda entry, _outcome, _tree, _teams: (iso(entry["at"]) or UNKNOWN)[:10],
}
