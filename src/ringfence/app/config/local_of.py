"""`local:` of agents to the values that the decision reads, and what is wrong with it beyond its shape."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ringfence.app.config.permissions_of import settings_paths
from ringfence.app.config.problems import Path as Place
from ringfence.app.config.scan_of import scan_of
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.local_rules import Client, LocalRules, OtherMcp, Outcome, Overreach, SecretRules, Words
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.permissions.paths import path_fault
from ringfence.core.permissions.sql_texts import is_statement_rule
from ringfence.core.rules import Rules

Fields = Mapping[str, Any]
Report = Callable[[Place, str], None]


def check_local(values: Fields, folder: Path, report: Report, warn: Report) -> None:
    """Add every fault."""
    for name, fields in values.get("agents", {}).items():
        local: Fields | None = fields.get("local")
        if local is None:
            continue
        place: Place = ("agents", name, "local")
        for above, keys in ((("secrets",), ("deny", "allow")), (("overreach",), ("protected", "unprotected"))):
            part: Fields = local.get(above[0], {})
            for key in keys:
                for index, pattern in enumerate(part.get(key, ())):
                    if pattern is not None and (fault := path_fault(pattern)):
                        report((*place, *above, key, index), fault[1])
        for index, root in enumerate(local.get("roots", ())):
            if root is not None:
                _check_root((*place, "roots", index), _real(folder, root), report, warn)
        if "roots" not in local:
            warn(place, "without `roots` a run works in whatever folder its client says that it was started in")


def _check_root(place: Place, root: str, report: Report, warn: Report) -> None:
    if root == "/":
        report(place, "expected a folder below `/`, which is everything")
    elif not Path(root).is_dir():
        warn(place, f"there is no folder {root} on this machine")


def warn_of_idle(values: Fields, lists: Mapping[str, PermissionLists], warn: Report) -> None:
    """Rules about the client's own tools do nothing for an agent whose client has no hooks here."""
    for name, given in lists.items():
        is_idle = "local" not in values["agents"][name]
        if is_idle and any(not (rule.tool.startswith("mcp__") or is_statement_rule(rule)) for rule in given.rules):
            warn(("agents", name, "permissions"), "rules about the client's own tools mean nothing without `local`")


def with_local(rules: Rules, values: Fields, lists: Mapping[str, PermissionLists], path: Path) -> Rules:
    """The snapshot with the lists and the local rules of its agents."""
    agents = dict(rules.agents)
    for name, fields in values.get("agents", {}).items():
        rule = agents[AgentId(name)]
        local = _local(fields, values, path) if "local" in fields else None
        if local is not None or name in lists:
            scan = scan_of(fields.get("local", {}).get("scan", {}), None)
            agents[AgentId(name)] = replace(rule, local=local, local_scan=scan, permissions=lists.get(name))
    return replace(rules, agents=agents)


def _local(fields: Fields, values: Fields, path: Path) -> LocalRules:
    folder = path.parent
    local: Fields = fields["local"]
    secrets: Fields = local.get("secrets", {})
    overreach: Fields = local.get("overreach", {})
    mcp: Fields = local.get("mcp", {})
    given = [folder / Path(text).expanduser() for text in local.get("guard_rails", ())]
    kept = [folder / Path(text).expanduser() for text in (values.get("policies", "policies"), *values.get("commands", ()))]
    rails = [path, *settings_paths(fields.get("permissions", {}), folder), *kept, *given]
    return LocalRules(
        client=Client(local.get("client", Client.CLAUDE_CODE)),
        roots=tuple(dict.fromkeys(_real(folder, root) for root in local.get("roots", ()))),
        words=Words(local.get("words", Words.IGNORED)),
        hold_s=float(local.get("hold", 840)),
        home=_real(folder, local["home"]) if "home" in local else "",
        secrets=SecretRules(
            deny=tuple(secrets.get("deny", ())),
            allow=tuple(secrets.get("allow", ())),
            contents=Outcome(secrets.get("contents", Outcome.DENY)),
        ),
        overreach=Overreach(
            outside=Outcome(overreach.get("outside", Outcome.ASK)),
            protected=tuple(overreach.get("protected", ())),
            unprotected=tuple(overreach.get("unprotected", ())),
            quorum=overreach.get("approvals", 1),
        ),
        mcp=OtherMcp(
            gateway=frozenset(mcp.get("gateway", ("ringfence",))),
            others=Outcome(mcp.get("others", Outcome.DENY)),
        ),
        guard_rails=tuple(dict.fromkeys(end for one in rails for end in (os.path.abspath(one), os.path.realpath(one)))),
    )


def _real(folder: Path, text: str) -> str:
    return os.path.realpath(folder / Path(text).expanduser())
