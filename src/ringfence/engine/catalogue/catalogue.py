"""Which tools exist, for whom, under which name: the operator's rules joined with what the servers list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ringfence.core.definitions.pins import PinKind
from ringfence.core.ledger.charges import Plan, plan_of
from ringfence.core.mcp.asking import EVERYTHING_ASKABLE, granted_capabilities
from ringfence.core.mcp.methods import definitions, is_method
from ringfence.core.model.agent import Agent
from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import AgentId, Millis, ServerId, ToolId
from ringfence.core.model.local import LOCAL
from ringfence.core.model.model_use import MODEL
from ringfence.core.model.policy import PolicySnapshot
from ringfence.core.model.tool import Tool
from ringfence.core.narrowing.tightening import build_tool, declares_sanitiser, output_validator, withheld_tool
from ringfence.core.own_tools.connecting import server_of
from ringfence.core.own_tools.names import OWN_TOOLS, own_tools_of
from ringfence.core.rules import AgentRule, Rules, ToolRule, server_agent
from ringfence.core.scan.redactor import Redactor
from ringfence.core.strict_json.confusable import folded
from ringfence.engine.catalogue.pin_book import NOT_COMPARED, Judgement, PinBook
from ringfence.engine.catalogue.policy_book import Compiled, PolicyBook
from ringfence.engine.catalogue.sightings import Place, united, with_richer
from ringfence.engine.secrets.masking import described_without
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.upstream import Described, Upstream

logger = logging.getLogger(__name__)

RELIST_S = 45.0
"""Servers are asked again this often, so that with the time that asking takes no list is older than 60 s."""
RETRY_S = 5.0
"""A server that did not answer is asked again at the earliest after this."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What a new listing of a server turned up."""

    server: ServerId
    quarantined: Mapping[Place, str]
    """What is quarantined since this listing, and why."""
    restored: frozenset[Place]
    """What is as it was pinned, or approved, again."""
    moved: bool
    """The server is reached elsewhere than before."""
    left_out: tuple[str, ...] = ()
    """What is missing from the lists since this listing, because it cannot be shown, in words."""


OnDrift = Callable[[Drift], Awaitable[None]]


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
    quarantined: Mapping[ToolId, str] = field(default_factory=dict[ToolId, str])
    """Tools that exist and may not be used, with why: they are not shown, and denied by name."""
    plans: Mapping[ToolId, Plan] = field(default_factory=dict[ToolId, Plan])
    """What calls are charged to, of the exposed tools that a limit speaks of."""

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
        shown = self.agent.tools - self.quarantined.keys()
        return {name: self.tools[tool] for name, tool in names.items() if tool in shown}


def wire_name(tool: ToolId) -> str:
    """`server.tool` as model APIs accept it: `server__tool`."""
    return tool.replace(".", "__", 1)


def _alike(tools: Iterable[ToolId]) -> dict[ToolId, str]:
    """Tools whose names a reader would take for one another, within a server or across servers: neither may be used."""
    groups: dict[str, list[ToolId]] = {}
    for tool in sorted(tools):
        groups.setdefault(folded(tool), []).append(tool)
    return {
        tool: f"its name and `{next(other for other in group if other != tool)}` look the same"
        for group in groups.values()
        if len(group) > 1
        for tool in group
    }


