"""`assess`: connect to the servers of a client's file, list their tools, and say what the worst single act would be."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.app.assessment.mcp_json import FoundServer, read_mcp_json
from ringfence.app.config.layout import TOOL_NAME, WIRE_NAME_MOST
from ringfence.app.config.names import wire_name
from ringfence.app.config.settings import ServerConnection
from ringfence.core.checks.blast_radius import gates_of
from ringfence.core.definitions.pins import PinKind, sighting
from ringfence.core.definitions.proposal import Proposal, propose_all
from ringfence.core.definitions.suspicion import text_findings
from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.identifiers import Digest, ServerId
from ringfence.core.model.profile import Effect
from ringfence.core.strict_json.confusable import folded
from ringfence.errors import Error

ListTools = Callable[[ServerConnection], Awaitable[Sequence[Mapping[str, Any]]]]
"""Connects to one server, lists its tools, disconnects. Raises Error, OSError or TimeoutError."""

LISTING_DEADLINE_S = 60.0
MAX_TOOLS = 1000
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedTool:
    """One tool as listed, with what is proposed for it."""

    id: str
    """`server.tool`; the tool's own name is untrusted text."""
    proposal: Proposal
    gates: tuple[str, ...]
    """What a person would be asked about."""
    refused: str = ""
    """Why it cannot be configured at all; empty for most."""
    findings: tuple[str, ...] = ()
    pin: Digest | None = None
    """The digest of its definition; None where a person has to approve it once the gateway runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedServer:
    """One server, with its tools worst first. `unreachable` says why there are none."""

    found: FoundServer
    tools: tuple[AssessedTool, ...] = ()
    unreachable: str = ""

    @property
    def weight(self) -> int:
        return max((tool.proposal.weight for tool in self.tools), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What the servers of one client's file could do, the worst first."""

    path: Path
    servers: tuple[AssessedServer, ...]

    @property
    def tools(self) -> tuple[AssessedTool, ...]:
        """All tools of all servers, worst first."""
        return tuple(sorted((tool for server in self.servers for tool in server.tools), key=_worst_first))

    @property
    def reached(self) -> int:
        return sum(not server.unreachable for server in self.servers)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `--json`. No credential, and no description of a tool."""
        return {
            "path": str(self.path),
            "servers": [_server_json(server) for server in self.servers],
            "worst": [tool.id for tool in self.tools[:5] if tool.proposal.profile.effect is Effect.WRITE],
        }


async def assess(path: Path, list_tools: ListTools, environment: Mapping[str, str] = os.environ) -> Assessment:
    """Assess the servers of a client's file. A server that cannot be reached is reported; the others go on.

    Raises: ConfigError where the file itself cannot be used.
    """
    found = read_mcp_json(path, environment)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def listed(server: FoundServer) -> tuple[Sequence[Mapping[str, Any]], str]:
        async with slots:
            return await _listed(server, list_tools)

    answers = await asyncio.gather(*(listed(server) for server in found))
    names = [{str(tool.get("name", "")) for tool in tools} for tools, _ in answers]
    servers: list[AssessedServer] = []
    for index, (server, (tools, unreachable)) in enumerate(zip(found, answers, strict=True)):
        others = set[str]().union(*names[:index], *names[index + 1 :]) - names[index]
        servers.append(AssessedServer(found=server, tools=_assessed(server, tools, others), unreachable=unreachable))
    return Assessment(path=path, servers=tuple(sorted(servers, key=lambda server: -server.weight)))


async def _listed(server: FoundServer, list_tools: ListTools) -> tuple[Sequence[Mapping[str, Any]], str]:
    if server.connection is None:
        return (), server.problem
    try:
        async with asyncio.timeout(LISTING_DEADLINE_S):
            tools = await list_tools(server.connection)
    except TimeoutError:
        return (), f"it did not list its tools within {LISTING_DEADLINE_S:.0f} s"
    except (Error, OSError) as error:
        return (), plain(str(error) or type(error).__name__, 300)
    return tuple(tools)[:MAX_TOOLS], ""


def _assessed(server: FoundServer, definitions: Sequence[Mapping[str, Any]], others: set[str]) -> tuple[AssessedTool, ...]:
    proposals = propose_all(server.id, definitions)
    seen: dict[str, int] = {}
    for proposal in proposals:
        seen[folded(proposal.name)] = seen.get(folded(proposal.name), 0) + 1
    tools = [
        AssessedTool(
            id=f"{server.id}.{proposal.name}",
            proposal=proposal,
            gates=tuple(gate.code.value for gate in gates_of(proposal.profile)),
            refused=_refused(server.id, proposal.name, seen[folded(proposal.name)]),
            findings=tuple(_tool_findings(proposal, definition, others)),
            pin=_pin(definition),
        )
        for proposal, definition in zip(proposals, definitions, strict=True)
    ]
    return tuple(sorted(tools, key=_worst_first))


def _tool_findings(proposal: Proposal, definition: Mapping[str, Any], others: set[str]) -> list[str]:
    findings = text_findings(definition, others)
    hints = definition.get("annotations")
    claims = isinstance(hints, Mapping) and hints.get("readOnlyHint") is True
    if claims and proposal.profile.effect is Effect.WRITE and proposal.weight > 40:
        findings.append(f"its server claims read-only, yet {plain(proposal.reasons['effect'])}")
    if proposal.shows_secrets:
        findings.append("it may show credentials to the agent")
    return findings


def _pin(definition: Mapping[str, Any]) -> Digest | None:
    """What is hidden in a definition, or makes it too long to read, is not pinned by writing it into a file."""
    name = str(definition.get("name", ""))
    seen = sighting(ServerId(""), PinKind.TOOL, name, definition, era="", capabilities=Digest(""))
    return None if seen.hidden or seen.fault else seen.digest


def _refused(server: str, name: str, alike: int) -> str:
    wire = wire_name(f"{server}.{name}")
    if not re.fullmatch(TOOL_NAME, name):
        return "its name has characters other than letters, digits, `_` and `-`"
    if len(wire) > WIRE_NAME_MOST:
        return f"its wire name would be longer than {WIRE_NAME_MOST} characters"
    if alike > 1:
        return "another tool of this server has the same name, or one that differs only in letter case"
    return ""


def _worst_first(tool: AssessedTool) -> tuple[int, str]:
    return -tool.proposal.weight, tool.id


def _server_json(server: AssessedServer) -> dict[str, Any]:
    connection = server.found.connection
    return {
        "id": server.found.id,
        "name": server.found.name,
        "kind": connection.kind.value if connection else None,
        "unreachable": server.unreachable or None,
        "findings": list(server.found.findings),
        "notes": list(server.found.notes),
        "unbound": [f"headers.{name}" for name in server.found.bearers],
        "tools": [_tool_json(tool) for tool in server.tools],
    }


def _tool_json(tool: AssessedTool) -> dict[str, Any]:
    profile = tool.proposal.profile
    return {
        "id": tool.id,
        "effect": profile.effect.value,
        "reversible": profile.reversible,
        "outbound": profile.outbound,
        "sensitivity": profile.sensitivity.value,
        "gates": list(tool.gates),
        "weight": tool.proposal.weight,
        "shows_secrets": tool.proposal.shows_secrets,
        "authority": [one.pointer for one in profile.authority or ()],
        "roles": {one.pointer: one.role.value for one in profile.authority or ()},
        "secret": list(profile.secret),
        "reasons": dict(tool.proposal.reasons),
        "findings": list(tool.findings),
        "refused": tool.refused or None,
        "pin": tool.pin,
    }
