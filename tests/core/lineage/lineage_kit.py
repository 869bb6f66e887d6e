"""Entries as they are parsed from leaves, written down shortly; and the story that the golden files tell."""

from __future__ import annotations

import json
import re
from typing import Any

from ringfence.core.records.entry import Entry, EntryKind

START = 1_800_000_000_000
INTERNAL = {"integrity": "trusted", "confidentiality": "internal"}
UNTRUSTED = {"integrity": "untrusted", "confidentiality": "internal"}
BOTH = {"integrity": "untrusted", "confidentiality": "confidential"}
OUTWARD = {"profile": {"effect": "write", "outbound": True}}


def entry(seq: int, kind: str, body: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """One entry, four seconds after the one before."""
    empty = {"run": "r_1", "agent": "support", "tool": None, "call": None, "decision": None, "by": "gateway", "summary": ""}
    return {"seq": seq, "at": START + seq * 4000, "kind": kind, **empty, "body": body or {}, **fields}


def decision(seq: int, tool: str, level: str = "allow", body: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A decision on a call of its own, `c` and its place; a read where the body says nothing else."""
    plain = {"profile": {"effect": "read", "outbound": False}, "reasons": []}
    return entry(seq, "decision", {**plain, **(body or {})}, tool=tool, decision=level, call=f"c{seq}", **fields)


def outcome(seq: int, of: int, body: dict[str, Any] | None = None, ended: str = "returned", **fields: Any) -> dict[str, Any]:
    return entry(seq, "outcome", body, decision=ended, call=f"c{of}", **fields)


def origin(pointer: str, role: str, source: str, of: str = "", where: str = "") -> dict[str, Any]:
    return {"pointer": pointer, "role": role, "from": source, "where": where, **({"entry": of} if of else {})}


def reasons(*codes: str) -> list[dict[str, str]]:
    return [{"code": code, "check": "flow", "detail": ""} for code in codes]


TASK = {"task": "Refund order A1 and tell the customer", "task_trusted": True, "parent": None}
FOUND = [{"class": "instructions", "rule": "orders-a-model", "at": "/content/0/text", "count": 1}]


def story() -> list[dict[str, Any]]:
    """A support agent reads a ticket that wants something else than its task."""
    refund = [origin("/order", "selector", "words"), origin("/amount", "magnitude", "record", "e2")]
    mail = [
        origin("/to", "target", "result", "e4", "only in what tickets.get returned, at /content/0/text, line 6"),
        origin("/account", "target", "result", "e6"),
        origin("/cc", "target", "nowhere"),
    ]
    lookups = [
        step for seq in range(8, 20, 2) for step in (decision(seq, "orders.get", body={"label": BOTH}), outcome(seq + 1, seq))
    ]
    return [
        entry(1, "run", TASK, summary="run opened for support", by="operator:ada"),
        decision(2, "orders.get", body={"brings": INTERNAL}),
        outcome(3, 2),
        decision(4, "tickets.get", body={"label": INTERNAL, "brings": UNTRUSTED}),
        outcome(5, 4, {"label": UNTRUSTED, "findings": FOUND}),
        decision(6, "crm.read", body={"label": UNTRUSTED, "brings": BOTH}),
        outcome(7, 6, {"label": BOTH}),
        *lookups,
        decision(20, "payments.refund", body={**OUTWARD, "label": BOTH, "origins": refund}),
        outcome(21, 20, {"label": UNTRUSTED}),
        decision(
            22,
            "mail.send",
            "ask",
            {**OUTWARD, "label": BOTH, "ticket": "t_1", "reasons": reasons("provenance", "rule_of_two"), "origins": mail},
        ),
        entry(23, "approval", {"ticket": "t_1"}, decision="denied", by="operator:ada", summary="ada denied mail.send (t_1)"),
        decision(24, "mail.send", "deny", {**OUTWARD, "label": BOTH, "ticket": "t_1", "reasons": reasons("approval_denied")}),
        decision(26, "posts.add", body={**OUTWARD, "label": BOTH, "origins": [origin("/channel", "target", "result", "e6")]}),
        outcome(27, 26, {"label": UNTRUSTED}),
        decision(
            28,
            "web.fetch",
            "deny",
            {**OUTWARD, "label": BOTH, "reasons": reasons("host"), "origins": [origin("/url", "target", "result", "e26")]},
        ),
        entry(
            29,
            "control",
            {"stop": "s_1", "scope": {"kind": "run", "target": "r_1", "agent": None}},
            run=None,
            decision="kill",
            by="operator:ada",
            summary="kill of run r_1",
        ),
    ]


def recordable(entries: list[dict[str, Any]], first: int) -> tuple[list[Entry], dict[str, str]]:
    """The same as a store takes them, the first at place `first`; and which name each has there."""
    names = {f"e{one['seq']}": f"e{first + place}" for place, one in enumerate(entries)}

    def renamed(match: re.Match[str]) -> str:
        return f'"{names.get(match[1], match[1])}"'

    made: list[Entry] = []
    for one in entries:
        body: dict[str, Any] = json.loads(re.sub(r'"(e\d+)"', renamed, json.dumps(one["body"])))
        made.append(Entry(**_fields(one, body)))
    return made, names


def _fields(one: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    named = {name: value for name, value in one.items() if name not in ("seq", "kind", "body")}
    return {**named, "kind": EntryKind(one["kind"]), "body": body}
