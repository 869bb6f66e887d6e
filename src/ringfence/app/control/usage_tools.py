"""What tools were used for, from the log's entries alone. Pure. Two things stand side by side in a row, and are never added up:

- calls that came to the gateway: how many, what was decided, what came of them, how long they took and waited for a person;
- how often models asked for the tool, and what the requests cost in whose answers they did. One that asks for three tools is
  counted with its whole cost at each of them, since nobody can say which part of an answer led to which; the total counts it
  once. A tool that is not the gateway's has only this half.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ringfence.app.control.usage_rows import UNKNOWN, Entry, is_request, used_by
from ringfence.core.ledger.shortfall import as_amount
from ringfence.core.own_tools.modelling import MESSAGES

MOST_ROWS: Final = 1000
"""Names that models ask for are what they make up: beyond so many, what is new is one row."""
OTHERS: Final = "(others)"
_PREFIX: Final = re.compile(r"mcp__[A-Za-z0-9_-]+?__")
"""What clients put before the names of a server's tools."""
_ENDED: Final = frozenset({"expired", "withdrawn"})


@dataclass(slots=True)
class ToolRow:
    """One of them. Times in milliseconds, money in millionths."""

    of: str
    calls: int = 0
    allowed: int = 0
    asked: int = 0
    """Answered with `a person has to decide`, each time it was called anew."""
    denied: int = 0
    returned: int = 0
    failed: int = 0
    """The server, or the tool, answered with an error."""
    not_sent: int = 0
    ambiguous: int = 0
    under_way: int = 0
    took: int = 0
    waited: int = 0
    uses: int = 0
    """How often a model asked for it."""
    requests: int = 0
    """In how many answers."""
    micro: int = 0
    """What those cost."""

    def view(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in _COUNTED},
            "took_s": round(self.took / 1000, 3),
            "waited_s": round(self.waited / 1000, 3),
            "uses": self.uses,
            "requests": self.requests,
            "spend": as_amount(self.micro),
        }


_COUNTED: Final = tuple(
    each.name for each in fields(ToolRow) if each.name not in ("took", "waited", "uses", "requests", "micro")
)


class ToolUsage:
    """Entries of calls, added up. `names`: tools by the names that models know them by; `until`: those decided before it."""

    def __init__(self, names: Mapping[str, str], until: int | None = None) -> None:
        self._names = names
        self._until = until
        self._rows: dict[str, ToolRow] = {}
        self._total = ToolRow("total")
        self._open: dict[str, Entry] = {}
        self._waits: dict[str, tuple[str, int, bool]] = {}
        """By ticket: its tool, since when it waits, whether it was approved."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing that was let in is without its end."""
        return not self._open and not self._waits

    def add(self, entry: Entry) -> None:
        match entry["kind"]:
            case "decision" if self._until is None or entry["at"] < self._until:
                self._decided(entry)
            case "outcome" if (decision := self._open.pop(entry["call"], None)) is not None:
                self._came_to(decision, entry)
            case "approval":
                self._approval(entry)
            case _:
                pass

    def rows(self) -> list[dict[str, Any]]:
        """What was called most comes first."""
        rows = sorted(self._rows.values(), key=lambda row: (-row.calls, -row.uses, row.of))
        return [row.view() for row in rows]

    def total(self) -> dict[str, Any]:
        return self._total.view()

    def _decided(self, entry: Entry) -> None:
        if entry.get("tool") == MESSAGES:
            if is_request(entry, self._until):
                self._open[entry["call"]] = entry
            return
        tool = str(entry.get("tool") or UNKNOWN)
        for row in self._both(tool):
            row.calls += 1
            match entry["decision"]:
                case "allow":
                    row.allowed += 1
                    row.under_way += 1
                case "ask":
                    row.asked += 1
                case _:
                    row.denied += 1
        if entry["decision"] == "allow":
            self._open[entry["call"]] = entry
        ticket = entry["body"].get("ticket")
        if ticket and entry["decision"] == "ask":
            self._waits.setdefault(str(ticket), (tool, entry["at"], False))
        elif ticket:
            self._waits.pop(str(ticket), None)

    def _came_to(self, decision: Entry, outcome: Entry) -> None:
        if decision.get("tool") == MESSAGES:
            self._asked_for(decision, outcome)
            return
        body, state = outcome["body"], outcome["decision"]
        has_failed = "error" in body or body.get("is_error") is True
        for row in self._both(str(decision.get("tool") or UNKNOWN)):
            row.under_way -= 1
            row.took += max(0, outcome["at"] - decision["at"])
            row.not_sent += state == "failed_not_sent"
            row.ambiguous += state == "ambiguous"
            row.failed += state == "returned" and has_failed
            row.returned += state == "returned" and not has_failed

    def _approval(self, entry: Entry) -> None:
        """It has waited until the last act that ended it; what happens to an approval that nobody used is no wait."""
        ticket = str(entry["body"].get("ticket"))
        known = self._waits.get(ticket)
        if known is None:
            return
        tool, since, was_approved = known
        if entry["decision"] == "approved":
            self._waits[ticket] = (tool, entry["at"], True)
        elif entry["decision"] in _ENDED or entry["decision"] == "denied":
            del self._waits[ticket]
            if was_approved and entry["decision"] in _ENDED:
                return
        for row in self._both(tool):
            row.waited += max(0, entry["at"] - since)

    def _asked_for(self, decision: Entry, outcome: Entry) -> None:
        used, facts = used_by(decision, outcome), outcome["body"].get("model")
        uses: Any = facts.get("tool_uses") if isinstance(facts, Mapping) else None
        if used is None or not uses:
            return
        asked = [self._tool(str(each.get("name") or UNKNOWN)) for each in uses]
        self._total.requests += 1
        self._total.micro += used.micro
        for tool in asked:
            for row in self._both(tool):
                row.uses += 1
        for tool in dict.fromkeys(asked):
            row = self._row(tool)
            row.requests += 1
            row.micro += used.micro

    def _tool(self, name: str) -> str:
        """The gateway's tool of this name, else the name itself."""
        return self._names.get(name) or self._names.get(_PREFIX.sub("", name, count=1)) or name[:120]

    def _both(self, tool: str) -> tuple[ToolRow, ToolRow]:
        return self._row(tool), self._total

    def _row(self, tool: str) -> ToolRow:
        if tool not in self._rows and len(self._rows) >= MOST_ROWS:
            tool = OTHERS
        return self._rows.setdefault(tool, ToolRow(tool))


def tool_rows(entries: Iterable[Entry], names: Mapping[str, str], until: int | None = None) -> list[dict[str, Any]]:
    """All at once."""
    usage = ToolUsage(names, until)
    for entry in entries:
        usage.add(entry)
    return usage.rows()
