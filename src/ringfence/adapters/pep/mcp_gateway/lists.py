"""The four lists: what exists for one agent, under the names of the endpoint it asks at, in pages of our own.

A list is a courtesy; the check at call time is the control.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import is_
from typing import Any, Final

from ringfence.adapters.pep.mcp_gateway.client_call import CLAIM, TICKET_LIMIT
from ringfence.adapters.pep.mcp_gateway.cursors import Cursors, ListPlace
from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint
from ringfence.adapters.wire.mcp import Era
from ringfence.adapters.wire.param_headers import header_fault
from ringfence.core.model.identifiers import AgentId, ServerId, ToolId
from ringfence.core.model.tool import Tool
from ringfence.core.rules import Rules
from ringfence.core.strict_json.canonical import canonical_bytes, digest_of
from ringfence.engine.catalogue.catalogue import AgentView, Catalogue
from ringfence.engine.catalogue.given import Given, narrowed
from ringfence.engine.catalogue.visible import visible_prompts, visible_resources, visible_templates
from ringfence.engine.identity.identify import Principal
from ringfence.ports.entropy import Entropy
from ringfence.ports.upstream import Described

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


TOOLS: Final = "tools/list"
PROMPTS: Final = "prompts/list"
RESOURCES: Final = "resources/list"
TEMPLATES: Final = "resources/templates/list"
_KEYS: Final = {TOOLS: "tools", PROMPTS: "prompts", RESOURCES: "resources", TEMPLATES: "resourceTemplates"}
_MOST_KEPT: Final = 10_000
"""Rendered lists in memory; beyond it all are made anew."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """One list as it was last rendered."""

    source: tuple[Any, ...]
    """What it was rendered from; while these very objects are current, so is the list."""
    items: list[dict[str, Any]]
    whole: bytes | None
    """The result, where one page holds it."""


class Lists:
    """Answers of the list methods, rendered once per agent, tools given, endpoint and era, kept while all stays the same."""

    def __init__(self, catalogue: Catalogue, given: Given, entropy: Entropy, page_items: int) -> None:
        self._catalogue = catalogue
        self._given = given
        self._cursors = Cursors(entropy)
        self._page_items = page_items
        self._rendered: dict[tuple[AgentId, frozenset[ToolId] | None, str | None, str, Era], _Kept] = {}
        self._reach: dict[tuple[AgentId, str], bool] = {}
        self._reach_of: Rules | None = None

    async def result(self, principal: Principal, server: str | None, method: str, era: Era, cursor: str | None) -> bytes | None:
        """The JSON bytes of one page's result object; None for a cursor that is not of this list."""
        await self._catalogue.ensure_listed()
        tools = await self._given.tools(principal.run)
        kept = self._kept(principal.agent, tools, server, method, era)
        if cursor is None and kept.whole is not None:
            return kept.whole
        place = ListPlace(principal.agent, principal.run, server, method, digest_of(kept.items))
        start = 0 if cursor is None else self._cursors.offset(cursor, place)
        if start is None:
            return None
        end = start + self._page_items
        result = _result(_KEYS[method], kept.items[start:end], era)
        if end < len(kept.items):
            result["nextCursor"] = self._cursors.after(place, end)
        return canonical_bytes(result)

    def _kept(self, agent: AgentId, tools: frozenset[ToolId] | None, server: str | None, method: str, era: Era) -> _Kept:
        view = self._catalogue.view(agent)
        servers = [name for name in sorted(self._catalogue.upstreams) if server in (None, name)]
        described = {name: found for name in servers if (found := self._catalogue.described(name)) is not None}
        source = (view, *described.values())
        key = (agent, tools, server, method, era)
        kept = self._rendered.get(key)
        if kept is not None and len(kept.source) == len(source) and all(map(is_, kept.source, source)):
            return kept
        shown = narrowed(view, tools)
        items = [] if shown is None else _items(shown, described, Endpoint(server), method, era)
        whole = None if len(items) > self._page_items else canonical_bytes(_result(_KEYS[method], items, era))
        kept = _Kept(source, items, whole)
        if len(self._rendered) >= _MOST_KEPT:
            self._rendered.clear()
        self._rendered[key] = kept
        return kept

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
            self._reach[key] = any(tool.server == server and rule.has(tool) for tool in rules.tools.values())
        return self._reach[key]


def shown_tools(view: AgentView, server: str | None, era: Era) -> list[dict[str, Any]]:
    """The tool objects of one endpoint, by name."""
    tools = [_shown(name, tool, era) for name, tool in sorted(view.exposed(server).items()) if _is_usable(tool)]
    if tools and server is None:
        tools.append(dict(CLAIM_TOOL))
    return tools


def _is_usable(tool: Tool) -> bool:
    """Without a compiled schema every call is denied; with a broken header annotation modern clients refuse the tool."""
    return tool.validator is not None and header_fault(tool.definition.get("inputSchema")) is None


def _shown(name: str, tool: Tool, era: Era) -> dict[str, Any]:
    shown = {**tool.definition, "name": name}
    output = shown.get("outputSchema")
    if era is Era.LEGACY and isinstance(output, Mapping) and output.get("type") != "object":
        del shown["outputSchema"]  # legacy clients know object roots only
    return shown


def _items(
    view: AgentView, described: Mapping[ServerId, Described], endpoint: Endpoint, method: str, era: Era
) -> list[dict[str, Any]]:
    """The objects of one list, by name for tools and as their servers order them otherwise."""
    if method == TOOLS:
        return shown_tools(view, endpoint.server, era)
    items: list[dict[str, Any]] = []
    for server, found in described.items():
        match method:
            case "prompts/list":
                for item in visible_prompts(view, server, found):
                    items.append({**item, "name": endpoint.shown_prompt(server, item["name"])})
            case "resources/list":
                for item in visible_resources(view, server, found):
                    items.append({**item, "uri": endpoint.shown_uri(server, item["uri"])})
            case _:
                for item in visible_templates(view, server, found):
                    items.append({**item, "uriTemplate": endpoint.shown_uri(server, item["uriTemplate"])})
    return items


def _result(key: str, items: list[dict[str, Any]], era: Era) -> dict[str, Any]:
    if era is Era.LEGACY:
        return {key: items}
    return {"resultType": "complete", key: items, "ttlMs": TTL_MS, "cacheScope": "private"}
