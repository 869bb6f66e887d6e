"""What did it touch? Which objects, by which tool, how often, with what outcome, undone or not. Pure.

A write is undone when a later call of its tool's declared inverse, on the same object, returned without an error. Calls that
were provably not sent touched nothing. What is ambiguous may have happened, and counts as not undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

UNNAMED = ""
"""The object of calls whose profile names none."""


@dataclass(slots=True)
class Touched:
    """One object under one tool."""

    tool: str
    object: str
    effect: str
    inverse: str | None
    calls: int = 0
    returned: int = 0
    failed: int = 0
    """Of those returned: the server answered with an error."""
    ambiguous: int = 0
    under_way: int = 0
    undone: int = 0
    first: int = 0
    last: int = 0
    entries: list[str] = field(default_factory=list[str])

    @property
    def state(self) -> str:
        """In one word for people."""
        if self.effect == "read":
            return "read"
        took_effect = self.calls - self.failed
        if took_effect == 0:
            return "failed"
        if self.undone >= took_effect:
            return "undone"
        return "partly undone" if self.undone else "not undone"

    def view(self) -> dict[str, Any]:
        return {
            "tool": self.tool,
            "object": self.object,
            "effect": self.effect,
            "inverse": self.inverse,
            "calls": self.calls,
            "returned": self.returned,
            "failed": self.failed,
            "ambiguous": self.ambiguous,
            "under_way": self.under_way,
            "undone": self.undone,
            "state": self.state,
            "entries": self.entries,
        }


MOST_ENTRIES_A_ROW = 50


def touched(entries: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]] = ()) -> list[Touched]:
    """From decision and outcome entries to one row per tool and object, in order of first touch.

    `others` are entries of other runs and agents: their calls make no rows, but may have undone what these did.
    """
    own = list(entries)
    mine = {entry["call"] for entry in own}
    foreign = [entry for entry in others if entry["call"] not in mine]
    listed = sorted([*own, *foreign], key=lambda entry: entry["seq"])
    outcomes = {entry["call"]: entry for entry in listed if entry["kind"] == "outcome"}
    rows: dict[tuple[str, str], Touched] = {}
    for entry in listed:
        if entry["kind"] != "decision" or entry["decision"] != "allow":
            continue
        outcome = outcomes.get(entry["call"])
        ended = outcome["decision"] if outcome else None
        if ended == "failed_not_sent":
            continue
        failed = outcome is not None and is_error(outcome)
        for value in objects(entry):
            if entry["call"] in mine:
                _count(rows.setdefault((entry["tool"], value), _row(entry, value)), entry, ended, failed)
            if ended == "returned" and not failed:
                _undo(rows.values(), entry["tool"], value)
    return list(rows.values())


def _row(entry: Mapping[str, Any], value: str) -> Touched:
    profile = entry["body"].get("profile", {})
    return Touched(entry["tool"], value, profile.get("effect", "write"), profile.get("inverse"), first=entry["seq"])


def _count(row: Touched, entry: Mapping[str, Any], ended: str | None, failed: bool) -> None:
    row.calls += 1
    row.last = entry["seq"]
    row.returned += ended == "returned"
    row.failed += failed
    row.ambiguous += ended == "ambiguous"
    row.under_way += ended is None
    if len(row.entries) < MOST_ENTRIES_A_ROW:
        row.entries.append(f"e{entry['seq']}")


def _undo(rows: Iterable[Touched], tool: str, value: str) -> None:
    """A returned call of a tool undoes one earlier write on the same object by the tool whose inverse it is."""
    for row in rows:
        if row.inverse == tool and row.object == value and value != UNNAMED and row.undone < row.returned - row.failed:
            row.undone += 1
            return


def objects(entry: Mapping[str, Any]) -> list[str]:
    """The objects that a call named, by value: a tool and its inverse may call the argument differently."""
    named = [str(item).partition("=")[2] for item in entry["body"].get("objects", [])]
    return list(dict.fromkeys(named)) or [UNNAMED]


def is_error(outcome: Mapping[str, Any]) -> bool:
    """Whether the server itself said that it failed."""
    return bool(outcome["body"].get("is_error")) or "error" in outcome["body"]
