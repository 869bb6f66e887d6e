"""`tools/list`: what exists for one agent, under the names of the endpoint it asks at.

The list is a courtesy; the check at call time is the control.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mcp.shared.inbound import find_invalid_x_mcp_header

from ringfence.adapters.pep.mcp_gateway.tool_call import CLAIM, TICKET_LIMIT
from ringfence.adapters.wire.mcp import Era
from ringfence.core.canonical import canonical_bytes
from ringfence.core.model import AgentId, Tool
from ringfence.core.rules import Rules
from ringfence.engine.catalogue import AgentView, Catalogue

TTL_MS: Final = 5000
"""How long a modern client may keep the list: longer would hide a change of policy."""

CLAIM_TOOL: Final[Mapping[str, Any]] = {
    "name": CLAIM,
    "title": "Claim an approved call",
    "description": (
        "Executes a call that a person has approved. When a tool answers `approval pending, ticket t_...`, go on with other"
        " work and call this later with that ticket: it runs exactly the call that was approved, once, and returns its result."
        " While nobody has decided it answers `approval pending` again."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "ticket": {"type": "string", "description": "The ticket's id, `t_...`.", "maxLength": TICKET_LIMIT},
        },
        "required": ["ticket"],
        "additionalProperties": False,
    },
}


class ToolLists:
    """Answers of `tools/list`, rendered once per agent, endpoint and era and kept while the catalogue stays the same."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rendered: dict[tuple[AgentId, str | None, Era], tuple[AgentView, bytes]] = {}
        self._reach: dict[tuple[AgentId, str], bool] = {}
        self._reach_of: Rules | None = None

    async def result(self, agent: AgentId, server: str | None, era: Era) -> bytes:
        """The JSON bytes of the result object."""
        await self._catalogue.ensure_listed()
        view = self._catalogue.view(agent)
        if view is None:
            return canonical_bytes(_result([], era))
        key = (agent, server, era)
        kept = self._rendered.get(key)
        if kept is not None and kept[0] is view:
            return kept[1]
        rendered = canonical_bytes(_result(shown_tools(view, server, era), era))
        self._rendered[key] = (view, rendered)
        return rendered

    def reaches(self, agent: AgentId, server: str) -> bool:
        """Whether a server exists for an agent: it was given at least one of its configured tools."""
        rules = self._catalogue.rules
        if self._reach_of is not rules:
            self._reach, self._reach_of = {}, rules
        key = (agent, server)
        if key not in self._reach:
            rule = rules.agents.get(agent)
            if rule is None or server not in rules.servers:
                return False
            self._reach[key] = any(tool.server == server and rule.may_see(tool.id) for tool in rules.tools.values())
        return self._reach[key]


def shown_tools(view: AgentView, server: str | None, era: Era) -> list[dict[str, Any]]:
    """The tool objects of one endpoint, by name."""
    tools = [_shown(name, tool, era) for name, tool in sorted(view.exposed(server).items()) if _is_usable(tool)]
    if tools and server is None:
        tools.append(dict(CLAIM_TOOL))
    return tools


def _is_usable(tool: Tool) -> bool:
    """Without a compiled schema every call is denied; with a broken header annotation modern clients refuse the tool."""
    return tool.validator is not None and find_invalid_x_mcp_header(tool.definition.get("inputSchema")) is None


def _shown(name: str, tool: Tool, era: Era) -> dict[str, Any]:
    shown = {**tool.definition, "name": name}
    output = shown.get("outputSchema")
    if era is Era.LEGACY and isinstance(output, Mapping) and output.get("type") != "object":
        del shown["outputSchema"]  # legacy clients know object roots only
    return shown


def _result(tools: list[dict[str, Any]], era: Era) -> dict[str, Any]:
    if era is Era.LEGACY:
        return {"tools": tools}
    return {"resultType": "complete", "tools": tools, "ttlMs": TTL_MS, "cacheScope": "private"}
