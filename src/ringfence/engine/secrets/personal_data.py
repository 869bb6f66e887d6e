"""Personal data in what agents send: which rule holds for a call, masking before it is decided, and what the log leaves out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from ringfence.core.model.identifiers import AgentId, ServerId, ToolId
from ringfence.core.model.local import LOCAL
from ringfence.core.rules import PersonalArguments, PersonalRule, Rules, ScanRule
from ringfence.core.scan.personal import Personal
from ringfence.core.scan.personal_rules import PERSONAL_RULES
from ringfence.core.scan.places import places_of, texts_of
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import MASK, Finding, ScanError, Scanner

_IDS: Final = "|".join(re.escape(rule.id) for rule in PERSONAL_RULES)
_MASKED: Final = re.compile(re.escape(MASK).replace(re.escape("{rule}"), f"({_IDS})"))
_ONLY: Final = frozenset({Kind.PERSONAL})


def scan_rule(rules: Rules, server: ServerId, tool: ToolId, agent: AgentId) -> ScanRule:
    """The scan's rule for the calls of one tool by one agent."""
    if server == LOCAL:
        known = rules.agents.get(agent)
        return known.local_scan if known is not None else ScanRule()
    of_server, of_tool = rules.servers.get(server), rules.tools.get(tool)
    scan = of_server.scan if of_server is not None else ScanRule()
    return scan if of_tool is None or of_tool.personal is None else replace(scan, personal=of_tool.personal)


def without_personal(arguments: Mapping[str, Any], rule: ScanRule, scanner: Scanner) -> Mapping[str, Any]:
    """The arguments that are decided on. Those that cannot be scanned stay, and are refused later for what they may hold."""
    personal = rule.personal
    if personal is None or personal.arguments is not PersonalArguments.MASK:
        return arguments
    try:
        seen = scanner.see(arguments, "", rules=False, personal=personal.look_for, masks=_ONLY)
        if not any(finding.kind is Kind.PERSONAL for finding in seen.findings):
            return arguments
        # The gateway's own secrets stay where they are: the call is refused for them.
        alone = replace(seen, masks={text: copy for text, copy in seen.masks.items() if text not in seen.own})
        masked = scanner.masked(arguments, alone, rules=False, personal=personal.look_for, masks=_ONLY)
        return cast("Mapping[str, Any]", masked)
    except ScanError:
        return arguments


def masked_in(arguments: Mapping[str, Any], at: str) -> list[Finding]:
    """What was masked in them before they were decided on."""
    counts = {text: Counter(_MASKED.findall(text)) for text in texts_of(arguments) if "[masked: " in text}
    return [
        Finding(Kind.PERSONAL, rule, str(place), count)
        for text, place in places_of(arguments, counts, at)
        for rule, count in counts[text].items()
    ]


def in_entries(rules: Rules) -> Personal | None:
    """What no entry shows of what agents send: whatever any rule looks for. None: nothing is looked for."""
    scans = _everywhere(rules)
    on = [one.look_for for one in scans if one is not None and one.arguments is not PersonalArguments.OFF]
    if not on:
        return None
    return Personal(frozenset().union(*(one.rules for one in on)), frozenset.intersection(*(one.allowed for one in on)))


def any_personal(rules: Rules) -> bool:
    """Whether personal data is looked for anywhere."""
    return any(_everywhere(rules))


def _everywhere(rules: Rules) -> list[PersonalRule | None]:
    of_servers = [server.scan.personal for server in rules.servers.values()]
    return [
        *of_servers,
        *(tool.personal for tool in rules.tools.values()),
        *(each.local_scan.personal for each in rules.agents.values()),
    ]
