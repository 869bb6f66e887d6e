"""What is written to the audit log.

An entry is written as canonical JSON, its leaf, which is never re-rendered; the tree is built over the leaf's stem, in which a
digest stands for the body (`core.audit.stem`). The store gives each entry its place (`seq`, dense from 0) and its recorded time
is the engine's `now`. The public id of entry 1042 is `e1042`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId, ToolId
from ringfence.core.strict_json.canonical import canonical_bytes

ENTRY_LIMIT = 60_000
"""Bytes. Entry bundles of C2SP tiles carry 16-bit lengths, so a leaf stays under 64 KiB."""


class EntryKind(StrEnum):
    DECISION = "decision"
    APPROVAL = "approval"
    OUTCOME = "outcome"
    CONTROL = "control"
    RUN = "run"
    OBSERVED = "observed"
    """What a run tells of itself by what it sends to models: seen, never believed."""
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record. `body` holds what is particular to its kind; the other fields are what people filter by."""

    kind: EntryKind
    at: Millis
    summary: str
    """One line for a person: what happened."""
    run: RunId | None = None
    agent: AgentId | None = None
    tool: ToolId | None = None
    call: CallId | None = None
    decision: str | None = None
    """`allow`, `ask`, `deny`, `halt` on decision entries; `returned`, `failed_not_sent`, `ambiguous` on outcome entries."""
    by: str = ""
    """`operator:NAME`, `agent:NAME` or `gateway`."""
    body: Mapping[str, Any]

    def leaf(self, seq: int, salt: str = "") -> bytes:
        """The canonical bytes at place `seq`: what is kept, exported and verified.

        `salt` is hexadecimal; it keeps a dropped body from being guessed by its digest.
        """
        return canonical_bytes(
            {
                **({"salt": salt} if salt else {}),
                "v": 2,
                "seq": seq,
                "at": self.at,
                "kind": self.kind.value,
                "summary": self.summary,
                "run": self.run,
                "agent": self.agent,
                "tool": self.tool,
                "call": self.call,
                "decision": self.decision,
                "by": self.by,
                "body": dict(self.body),
            }
        )
