"""What tests of values' origins are written with: people's words, results, calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ringfence.core.definitions.wording import words
from ringfence.core.flow.asked import Asked, Scalar, nouns_of
from ringfence.core.flow.giving.saying import says
from ringfence.core.flow.origins import origins
from ringfence.core.flow.words.spoken import Spoken
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import AgentId, CallId, Digest, RunId, ServerId, ToolId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Authority, Role, ToolProfile, Trust
from ringfence.core.model.provenance import Flow, Heard, Origin, ProvenanceRules
from ringfence.core.model.tool import Tool
from ringfence.core.model.words import Words

AT = int(datetime(2026, 11, 18, 10, tzinfo=UTC).timestamp() * 1000)
"""A Wednesday."""
UNTRUSTED = Label(Trust.UNTRUSTED)
TARGET, SELECTOR, MAGNITUDE, CONTROL, COMMAND = Role.TARGET, Role.SELECTOR, Role.MAGNITUDE, Role.CONTROL, Role.COMMAND


def gives(text: str, value: Scalar, role: Role, name: str = "x", tool: str = "srv.tool") -> bool:
    """Whether words give a value for an argument of this name."""
    parts = words(name)
    return says(Spoken(text, AT), Asked(value, role, parts, nouns_of(parts, tool))) is not None


def heard(tool: str, arguments: Mapping[str, Any], value: Any, *, entry: str = "e1", **more: Any) -> Heard:
    """A result with the value as its structured content."""
    structured = value if isinstance(value, dict) else {"result": value}
    text = {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": structured}
    return Heard(entry=entry, tool=ToolId(tool), arguments=arguments, value=text, at=AT, **more)


def flow(text: str = "", results: Iterable[Heard] = (), **rules: Any) -> Flow:
    said = (Words(text, "operator:jo", AT),) if text else ()
    return Flow(rules=ProvenanceRules(**rules), words=said, heard=tuple(results))


def tool(authority: Mapping[str, Role] | None, *, schema: Mapping[str, Any] | None = None, **more: Any) -> Tool:
    declared = None if authority is None else tuple(Authority(pointer, role) for pointer, role in authority.items())
    profile: ToolProfile = more.pop("profile", ToolProfile())
    return Tool(
        id=ToolId("srv.act"),
        server=ServerId("srv"),
        upstream_name="act",
        definition={"name": "act", "inputSchema": schema or {"type": "object"}},
        pin=Digest("p"),
        profile=replace(profile, authority=declared),
        **more,
    )


def call(arguments: Mapping[str, Any]) -> Call:
    return Call(
        id=CallId("c"),
        agent=AgentId("a"),
        run=RunId("r"),
        tool=ToolId("srv.act"),
        server=ServerId("srv"),
        upstream_name="act",
        pin=Digest("p"),
        arguments=json.dumps(dict(arguments)).encode(),
        shown=arguments,
        value=arguments,
        digest=Digest("d"),
    )


def facts(of: Tool, known: Flow | None, label: Label = CLEAN) -> Facts:
    return Facts(now=AT, chain=(), agent=None, tool=of, flow=known, label=label)


def found(
    text: str, arguments: Mapping[str, Any], authority: Mapping[str, Role] | None, results: Iterable[Heard] = (), **rules: Any
) -> dict[str, Origin]:
    """The origins of a call by their pointers."""
    known = origins(call(arguments), facts(tool(authority), flow(text, results, **rules)))
    return {one.pointer: one for one in known}


def kinds(
    text: str, arguments: Mapping[str, Any], authority: Mapping[str, Role], results: Iterable[Heard] = (), **rules: Any
) -> list[str]:
    return [one.kind.value for one in found(text, arguments, authority, results, **rules).values()]
