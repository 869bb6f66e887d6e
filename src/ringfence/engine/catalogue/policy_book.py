"""The policies of the current configuration, compiled for the definitions that are in use.

INVARIANT: a tool without a good shard is denied by `core.checks.policy`; nothing here can widen.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.identifiers import ToolId
from ringfence.core.model.policy import Policies, Policy, PolicySnapshot
from ringfence.core.narrowing.tightening import tightened
from ringfence.core.own_tools.names import OWN_TOOLS
from ringfence.core.policy.argument_types import arguments_of
from ringfence.core.policy.shard import Broken, Parsed, Shard, ToolSource, compiled, misnamed, naming, parsed
from ringfence.core.rules import Rules, ToolRule
from ringfence.core.strict_json.canonical import digest_of

logger = logging.getLogger(__name__)

Definitions = Mapping[ToolId, Mapping[str, Any]]
"""The servers' own definitions of configured tools, as far as they are known and may be used."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of one set of policies and one set of definitions."""

    snapshot: PolicySnapshot | None
    faults: tuple[str, ...] = ()
    """One line each; the tools concerned are denied."""


@dataclass(frozen=True, slots=True)
class _Known:
    rule: ToolRule
    policies: tuple[Policy, ...]
    """Those that name the tool."""
    source: ToolSource
    shard: Shard | Broken | None


class PolicyBook:
    """Compiles, and keeps what is still good: only what has changed is compiled again."""

    def __init__(self, known: PolicyBook | None = None) -> None:
        """With `known`, what another book has compiled already counts here too."""
        self._policies: Policies | None = None
        self._parsed: tuple[Parsed, ...] = ()
        self._known: dict[ToolId, _Known] = dict(known._known) if known is not None else {}
        self._told: tuple[str, ...] = ()

    def compile(self, rules: Rules, definitions: Definitions) -> Compiled:
        """The snapshot for the rules' policies."""
        policies = rules.policies
        if policies is None:
            return Compiled(None)
        if policies is not self._policies:
            self._policies, self._parsed = policies, parsed(policies.policies)
        tools = {**rules.tools, **{tool: own.rule for tool, own in OWN_TOOLS.items() if tool in definitions}}
        known = {tool: self._of(tools[tool], own) for tool, own in definitions.items() if tool in tools}
        self._known = known
        wrong = misnamed(
            self._parsed,
            {
                rule.id: (rule.server, arguments_of(known[rule.id].source.schema) if rule.id in known else None)
                for rule in tools.values()
            },
        )
        shards = {tool: _or_broken(one, wrong, self._parsed) for tool, one in known.items()}
        broken = (shard.faults for shard in shards.values() if isinstance(shard, Broken))
        faults = tuple(sorted({fault for each in broken for fault in each}))
        return Compiled(PolicySnapshot(digest=policies.digest, shards=shards, local_time=policies.local_time), faults)

    def tell(self, faults: tuple[str, ...]) -> None:
        """Log what is wrong, once."""
        if faults != self._told:
            self._told = faults
            for fault in faults:
                logger.error("policy: %s; the calls that it concerns are denied", fault)

    def _of(self, rule: ToolRule, definition: Mapping[str, Any]) -> _Known:
        before = self._known.get(rule.id)
        pin = digest_of(dict(definition))
        mine = naming(self._parsed, rule.id, rule.server)
        policies = tuple(one.policy for one in mine)
        if before is not None and before.source.pin == pin and before.rule == rule and before.policies == policies:
            return before
        own = definition.get("inputSchema")
        source = ToolSource(
            id=rule.id,
            server=rule.server,
            pin=pin,
            schema=tightened(own if isinstance(own, Mapping) else {"type": "object"}, {}, [rule.tighten]),
            profiles=tuple(dict.fromkeys((rule.profile, *(each.profile for each in rule.conditional)))),
        )
        return _Known(rule, policies, source, compiled(source, mine))


def _or_broken(known: _Known, wrong: Mapping[str, str], policies: tuple[Parsed, ...]) -> Shard | Broken | None:
    """The shard, unless one of its policies can never forbid anything because of a wrong name."""
    if known.shard is None or not wrong:
        return known.shard
    mine = [wrong[one.policy.id] for one in naming(policies, known.rule.id, known.rule.server) if one.policy.id in wrong]
    if not mine:
        return known.shard
    return Broken(known.source.pin, (*mine, *(known.shard.faults if isinstance(known.shard, Broken) else ())))
