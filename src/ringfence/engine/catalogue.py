"""Which tools exist, for whom, under which name: the operator's rules joined with what the servers list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ringfence.core.methods import definitions, is_method
from ringfence.core.model import Agent, AgentId, ServerId, Tool, ToolId
from ringfence.core.rules import AgentRule, Rules, ToolRule
from ringfence.core.tightening import build_tool
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.upstream import Described, Upstream

logger = logging.getLogger(__name__)

RELIST_S = 60.0
"""A server's list is never older than this while it answers."""
RETRY_S = 5.0
"""A server that did not answer is asked again at the earliest after this."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """What exists for one agent, as of one configuration and one listing."""

    agent: Agent
    rule: AgentRule
    tools: Mapping[ToolId, Tool]
    """Every known tool; only those in `agent.tools` are exposed."""
    by_wire_name: Mapping[str, ToolId]
    """By name on `/mcp`, those included that the agent was not given: they are denied by name."""
    by_server_name: Mapping[tuple[str, str], ToolId]
    """By (server, the server's own name), for `/mcp/{server}`. Derived tools are not the server's own."""

    def named(self, name: str, server: str | None) -> ToolId | None:
        """The tool behind a name on `/mcp` (server None) or on `/mcp/{server}`."""
        return self.by_wire_name.get(name) if server is None else self.by_server_name.get((server, name))

    def named_method(self, server: str | None, method: str) -> ToolId | None:
        """The tool that stands for a method of a server, given to the agent or not."""
        tool = ToolId(f"{server}.{method}")
        return tool if server is not None and is_method(method) and tool in self.tools else None

    def method(self, server: str, method: str) -> Tool | None:
        """The tool that stands for a method of a server (`resources/read`), where the agent was given it."""
        tool = self.tools.get(ToolId(f"{server}.{method}"))
        return tool if tool is not None and tool.id in self.agent.tools else None

    def exposed(self, server: str | None) -> Mapping[str, Tool]:
        """What this agent may see on `/mcp`, or on `/mcp/{server}`: wire name to tool, in a stable order."""
        names = self.by_wire_name if server is None else {n: t for (s, n), t in self.by_server_name.items() if s == server}
        return {name: self.tools[tool] for name, tool in names.items() if tool in self.agent.tools}


def wire_name(tool: ToolId) -> str:
    """`server.tool` as model APIs accept it: `server__tool`."""
    return tool.replace(".", "__", 1)


class Catalogue:
    """The current rules with the newest listings. Replaced rules take effect on the next call."""

    def __init__(self, rules: Rules, upstreams: Mapping[ServerId, Upstream], clock: Clock) -> None:
        self._clock = clock
        self._rules = rules
        self._upstreams = upstreams
        self._listed: dict[ServerId, Mapping[str, Mapping[str, Any]]] = {}
        self._described: dict[ServerId, Described] = {}
        self._asked: dict[ServerId, float] = {}
        self._failed: dict[ServerId, str] = {}
        self._listing: dict[ServerId, asyncio.Lock] = {}
        self._views: dict[AgentId, AgentView] = {}
        self.watchers: list[Callable[[ServerId | None], None]] = []
        """Called after a server has listed itself anew, and with None after the rules were replaced."""

    @property
    def rules(self) -> Rules:
        return self._rules

    @property
    def upstreams(self) -> Mapping[ServerId, Upstream]:
        return self._upstreams

    def replace(self, rules: Rules, upstreams: Mapping[ServerId, Upstream]) -> None:
        """Swap the configuration whole. Listings of servers that stay the same are kept."""
        for server in set(self._listed) | set(self._asked):
            if upstreams.get(server) is not self._upstreams.get(server):
                self._listed.pop(server, None)
                self._described.pop(server, None)
                self._asked.pop(server, None)
                self._failed.pop(server, None)
        self._rules, self._upstreams = rules, upstreams
        self._views.clear()
        self._tell(None)

    def health(self) -> Mapping[ServerId, str]:
        """Per server: empty when it listed its tools, else why it did not."""
        return {s: self._failed.get(s, "" if s in self._listed else "not asked yet") for s in self._upstreams}

    async def refresh(self, server: ServerId) -> tuple[str, ...]:
        """Ask one server for its tools; answers the names whose definition changed or vanished since the last time."""
        async with self._listing.setdefault(server, asyncio.Lock()):
            self._asked[server] = self._clock.monotonic()
            upstream = self._upstreams.get(server)
            if upstream is None:
                return ()
            try:
                described = await upstream.describe()
            except UnavailableError as error:
                self._failed[server] = str(error)
                logger.warning("server %s does not list its tools: %s", server, error)
                return ()
            named = {str(tool["name"]): tool for tool in described.tools} | definitions(described.capabilities)
            fresh = {name: MappingProxyType(dict(tool)) for name, tool in named.items()}
            self._described[server] = described
            before = self._listed.get(server, {})
            self._listed[server] = fresh
            self._failed.pop(server, None)
            changed = tuple(sorted(name for name, tool in before.items() if dict(fresh.get(name, {})) != dict(tool)))
            if not before or changed or fresh.keys() != before.keys():
                self._views.clear()
        self._tell(server)
        return changed

    def _tell(self, server: ServerId | None) -> None:
        for watcher in self.watchers:
            watcher(server)

    async def ensure_listed(self, server: ServerId | None = None) -> None:
        """Ask the servers that have not listed their tools yet, unless they were asked a moment ago."""
        now = self._clock.monotonic()
        due = [
            known
            for known in self._upstreams
            if known not in self._listed
            and (server is None or known == server)
            and now - self._asked.get(known, -RETRY_S) >= RETRY_S
        ]
        if due:
            await asyncio.gather(*(self.refresh(known) for known in due))

    def described(self, server: ServerId) -> Described | None:
        """What a server said of itself when it was last asked."""
        return self._described.get(server)

    def view(self, agent: AgentId) -> AgentView | None:
        """What exists for an agent; None when it is not configured."""
        known = self._views.get(agent)
        if known is not None:
            return known
        rule = self._rules.agents.get(agent)
        if rule is None:
            return None
        built = self._build(rule)
        self._views[agent] = built
        return built

    def _build(self, rule: AgentRule) -> AgentView:
        tools: dict[ToolId, Tool] = {}
        for tool_rule in self._rules.tools.values():
            definition = self._definition(tool_rule)
            if definition is not None:
                narrower = rule.tighten.get(tool_rule.id) if rule.may_see(tool_rule.id) else None
                tools[tool_rule.id] = build_tool(definition, tool_rule, narrower)
        exposed = frozenset(tool for tool in tools if rule.may_see(tool))
        agent = Agent(
            id=rule.id,
            purpose=rule.purpose,
            tools=exposed,
            limits=rule.limits,
            separation=rule.separation,
            approval_expiry_s=rule.approval_expiry_s,
            approvers=rule.approvers,
        )
        derived = {tool_rule.id for tool_rule in self._rules.tools.values() if tool_rule.derived}
        return AgentView(
            agent=agent,
            rule=rule,
            tools=tools,
            by_wire_name={wire_name(t): t for t in sorted(tools) if not is_method(tools[t].upstream_name)},
            by_server_name={(tools[t].server, tools[t].upstream_name): t for t in sorted(tools) if t not in derived},
        )

    def _definition(self, rule: ToolRule) -> Mapping[str, Any] | None:
        return self._listed.get(rule.server, {}).get(rule.upstream_name)