class Catalogue:
    """The current rules with the newest listings. Replaced rules take effect on the next call."""

    def __init__(
        self,
        rules: Rules,
        upstreams: Mapping[ServerId, Upstream],
        clock: Clock,
        book: PinBook,
        redactor: Redactor | None = None,
    ) -> None:
        self._redactor = redactor if redactor is not None else Redactor()
        self._clock = clock
        self._book = book
        self._rules = rules
        self._upstreams = upstreams
        self._listed: dict[ServerId, Mapping[str, Mapping[str, Any]]] = {}
        self._judged: dict[ServerId, Judgement] = {}
        self._described: dict[ServerId, Described] = {}
        self._on_drift: list[OnDrift] = []
        self._listed_at: dict[ServerId, Millis] = {}
        self._asked: dict[ServerId, float] = {}
        self._failed: dict[ServerId, str] = {}
        self._listing: dict[ServerId, asyncio.Lock] = {}
        self._views: dict[AgentId, AgentView] = {}
        self._alike: Mapping[ToolId, str] | None = None
        self._policy_book = PolicyBook()
        self._policies: Compiled | None = None
        self._next_policies: tuple[Rules, PolicyBook] | None = None
        """What has been compiled for rules that may take the place of these."""
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
                self._judged.pop(server, None)
                self._described.pop(server, None)
                self._listed_at.pop(server, None)
                self._asked.pop(server, None)
                self._failed.pop(server, None)
        self._rules, self._upstreams = rules, upstreams
        if self._next_policies is not None and self._next_policies[0] is rules:
            self._policy_book = self._next_policies[1]
        self._next_policies = None
        self._changed()
        self._policy_book.tell(self.policy_faults())
        self._tell(None)

    def health(self) -> Mapping[ServerId, str]:
        """Per server: empty when it listed its tools, else why it did not."""
        return {s: self._failed.get(s, "" if s in self._listed else "not asked yet") for s in self._upstreams}

    def left_out(self) -> Mapping[ServerId, tuple[str, ...]]:
        """Per server: what is missing from its lists because it cannot be shown, in words; only servers with such are in it."""
        judged = {server: self._judged[server].raw.left_out for server in self._upstreams if server in self._judged}
        return {server: why for server, why in judged.items() if why}

    def not_sanitisers(self) -> tuple[ToolId, ...]:
        """Tools that the configuration calls sanitisers, and whose listed output schemas leave room for text."""
        known = ((rule, self._definition(rule)) for rule in self._rules.tools.values() if declares_sanitiser(rule))
        return tuple(rule.id for rule, found in known if found is not None and output_validator(found, rule) is None)

    def failure(self, server: ServerId) -> str:
        """Why a server's last listing cannot be used; empty: it can, or it was not asked yet."""
        return self._failed.get(server, "")

    def listed_at(self, server: ServerId) -> Millis | None:
        """When a server last said what it has; None: not since it was configured."""
        return self._listed_at.get(server)

    def on_drift(self, tell: OnDrift) -> None:
        """Have something told whenever a listing turned something up, before the listing counts as done."""
        self._on_drift.append(tell)

    async def refresh(self, server: ServerId) -> None:
        """Ask one server what it has, and compare the answer with its pins."""
        if server not in self._upstreams:
            return
        async with self._listing.setdefault(server, asyncio.Lock()):
            self._asked[server] = self._clock.monotonic()
            upstream = self._upstreams.get(server)
            if upstream is None:
                return
            try:
                raw = await self._described_by(server, upstream)
            except UnavailableError as error:
                self._failed[server] = str(error)
                logger.warning("server %s does not list its tools: %s", server, error)
                return
            if self._upstreams.get(server) is upstream:
                self._listed_at[server] = self._clock.now()
            await self._judge(server, upstream, raw)
        self._tell(server)

    async def _described_by(self, server: ServerId, upstream: Upstream) -> Described:
        """What a server has, asked as by a client that can do nothing, and as by one that can do all that is granted."""
        rule = self._rules.servers.get(server)
        declared = granted_capabilities(EVERYTHING_ASKABLE, rule.grants) if rule is not None else {}
        raw = described_without(await upstream.describe(), self._redactor)
        if not declared:
            return raw
        return with_richer(raw, described_without(await upstream.describe(declared), self._redactor))

    async def compare(self, server: ServerId) -> None:
        """Compare the newest listing with the pins once more: something was approved, or the configuration has changed."""
        async with self._listing.setdefault(server, asyncio.Lock()):
            upstream, before = self._upstreams.get(server), self._judged.get(server)
            if upstream is None or before is None:
                return
            await self._judge(server, upstream, before.raw)
        self._tell(server)

    async def _judge(self, server: ServerId, upstream: Upstream, raw: Described) -> None:
        rules = self._rules
        judgement = await self._book.judge(server, raw, rules)
        if self._upstreams.get(server) is not upstream:
            return  # it was replaced meanwhile: this listing is another server's
        tools = {str(tool["name"]): tool for tool in united(raw).tools} | definitions(raw.capabilities)
        fresh = {name: MappingProxyType(dict(tool)) for name, tool in tools.items()}
        before, known = self._judged.get(server), self._listed.get(server)
        self._judged[server], self._listed[server], self._described[server] = judgement, fresh, judgement.described
        self._failed.pop(server, None)
        if before is None or known != fresh or before.rules is not rules or before.quarantined != judgement.quarantined:
            self._changed()
            self._policy_book.tell(self.policy_faults())
            for tool in self.not_sanitisers():
                if self._rules.tools[tool].server == server:
                    logger.warning(
                        "%s is no sanitiser: its output schema leaves room for text, so `sanitiser` counts for nothing", tool
                    )
        await self._report(server, before, judgement)

    async def _report(self, server: ServerId, before: Judgement | None, judgement: Judgement) -> None:
        earlier = before.quarantined if before is not None else frozenset[Place]()
        rule = judgement.rules.servers.get(server)
        try:
            moved = rule is not None and await self._book.moved(server, rule.identity)
        except UnavailableError as error:
            logger.error("where server %s is reached could not be recorded: %s", server, error)
            moved = False
        drift = Drift(
            server=server,
            quarantined={place: judgement.parts[place].why for place in judgement.quarantined - earlier},
            restored=earlier - judgement.quarantined,
            moved=moved,
            left_out=tuple(why for why in judgement.raw.left_out if before is None or why not in before.raw.left_out),
        )
        if drift.quarantined or drift.restored or drift.moved or drift.left_out:
            for tell in self._on_drift:
                await tell(drift)

    def _tell(self, server: ServerId | None) -> None:
        for watcher in self.watchers:
            watcher(server)

    async def ensure_listed(self, server: ServerId | None = None) -> None:
        """Ask the servers that have not listed their tools yet, unless they were asked a moment ago.

        Listings that were judged under an earlier configuration are compared again.
        """
        now = self._clock.monotonic()
        wanted = [known for known in self._upstreams if server is None or known == server]
        due = [known for known in wanted if known not in self._listed and now - self._asked.get(known, -RETRY_S) >= RETRY_S]
        stale = [known for known in wanted if known in self._judged and self._judged[known].rules is not self._rules]
        if due or stale:
            await asyncio.gather(*(self.refresh(known) for known in due), *(self.compare(known) for known in stale))

    def described(self, server: ServerId) -> Described | None:
        """What a server said of itself when it was last asked, without what is quarantined."""
        return self._described.get(server)

    def judgement(self, server: ServerId) -> Judgement | None:
        """What the newest listing of a server is worth, definition by definition."""
        return self._judged.get(server)

    def quarantine(self, view: AgentView | None, call: Call) -> str:
        """Why the definition of what a call names may not be used; empty: it may, or there is none."""
        if view is None or call.tool not in view.tools:
            return ""
        if why := view.quarantined.get(call.tool):
            return why
        judgement = self._judged.get(call.server)
        if judgement is None or not is_method(call.upstream_name):
            return ""
        return judgement.quarantine_of(call.upstream_name, call.value)

    def may_hear_of(self, server: ServerId, uri: str) -> bool:
        """Whether the template that a resource comes from, if any, may be used."""
        judgement = self._judged.get(server)
        return judgement is None or not judgement.quarantine_of_uri(uri)

    def has_changed(self, call: Call) -> bool:
        """Whether the newest listing is no longer the one that a call was decided on."""
        server = server_of(call)
        view = self.view(call.agent if server is None else server_agent(server))
        tool = view.tools.get(call.tool) if view is not None else None
        return tool is None or tool.pin != call.pin or bool(self.quarantine(view, call))

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
        quarantined: dict[ToolId, str] = {}
        for tool_rule in self._rules.tools.values():
            definition = self._definition(tool_rule)
            if definition is None:
                continue
            if why := self._why_not(tool_rule):
                # Nothing of a definition that nobody answers for is compiled, or shown.
                quarantined[tool_rule.id] = why
                tools[tool_rule.id] = withheld_tool(
                    tool_rule, self._judged[tool_rule.server].digest_of_tool(tool_rule.upstream_name)
                )
            else:
                narrower = rule.tighten.get(tool_rule.id) if rule.may_see(tool_rule.id) else None
                tools[tool_rule.id] = build_tool(definition, tool_rule, narrower)
        quarantined |= {tool: why for tool, why in self.alike.items() if tool in tools}
        exposed = frozenset(tool for tool in tools if rule.has(self._rules.tools[tool]))
        plans = {tool: plan for tool in exposed if (plan := plan_of(self._rules, rule, self._rules.tools[tool])) is not None}
        for own in own_tools_of(rule):
            tools[own.rule.id] = build_tool(own.definition, own.rule, rule.tighten.get(own.rule.id))
            if own.rule.server in (MODEL, LOCAL) and (plan := plan_of(self._rules, rule, own.rule)) is not None:
                plans[own.rule.id] = plan
            if not own.of_run:
                exposed |= {own.rule.id}
        agent = Agent(
            id=rule.id,
            purpose=rule.purpose,
            tools=exposed,
            limits=rule.limits,
            separation=rule.separation,
            approval_expiry_s=rule.approval_expiry_s,
            approvers=rule.approvers,
            egress=rule.ways_out,
            environment=rule.environment,
            models=rule.models,
            local=rule.local,
            permissions=rule.permissions,
        )
        derived = {tool_rule.id for tool_rule in self._rules.tools.values() if tool_rule.derived}
        unseen = {tool for tool, own in OWN_TOOLS.items() if not own.shown}
        return AgentView(
            agent=agent,
            rule=rule,
            tools=tools,
            by_wire_name={wire_name(t): t for t in sorted(tools) if t not in unseen and not is_method(tools[t].upstream_name)},
            by_server_name={
                (tools[t].server, tools[t].upstream_name): t
                for t in sorted(tools)
                if t not in derived and t not in OWN_TOOLS and not is_method(tools[t].upstream_name)
            },
            quarantined=quarantined,
            plans=plans,
        )

    @property
    def alike(self) -> Mapping[ToolId, str]:
        """The listed tools whose names a reader would take for one another, with why neither may be used."""
        if self._alike is None:
            rules = self._rules.tools.values()
            self._alike = _alike(rule.id for rule in rules if self._definition(rule) is not None)
        return self._alike

    @property
    def policy(self) -> PolicySnapshot | None:
        """The policies, compiled for the definitions that may be used now."""
        if self._policies is None:
            self._policies = self._policy_book.compile(self._rules, self._usable(self._rules))
        return self._policies.snapshot

    def policy_faults(self, rules: Rules | None = None) -> tuple[str, ...]:
        """What is wrong with the policies in force, or with those of a configuration that may take their place."""
        if rules is not None:
            self._next_policies = (rules, book := PolicyBook(self._policy_book))
            return book.compile(rules, self._usable(rules)).faults
        return self._policies.faults if self.policy is not None and self._policies is not None else ()

    def _usable(self, rules: Rules) -> dict[ToolId, Mapping[str, Any]]:
        """The listed definitions of a configuration's tools, without those that are quarantined now."""
        if rules.policies is None:
            return {}
        known = ((rule, self._definition(rule)) for rule in rules.tools.values())
        own = {own.rule.id: own.definition for agent in rules.agents.values() for own in own_tools_of(agent)}
        return own | {
            rule.id: definition
            for rule, definition in known
            if definition is not None and (rule.id not in self._rules.tools or not self._why_not(rule))
        }

    def _changed(self) -> None:
        """What exists may be something else now."""
        self._views.clear()
        self._alike = None
        self._policies = None

    def _why_not(self, rule: ToolRule) -> str:
        if is_method(rule.upstream_name):
            return ""  # its definition is the gateway's own
        judgement = self._judged[rule.server]
        known = judgement.rules.tools.get(rule.id)
        if known is None or known.pin != rule.pin:
            return NOT_COMPARED  # the configuration has just been replaced
        return judgement.quarantine(PinKind.TOOL, rule.upstream_name)

    def _definition(self, rule: ToolRule) -> Mapping[str, Any] | None:
        return self._listed.get(rule.server, {}).get(rule.upstream_name)
