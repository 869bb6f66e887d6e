"""What models were used for, from the log's entries alone: requests, tokens and money by agent, tree, model or day. Pure.

A request counts at what its outcome says. One whose outcome nobody knows counts at the most that it could use, as it does on
the meters; one that was provably not sent, or refused, counts for nothing; one that is under way is named and not yet counted.

Entries are taken one by one, so that no log is too long: what is kept are the rows, and requests that are under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ringfence.app.control.times import iso
from ringfence.core.ledger.shortfall import as_amount
from ringfence.core.own_tools.modelling import MESSAGES, Act

UNKNOWN: Final = "(unknown)"
NOBODY: Final = "(none)"
Entry = Mapping[str, Any]


class By(StrEnum):
    """What the rows are."""

    AGENT = "agent"
    TEAM = "team"
    TREE = "tree"
    """A run with all that were opened below it: one task."""
    RUN = "run"
    MODEL = "model"
    UPSTREAM = "upstream"
    TOOL = "tool"
    """Of the gateway, and what models asked for (`usage_tools`)."""
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


@dataclass(frozen=True, slots=True)
class Used:
    """What one request counts at."""

    tokens_in: int
    tokens_out: int
    micro: int
    is_most: bool


class Roots:
    """The root of each run's tree, from the entries that say who opened it. One without a parent is its own."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def add(self, entry: Entry) -> None:
        if entry["kind"] == "run" and entry["body"].get("parent"):
            self._parents[str(entry["run"])] = str(entry["body"]["parent"])

    def of(self, run: str) -> str:
        line = [run]
        while (above := self._parents.get(line[-1])) is not None and above not in line:
            line.append(above)
        return line[-1]


class ModelUsage:
    """Decisions and outcomes of requests to models, added up. `until`: those decided before it."""

    def __init__(self, by: By, roots: Roots, teams: Mapping[str, str], until: int | None = None) -> None:
        self._by = by
        self._roots = roots
        self._teams = teams
        self._until = until
        self._rows: dict[str, Row] = {}
        self._open: dict[str, Entry] = {}

    @property
    def is_settled(self) -> bool:
        """Whether no request that was let in is without an outcome."""
        return not self._open

    def add(self, entry: Entry) -> None:
        if is_request(entry, self._until):
            self._open[entry["call"]] = entry
        elif entry["kind"] == "outcome" and (decision := self._open.pop(entry["call"], None)) is not None:
            self._came_to(decision, entry)

    def rows(self) -> list[dict[str, Any]]:
        """The dearest first; days in their order."""
        rows = self._with_open().values()
        return [row.view() for row in sorted(rows, key=lambda row: row.of if self._by is By.DAY else (-row.micro, row.of))]

    def total(self) -> dict[str, Any]:
        total = Row("total")
        for row in self._with_open().values():
            total.requests += row.requests
            total.under_way += row.under_way
            total.at_most += row.at_most
            total.tokens_in += row.tokens_in
            total.tokens_out += row.tokens_out
            total.micro += row.micro
            total.trees |= row.trees
        return total.view()

    def _came_to(self, decision: Entry, outcome: Entry) -> None:
        used = used_by(decision, outcome)
        if used is None:
            return
        row = self._row(self._rows, decision, outcome)
        row.requests += 1
        row.at_most += used.is_most
        row.tokens_in += used.tokens_in
        row.tokens_out += used.tokens_out
        row.micro += used.micro

    def _with_open(self) -> dict[str, Row]:
        """The rows, with what is under way by now."""
        rows = {of: _copy(row) for of, row in self._rows.items()}
        for decision in self._open.values():
            row = self._row(rows, decision, None)
            row.requests += 1
            row.under_way += 1
        return rows

    def _row(self, rows: dict[str, Row], decision: Entry, outcome: Entry | None) -> Row:
        tree = self._roots.of(str(decision["run"]))
        key = _KEYS[self._by](decision, outcome, tree, self._teams)
        row = rows.setdefault(key, Row(key))
        row.trees.add(tree)
        return row


def is_request(entry: Entry, until: int | None) -> bool:
    """Whether it lets a request in that something is generated for, in time."""
    if entry["kind"] != "decision" or entry["decision"] != "allow" or entry.get("tool", MESSAGES) != MESSAGES:
        return False
    act = entry["body"].get("arguments", {}).get("act", Act.MESSAGES)
    return act == Act.MESSAGES and (until is None or entry["at"] < until)


def used_by(decision: Entry, outcome: Entry) -> Used | None:
    """What a request counts at; None: it was provably not sent."""
    if outcome["decision"] == "failed_not_sent":
        return None
    facts: Any = outcome["body"].get("model")
    is_most = not isinstance(facts, Mapping)
    if is_most:
        facts = decision["body"].get("arguments", {}).get("most", {})
    return Used(facts.get("tokens_in", 0), facts.get("tokens_out", 0), facts.get("micro", 0), is_most)


def model_rows(
    entries: Iterable[Entry], by: By, roots: Roots, teams: Mapping[str, str], until: int | None = None
) -> list[dict[str, Any]]:
    """All at once."""
    usage = ModelUsage(by, roots, teams, until)
    for entry in entries:
        usage.add(entry)
    return usage.rows()


def _copy(row: Row) -> Row:
    copied = Row(row.of, row.requests, row.under_way, row.at_most, row.tokens_in, row.tokens_out, row.micro)
    copied.trees = set(row.trees)
    return copied


def _asked(entry: Entry, name: str) -> str:
    return str(entry["body"].get("arguments", {}).get(name) or UNKNOWN)


def _model(entry: Entry, outcome: Entry | None) -> str:
    """Who answered; else who was asked."""
    used = outcome["body"].get("model") if outcome is not None else None
    answered = used.get("model") if isinstance(used, Mapping) else None
    return str(answered or _asked(entry, "model"))


_Key = Callable[[Entry, Entry | None, str, Mapping[str, str]], str]
_KEYS: Final[Mapping[By, _Key]] = {
    By.AGENT: lambda entry, _outcome, _tree, _teams: str(entry.get("agent") or UNKNOWN),
    By.TEAM: lambda entry, _outcome, _tree, teams: teams.get(str(entry.get("agent")), NOBODY) or NOBODY,
    By.TREE: lambda _entry, _outcome, tree, _teams: tree,
    By.RUN: lambda entry, _outcome, _tree, _teams: str(entry["run"]),
    By.MODEL: lambda entry, outcome, _tree, _teams: _model(entry, outcome),
    By.UPSTREAM: lambda entry, _outcome, _tree, _teams: _asked(entry, "upstream"),
    By.DAY: lambda entry, _outcome, _tree, _teams: (iso(entry["at"]) or UNKNOWN)[:10],
}
