"""One canonical tool call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.identifiers import AgentId, CallId, Digest, RunId, ServerId, ToolId


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One canonical tool call. What is decided, approved, recorded and executed is `arguments`, byte for byte."""

    id: CallId
    agent: AgentId
    run: RunId
    tool: ToolId
    server: ServerId
    upstream_name: str
    pin: Digest
    arguments: bytes
    """RFC 8785 canonical JSON of what is sent upstream (a derived tool's fixed arguments filled in)."""
    shown: Mapping[str, Any]
    """The arguments as the agent gave them, parsed; a derived tool's fixed arguments are not in here."""
    value: Mapping[str, Any]
    """`arguments`, parsed. The checks read this; the upstream adapter encodes nothing else."""
    digest: Digest
    """Over agent, run, server, upstream name, tool, pin and arguments: the key of an approval."""
